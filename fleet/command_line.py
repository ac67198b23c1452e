"""What `fleet.py` does with its command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher import LauncherError, command_line, workflow

from .bar import Bar
from .engine import Engine
from .jobs import Job, make_jobs
from .manifest import Manifest
from .on_ray import RayServers
from .running_servers import RunningServers
from .table import Row, read
from .workflow_file import prompt_of

ROOT = Path(__file__).resolve().parents[1]


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="fleet.py", description="Render a table of clips on many servers."
    )
    top.add_argument("prompts", type=Path, help="a .jsonl or .csv file, a row a clip")
    top.add_argument(
        "--workflow", type=Path, required=True, metavar="FILE", help="saved, or in API format"
    )
    top.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="for the clips and manifest.jsonl"
    )
    top.add_argument("--address", metavar="RAY", help="a Ray that runs; else one is started here")
    top.add_argument(
        "--servers", type=int, metavar="N", help="how many Ray starts (default: one a GPU)"
    )
    top.add_argument("--comfyui", type=Path, metavar="DIR", help="this ComfyUI, with its models")
    top.add_argument(
        "--server",
        nargs="+",
        action="extend",
        metavar="URL",
        help="servers that run already, such as http://box:8188; Ray is not used",
    )
    return top


def options_of(line: Sequence[str]) -> argparse.Namespace:
    top = parser()
    options = top.parse_args(line)
    ours = [name for name in ("address", "servers", "comfyui") if getattr(options, name)]
    if options.server and ours:
        top.error(f"--server names servers that run already; --{ours[0]} is for those of Ray")
    if options.servers is not None and options.servers < 1:
        top.error("--servers must be at least 1")
    if options.comfyui:  # servers start elsewhere, and on other machines of a cluster
        options.comfyui = options.comfyui.expanduser().absolute()
    return options


def say(line: str) -> None:
    print(line, flush=True)


class Speaker:
    """Says lines, above the bar where there is one."""

    def __init__(self) -> None:
        self.bar: Bar | None = None

    def __call__(self, line: str) -> None:
        (self.bar.say if self.bar else say)(line)


@contextmanager
def engine_of(options: argparse.Namespace, speak: Callable[[str], None]) -> Iterator[Engine]:
    if options.server:
        engine: Engine = RunningServers(options.server, speak)
    else:
        speak("starting servers with Ray")
        engine = RayServers(ROOT, speak, options.address, options.servers, options.comfyui)
    try:
        yield engine
    finally:
        engine.close()


def checked_jobs(
    options: argparse.Namespace, rows: list[Row], content: Any, engine: Engine
) -> list[Job]:
    """The rows as jobs, which every server can render as far as it tells."""
    jobs: list[Job] = []
    for server, object_info in engine.object_infos():
        try:
            prompt = prompt_of(content, object_info)
            made = make_jobs(options.prompts.name, rows, prompt, object_info)
        except LauncherError as error:
            raise LauncherError(f"{error}\n(Checked with {server}.)") from None
        jobs = jobs or made
    return jobs


def run(options: argparse.Namespace) -> int:
    """Renders what is missing. -> 0, or 1 where a row has failed"""
    content = workflow.load(options.workflow)
    rows = read(options.prompts)  # before servers are started
    speak, failed = Speaker(), 0
    with Manifest(options.out) as manifest, engine_of(options, speak) as engine:
        jobs = checked_jobs(options, rows, content, engine)
        missing = {job.name: job for job in manifest.missing(jobs)}
        speak.bar = Bar(len(jobs), len(jobs) - len(missing))
        try:
            for outcome in engine.render(list(missing.values())):
                entry = manifest.add(missing[outcome.name], outcome)
                speak.bar.count("error" in entry)
                if outcome.error:
                    failed += 1
                    speak(f"{outcome.name}: {outcome.error}")
        finally:
            speak.bar.end()
    return int(failed > 0)


def main(line: Sequence[str]) -> int:
    """`fleet.py`'s exit code: 0, 1 after errors, 130 after Ctrl-C."""
    options = options_of(line)
    command_line.unwind_at_an_end_from_outside()
    try:
        return run(options)
    except LauncherError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nstopped; the same command goes on with the clips that are missing")
        return 130
