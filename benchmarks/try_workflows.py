"""Do the AnimateDiff workflows of a folder open, and does their AnimateDiff half run?

    python benchmarks/try_workflows.py FOLDER [--convert] [--comfyui DIR]

Prints a line for each JSON, PNG, WebP and MP4 below FOLDER that holds nodes of AnimateDiff-Evolved
or of this pack, and counts at the end:

    opens     no AnimateDiff node of it is missing in ComfyUI with this pack
    runs      its AnimateDiff half ran: its own settings, on the small world's models, one step;
              "nothing" where no node of it is switched on that gives a model
    missing   ids of other packs that it needs besides

With --convert each is converted first, as `python run.py convert` does it. ComfyUI is the demo's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))
from conversion import ConversionError  # noqa: E402
from conversion.convert import convert, is_workflow  # noqa: E402
from conversion.files import read  # noqa: E402
from conversion.graph import Graph  # noqa: E402
from conversion.motion_half import Prompt, motion_half, name_widgets  # noqa: E402
from conversion.old_nodes import is_old  # noqa: E402
from conversion.read_api import graph_of_prompt  # noqa: E402
from conversion.read_page import graph_of_page  # noqa: E402
from conversion.virtual import Page  # noqa: E402
from launcher import LauncherError, comfyui, demo  # noqa: E402
from launcher.server import Server  # noqa: E402

ENDINGS = (".json", ".png", ".webp", ".mp4")


@dataclass(frozen=True)
class Trial:
    """What is told of a workflow. `halves` are the prompts that were run; `why` is empty where none
    failed."""

    name: str
    absent: tuple[str, ...]
    halves: int
    why: str
    others: tuple[str, ...]

    @property
    def runs(self) -> str:
        return "NO" if self.why else "yes" if self.halves else "nothing"

    def line(self) -> str:
        opens = f"opens NO ({', '.join(self.absent)})" if self.absent else "opens yes"
        runs = f"runs {self.runs}" + (f" ({self.why})" if self.why else "")
        missing = ", ".join(self.others) or "nothing"
        return f"{self.name}: {opens}; {runs}; missing besides: {missing}"


def contents(folder: Path) -> Iterator[tuple[str, Any]]:
    """(name, content) of every workflow in which AnimateDiff is."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in ENDINGS or not path.is_file():
            continue
        try:
            content = read(path)
            if any(is_animatediff(kind) for graph in graphs(content) for kind in kinds(graph)):
                yield str(path.relative_to(folder)), content
        except (ConversionError, KeyError, TypeError, ValueError, AttributeError):
            continue  # another file, or none that this reads


def graphs(content: Any) -> list[Graph]:
    """The workflow, and the insides of its subgraphs."""
    if not is_workflow(content):
        return [graph_of_prompt(content.get("prompt", content))]
    inside = (content.get("definitions") or {}).get("subgraphs") or []
    return [graph_of(Page(page)) for page in (content, *inside)]


def graph_of(page: Page) -> Graph:
    graph = graph_of_page(page)
    name_widgets(graph, page)
    return graph


def kinds(graph: Graph) -> set[str]:
    return {node.kind for node in graph.nodes.values()}


def is_animatediff(kind: str) -> bool:
    return is_old(kind) or kind.startswith("ADK_")


def tried(server: Server, name: str, content: Any, known: set[str]) -> Trial:
    found = graphs(content)
    unknown = set().union(*map(kinds, found)) - known - subgraphs(content)
    absent = tuple(sorted(filter(is_animatediff, unknown)))
    halves = [half for half in map(motion_half, found) if half]
    why = "; ".join(reason for half in halves if (reason := failure(server, half)))
    return Trial(name, absent, len(halves), why, tuple(sorted(unknown - set(absent))))


def subgraphs(content: Any) -> set[str]:
    """Nodes that stand for a subgraph are named by its id."""
    defined = (content.get("definitions") or {}).get("subgraphs") or []
    return {str(definition.get("id")) for definition in defined}


def failure(server: Server, prompt: Prompt) -> str:
    """Why a prompt does not run; empty where it does."""
    try:
        for _ in server.client.run(prompt, silence=300.0):
            pass
    except LauncherError as error:
        return " ".join(str(error).split())
    return ""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--convert", action="store_true", help="convert each workflow first")
    parser.add_argument("--comfyui", type=Path, metavar="DIR", help="use this ComfyUI")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    comfy = demo.choose_comfyui(ROOT, options.comfyui, print)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="try-", dir=ROOT / ".comfy") as folder:
        base = comfyui.prepare_base(Path(folder), ROOT)
        with Server(comfy, base, base / "comfyui.log") as server:
            known = set(server.client.object_info())
            for name, content in contents(options.folder):
                if options.convert:
                    content, _ = convert(content)
                trial = tried(server, name, content, known)
                print(trial.line(), flush=True)
                counts["workflows"] += 1
                counts["open"] += not trial.absent
                counts["run"] += trial.runs == "yes"
                counts["have nothing to run"] += trial.runs == "nothing"
                counts["need no other pack"] += not trial.others
        comfyui.unlink(base / "custom_nodes" / comfyui.PACK_NAME)
    print(", ".join(f"{key} {counts[key]}" for key in COUNTED))
    return 0 if counts["workflows"] == counts["open"] else 1


COUNTED = ("workflows", "open", "run", "have nothing to run", "need no other pack")

if __name__ == "__main__":
    sys.exit(main())
