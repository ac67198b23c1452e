"""examples/queue_many.py renders a table in the real server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.examples import queue_many
from animatediff_kit.launcher import workflow
from animatediff_kit.launcher.server import Server
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "queue_many.py"
TEMPLATE = ROOT / "example_workflows" / "01-Small-world-text-to-animation.json"


@pytest.fixture(scope="module")
def graph(server: Server) -> dict[str, Any]:
    """As the page exports it, but short."""
    saved = workflow.load(TEMPLATE)
    prompt = workflow.to_prompt(saved, server.client.object_info())
    titles = {str(node["id"]): node.get("title") for node in saved["nodes"]}
    for key, node in prompt.items():
        node["_meta"] = {"title": titles[key]}
        if "steps" in node["inputs"]:
            node["inputs"]["steps"] = 1
        if "batch_size" in node["inputs"]:
            node["inputs"]["batch_size"] = 2
    return prompt


def webps(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.webp"))


def test_a_table_becomes_files_and_a_manifest(
    server: Server, graph: dict[str, Any], tmp_path: Path
) -> None:
    (sampler,) = [key for key, node in graph.items() if node["class_type"] == "KSampler"]
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    rows = f"Prompt.text,{sampler}.seed\na red star,1\na blue circle,2\n"
    (tmp_path / "rows.csv").write_text(rows)
    out = tmp_path / "out"
    address = f"127.0.0.1:{server.client.port}"
    command = [sys.executable, str(SCRIPT), "graph.json", "rows.csv", "out", "--server", address]
    command += ["--workflow", str(TEMPLATE)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert [first["number"], second["number"]] == [1, 2]
    assert second["row"] == {"Prompt.text": "a blue circle", f"{sampler}.seed": "2"}
    assert first["prompt_id"] != second["prompt_id"] and "error" not in first
    assert sorted((*first["files"], *second["files"], "manifest.jsonl")) == sorted(
        path.name for path in out.iterdir()
    )
    one, two = webps(out)
    assert one.read_bytes() != two.read_bytes()
    with Image.open(two) as picture:
        assert "a blue circle" in json.dumps(dict(picture.getexif()))  # the graph rides in the file
    # nothing is left to do, also without a websocket
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert again.returncode == 0 and again.stdout == ""


def test_a_row_that_fails_is_in_the_manifest_without_a_websocket(
    server: Server, graph: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (frames,) = [key for key, node in graph.items() if node["class_type"] == "EmptyLatentImage"]
    (animate,) = [key for key, node in graph.items() if node["class_type"] == "ADK_Animate"]
    graph[animate]["inputs"]["context_length"] = 0
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    rows = [{f"{frames}.batch_size": 40}, {f"{frames}.batch_size": 2}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr(queue_many, "WebSocket", None)
    arguments = [str(tmp_path / name) for name in ("graph.json", "rows.jsonl", "out")]
    address = f"127.0.0.1:{server.client.port}"
    assert queue_many.main([*arguments, "--server", address]) == 1
    failed, fine = map(json.loads, (tmp_path / "out" / "manifest.jsonl").read_text().splitlines())
    assert failed["error"].startswith("40 frames exceed the ")
    assert failed["files"] == [] and len(fine["files"]) == 2


@pytest.mark.parametrize(
    "column, told",
    [
        ("text", "is no input of one node: the graph has 0 nodes of this id"),
        ("1.nothing", "is no input of one node: the graph has 1 nodes of this id"),
        ("CLIP.text", "is no input of one node: the graph has 2 nodes of this id"),
        ("1.clip", "comes through a link; only widgets take a value."),
    ],
)
def test_a_column_that_fits_nothing_is_told(column: str, told: str) -> None:
    encoder = {"inputs": {"text": "a", "clip": ["3", 0]}, "_meta": {"title": "CLIP"}}
    with pytest.raises(ValueError, match=told):
        queue_many.with_values({"1": encoder, "2": encoder}, {column: "b"})


def test_values_are_of_the_kind_that_was_there() -> None:
    inputs = {"text": "5", "seed": 1, "cfg": 1.5, "loop": True}
    row = {"1.text": "7", "1.seed": "8", "1.cfg": "2.5", "1.loop": "False"}
    changed = queue_many.with_values({"1": {"inputs": inputs}}, row)
    assert changed["1"]["inputs"] == {"text": "7", "seed": 8, "cfg": 2.5, "loop": False}
    assert inputs["text"] == "5"
