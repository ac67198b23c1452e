"""examples/queue_many.py against a small server that refuses or is silent; tests/integration has it
before a real one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from adk_tests.support.answering import Asked, serving
from animatediff_kit.examples import queue_many
from animatediff_kit.launcher.server import free_port

GRAPH = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a", "seed": 1}}}
REASON = {"6": {"errors": [{"message": "Value not in list", "details": "x.pt"}]}}
TAKEN = {"/queue": ("200 OK", b""), "/interrupt": ("200 OK", b"")}


def line(folder: Path, table: str, address: str) -> list[str]:
    (folder / "graph.json").write_text(json.dumps(GRAPH))
    (folder / "rows.csv").write_text(table)
    places = [str(folder / name) for name in ("graph.json", "rows.csv", "out")]
    return [*places, "--server", address]


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (
            "400 Bad Request",
            json.dumps({"error": {"message": "invalid"}, "node_errors": REASON}).encode(),
            "ComfyUI refuses the graph: node 6 (CLIPTextEncode): Value not in list: x.pt",
        ),
        (
            "200 OK",  # a part of the graph would run
            json.dumps({"prompt_id": "5", "node_errors": REASON}).encode(),
            "ComfyUI refuses the graph: node 6 (CLIPTextEncode): Value not in list: x.pt",
        ),
        (
            "400 Bad Request",
            json.dumps({"error": {"message": "No outputs"}, "node_errors": {}}).encode(),
            "ComfyUI refuses the graph: No outputs",
        ),
        ("502 Bad Gateway", b"<html>", "ComfyUI refuses the graph: <html>"),
    ],
)
def test_a_refusal_is_a_sentence_of_its_row(
    status: str, answer: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past a proxy of the environment, which nobody keeps; the rows after it are tried too."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    asked: list[Asked] = []
    with serving({"/prompt": (status, answer), **TAKEN}, asked) as client:
        table = 'CLIP.text,6.seed\n"a, b",\n,2\n'.replace("CLIP", "6")
        assert queue_many.main(line(tmp_path, table, client.url)) == 1
    entries = [*map(json.loads, (tmp_path / "out" / "manifest.jsonl").read_text().splitlines())]
    assert [entry["error"] for entry in entries] == [told, told]
    sent = [json.loads(body)["prompt"]["6"]["inputs"] for path, body in asked if path == "/prompt"]
    assert sent == [{"text": "a, b", "seed": 1}, {"text": "a", "seed": 2}], (
        "empty cells say nothing"
    )
    cancelled = [path for path, _ in asked if path != "/prompt"]
    assert cancelled == (["/queue", "/interrupt"] * 2 if status == "200 OK" else [])


@pytest.mark.parametrize(
    ("table", "address", "told"),
    [
        ("6.text\na, b\n", "box:1", r"Error: Row 1 of rows\.csv has more cells than columns; put"),
        ("6.seed\nx\n", "box:1", r"Error: '6\.seed' is 'x', where the graph has 1; give one of it"),
        ("6.text\nb\n", "::1:8188", r"Error: --server ::1:8188 is no HOST:PORT, such as 127\.0\."),
        ("6.text\nb\n", "https://a", r"Error: --server https://a is no HOST:PORT, such as"),
    ],
)
def test_what_cannot_be_is_told(
    table: str, address: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert queue_many.main(line(tmp_path, table, address)) == 1
    assert re.match(told, capsys.readouterr().err)


@pytest.mark.parametrize("websocket", [True, False])
def test_a_server_that_is_not_there_is_told(
    websocket: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not websocket:
        monkeypatch.setattr(queue_many, "WebSocket", None)
    address = f"127.0.0.1:{free_port()}"
    assert queue_many.main(line(tmp_path, "6.text\nb\n", address)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"Error: ComfyUI at {address} does not answer (")
    assert said.endswith("); see that it runs there.\n")


def test_addresses() -> None:
    places = {"[::1]:8188": ("[::1]", 8188), "http://box:80/": ("box", 80), "box": ("box", 80)}
    for address, place in places.items():
        server = queue_many.Server(address)
        assert (server.host, server.port) == place
