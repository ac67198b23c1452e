"""Renders one graph many times: a row of a table gives the values of one animation.

    python examples/queue_many.py GRAPH.json ROWS.csv OUTPUT

GRAPH.json is a workflow in the API format (in ComfyUI: File, Export (API)). The columns of ROWS
(.csv, or .jsonl with an object a line) are named NODE.INPUT: the id or the title of a node, and an
input of it, such as `6.seed` or `Prompt.text`. The files of each row and manifest.jsonl, which says
what became of it, lie in OUTPUT; started again, it goes on with the rows that are not done.

It needs a running ComfyUI (--server, default 127.0.0.1:8188) and Python's standard library. Steps
are shown where the pack's launcher lies beside it; else the server is asked once a second.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
try:
    from launcher.websocket import WebSocket  # pyright: ignore[reportMissingImports]
except ImportError:  # a copy of this file alone, or a published pack
    WebSocket = None

Graph = dict[str, dict[str, Any]]
Row = dict[str, Any]
MANIFEST = "manifest.jsonl"


class Server:
    """ComfyUI's API, as docs/api.md has it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = uuid.uuid4().hex

    def ask(self, resource: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.address}{resource}", data, headers)
        return urllib.request.urlopen(request, timeout=60)

    def queue(self, graph: Graph, workflow: Any) -> str:
        """-> the prompt's id. `workflow`: as the page saves it, for the files to carry."""
        body: dict[str, Any] = {"prompt": graph, "client_id": self.client}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        try:
            return json.load(self.ask("/prompt", body))["prompt_id"]
        except urllib.error.HTTPError as refusal:
            raise ValueError(f"ComfyUI refuses the graph: {refusal.read().decode()}") from None

    def record(self, prompt: str) -> dict[str, Any] | None:
        """What the history says of a prompt that has ended."""
        return json.load(self.ask(f"/history/{prompt}")).get(prompt)

    def finished(
        self, graph: Graph, workflow: Any, say: Callable[[str], None]
    ) -> tuple[str, dict[str, Any]]:
        """Queue a graph and wait for it. -> the prompt's id, its record"""
        socket = self.socket()
        try:
            prompt = self.queue(graph, workflow)
            for told in self.told(socket, prompt):
                say(told)
                if (record := self.record(prompt)) is not None:
                    return prompt, record
        finally:
            if socket is not None:
                socket.close()
        raise AssertionError  # `told` has no end

    def socket(self) -> Any | None:
        if WebSocket is None:
            return None
        host, _, port = self.address.partition(":")
        return WebSocket(host, int(port or 80), f"/ws?clientId={self.client}", timeout=10.0)

    def told(self, socket: Any | None, prompt: str) -> Iterator[str]:
        """What is going on, at every message that may be the last and once in ten seconds."""
        while socket is None:
            yield ""
            time.sleep(1)
        while True:
            try:
                message = socket.receive()
            except TimeoutError:
                yield ""
                continue
            if isinstance(message, bytes):  # previews
                continue
            event = json.loads(message)
            data = event.get("data") or {}
            if event["type"] == "progress":
                yield f"node {data.get('node')}: {data['value']} of {data['max']}"
            elif event["type"].startswith("execut"):
                yield ""

    def download(self, file: dict[str, str], target: Path) -> None:
        query = urllib.parse.urlencode({k: file[k] for k in ("filename", "subfolder", "type")})
        with self.ask(f"/view?{query}") as answer, target.open("wb") as out:
            shutil.copyfileobj(answer, out)


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file))
        return [json.loads(line) for line in file if line.strip()]


def with_values(graph: Graph, row: Row) -> Graph:
    """The graph with the values of a row, each of the kind of the value that it replaces."""
    changed = json.loads(json.dumps(graph))
    for column, value in row.items():
        name, _, given = column.rpartition(".")
        nodes = [
            node
            for key, node in changed.items()
            if name in (key, node.get("_meta", {}).get("title"))
        ]
        if len(nodes) != 1 or given not in nodes[0]["inputs"]:
            raise ValueError(
                f"{column!r} is no input of one node: the graph has {len(nodes)} nodes of this id "
                "or title. Name columns NODE.INPUT."
            )
        before = nodes[0]["inputs"][given]
        if isinstance(before, list):
            raise ValueError(f"{column!r} comes through a link; only widgets take a value.")
        nodes[0]["inputs"][given] = as_kind_of(before, value)
    return changed


def as_kind_of(before: Any, value: Any) -> Any:
    """A table holds texts: a number where a number was, true or false where one of them was."""
    if not isinstance(value, str) or isinstance(before, str):
        return value
    return json.loads(value.lower() if isinstance(before, bool) else value)


def render(server: Server, graph: Graph, workflow: Any, number: int, folder: Path) -> Row:
    """One row. -> its entry in the manifest, without the row itself"""

    def say(told: str) -> None:
        print(f"\rrow {number}: {told:<40}", end="", flush=True)

    began = time.monotonic()
    prompt, record = server.finished(graph, workflow, say)
    entry: Row = {"prompt_id": prompt, "seconds": round(time.monotonic() - began, 1), "files": []}
    status = record.get("status") or {}
    if status.get("status_str") != "success":
        details = [data for kind, data in status.get("messages", []) if kind == "execution_error"]
        entry["error"] = details[0]["exception_message"].strip() if details else "interrupted"
    for output in record["outputs"].values():
        for file in (f for files in output.values() for f in files if isinstance(f, dict)):
            if file.get("type") == "output":
                target = folder / f"{number:04d}_{Path(file['filename']).name}"
                server.download(file, target)
                entry["files"].append(target.name)
    return entry


def done(folder: Path) -> dict[int, Row]:
    """The rows that are rendered: number -> values."""
    path = folder / MANIFEST
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entries = [json.loads(line) for line in lines]
    return {entry["number"]: entry["row"] for entry in entries if "error" not in entry}


def main(arguments: list[str] | None = None) -> int:
    """-> 0, or 1 where a row has failed"""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("graph", type=Path, help="a workflow in the API format")
    parser.add_argument("rows", type=Path, help="a .csv or .jsonl file")
    parser.add_argument("output", type=Path, help="a folder for the files and the manifest")
    parser.add_argument("--server", default="127.0.0.1:8188", metavar="HOST:PORT")
    parser.add_argument("--workflow", type=Path, help="the same graph as the page saves it")
    given = parser.parse_args(arguments)
    graph = json.loads(given.graph.read_text(encoding="utf-8"))
    workflow = json.loads(given.workflow.read_text(encoding="utf-8")) if given.workflow else None
    rows = read_rows(given.rows)
    graphs = [with_values(graph, row) for row in rows]  # before anything is rendered
    given.output.mkdir(parents=True, exist_ok=True)
    server, before, failed = Server(given.server), done(given.output), 0
    for number, row in enumerate(rows, 1):
        if before.get(number) == row:
            continue
        entry = render(server, graphs[number - 1], workflow, number, given.output)
        failed += "error" in entry
        with (given.output / MANIFEST).open("a", encoding="utf-8") as manifest:
            manifest.write(json.dumps({"number": number, "row": row, **entry}) + "\n")
        print(f"\rrow {number} of {len(rows)}: {entry.get('error') or entry['files']}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
