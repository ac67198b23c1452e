"""Renders one graph many times: a row of a table gives the values of one animation.

    python examples/queue_many.py GRAPH.json ROWS.csv OUTPUT

GRAPH.json is a workflow in the API format (in ComfyUI: File, Export (API)). The columns of ROWS
(.csv, or .jsonl with an object a line) are named NODE.INPUT: the id or the title of a node, and an
input of it, such as `6.seed` or `Prompt.text`. The files of each row and manifest.jsonl, which says
what became of it, lie in OUTPUT; started again, it goes on with the rows that are not done. An
empty cell of a .csv leaves the graph's own value; texts with commas stand in double quotes there.

It needs a running ComfyUI (--server, default 127.0.0.1:8188) and Python's standard library. Steps
are shown where the pack's launcher lies beside it; else the server is asked once a second.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
try:
    from launcher import LauncherError  # pyright: ignore[reportMissingImports]
    from launcher.websocket import WebSocket  # pyright: ignore[reportMissingImports]
except ImportError:  # a copy of this file alone, or a published pack
    WebSocket, LauncherError = None, TimeoutError

Graph = dict[str, dict[str, Any]]
Row = dict[str, Any]
MANIFEST = "manifest.jsonl"


class Server:
    """ComfyUI's API, as docs/api.md has it. address: HOST:PORT, of IPv6 with brackets"""

    def __init__(self, address: str) -> None:
        found = re.fullmatch(r"(?:http://)?(\[[^]]+\]|[^][:/]+)(?::(\d+))?/?", address)
        if found is None:
            raise ValueError(f"--server {address} is no HOST:PORT, such as 127.0.0.1:8188.")
        self.host, self.port = found[1], int(found[2] or 80)
        self.client = uuid.uuid4().hex
        # a proxy of the environment reaches neither this machine nor those beside it
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, resource: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        url, headers = f"http://{self.host}:{self.port}", {"Content-Type": "application/json"}
        request = urllib.request.Request(url + resource, data, headers)
        with self.opener.open(request, timeout=60) as answer:
            return answer.read()

    def queue(self, graph: Graph, workflow: Any) -> str:
        """-> the prompt's id. `workflow`: as the page saves it, for the files to carry. Raises
        ValueError where it is refused, also where ComfyUI takes a part of the graph."""
        extra = {} if workflow is None else {"extra_pnginfo": {"workflow": workflow}}
        body = {"prompt": graph, "client_id": self.client, "extra_data": extra}
        try:
            answer = json.loads(self.ask("/prompt", body))
        except urllib.error.HTTPError as refusal:
            raise ValueError(told_by(refusal.read(), graph)) from None
        if answer.get("node_errors"):
            self.ask("/queue", {"delete": [answer["prompt_id"]]})
            self.ask("/interrupt", {"prompt_id": answer["prompt_id"]})
            raise ValueError(told_by(json.dumps(answer).encode(), graph))
        return answer["prompt_id"]

    def finished(self, graph: Graph, workflow: Any, say: Callable[[str], None]) -> tuple[str, Row]:
        """Queue a graph and wait for it. -> the prompt's id, its record"""
        socket = self.socket()
        try:
            prompt = self.queue(graph, workflow)
            for told in self.told(socket, prompt):
                say(told)
                history = json.loads(self.ask(f"/history/{prompt}"))  # of those that have ended
                if prompt in history:
                    return prompt, history[prompt]
        finally:
            if socket is not None:
                socket.close()
        raise AssertionError  # `told` has no end

    def socket(self) -> Any | None:
        if WebSocket is None:
            return None
        place = self.host.strip("[]"), self.port
        return WebSocket(*place, f"/ws?clientId={self.client}", timeout=10.0)

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
        target.write_bytes(self.ask(f"/view?{query}"))


def told_by(answer: bytes, graph: Graph) -> str:
    """The sentence for ComfyUI's refusal of a graph."""
    try:
        told = json.loads(answer)
        reasons = [
            f"node {key} ({graph[key]['class_type']}): {error['message']}: {error['details']}"
            for key, node in (told.get("node_errors") or {}).items()
            for error in node["errors"]
        ] or [told["error"]["message"]]
    except (ValueError, KeyError, TypeError, AttributeError):  # a gateway's page, for example
        reasons = [answer.decode(errors="replace")[:300]]
    return f"ComfyUI refuses the graph: {'; '.join(reasons)}"


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix != ".csv":
            return [json.loads(line) for line in file if line.strip()]
        rows = [*csv.DictReader(file)]
    for number, row in enumerate(rows, 1):
        if None in row:  # where DictReader puts what has no column
            told = f"Row {number} of {path.name} has more cells than columns; put texts with commas"
            raise ValueError(f"{told} in double quotes.")
    return [{column: cell for column, cell in row.items() if cell} for row in rows]


def with_values(graph: Graph, row: Row) -> Graph:
    """The graph with the values of a row, each of the kind of the value that it replaces."""
    changed = json.loads(json.dumps(graph))
    for column, value in row.items():
        name, _, given = column.rpartition(".")
        titles = {key: node.get("_meta", {}).get("title") for key, node in changed.items()}
        nodes = [node for key, node in changed.items() if name in (key, titles[key])]
        if len(nodes) != 1 or given not in nodes[0]["inputs"]:
            raise ValueError(
                f"{column!r} is no input of one node: the graph has {len(nodes)} nodes of this id "
                "or title. Name columns NODE.INPUT."
            )
        before = nodes[0]["inputs"][given]
        if isinstance(before, list):
            raise ValueError(f"{column!r} comes through a link; only widgets take a value.")
        try:
            nodes[0]["inputs"][given] = as_kind_of(before, value)
        except ValueError:
            told = f"{column!r} is {value!r}, where the graph has {before!r}; give one of its kind."
            raise ValueError(told) from None
    return changed


def as_kind_of(before: Any, value: Any) -> Any:
    """A table holds texts: a number where a number was, true or false where one of them was."""
    if not isinstance(value, str) or before is None or isinstance(before, str):
        return value
    return json.loads(value.lower() if isinstance(before, bool) else value)


def render(server: Server, graph: Graph, workflow: Any, number: int, folder: Path) -> Row:
    """One row. -> its entry in the manifest, without the row itself"""
    say = partial(print, f"\rrow {number}:", end=" " * 20, flush=True)
    began = time.monotonic()
    try:
        prompt, record = server.finished(graph, workflow, say)
    except ValueError as refused:
        return {"files": [], "error": str(refused)}
    entry: Row = {"prompt_id": prompt, "seconds": round(time.monotonic() - began, 1), "files": []}
    status = record.get("status") or {}
    if status.get("status_str") != "success":
        told = [data for kind, data in status.get("messages", []) if kind == "execution_error"]
        entry["error"] = told[0]["exception_message"].strip() if told else "interrupted"
    for output in record["outputs"].values():
        for file in (f for files in output.values() for f in files if isinstance(f, dict)):
            if file.get("type") == "output":
                name = f"{number:04d}_{Path(file['filename']).name}"
                while name in entry["files"]:  # of another subfolder
                    name = f"{Path(name).stem}_{len(entry['files'])}{Path(name).suffix}"
                server.download(file, folder / name)
                entry["files"].append(name)
    return entry


def done(folder: Path) -> dict[int, Row]:
    """The rows that are rendered: number -> values."""
    path = folder / MANIFEST
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entries = [json.loads(line) for line in lines]
    return {entry["number"]: entry["row"] for entry in entries if "error" not in entry}


def main(arguments: list[str] | None = None) -> int:
    """-> 0, or 1 where a row has failed or nothing can be done"""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("graph", type=Path, help="a workflow in the API format")
    parser.add_argument("rows", type=Path, help="a .csv or .jsonl file")
    parser.add_argument("output", type=Path, help="a folder for the files and the manifest")
    parser.add_argument("--server", default="127.0.0.1:8188", metavar="HOST:PORT")
    parser.add_argument("--workflow", type=Path, help="the same graph as the page saves it")
    given = parser.parse_args(arguments)
    try:
        return render_all(given)
    except (urllib.error.URLError, TimeoutError, ConnectionError, LauncherError) as error:
        told = f"ComfyUI at {given.server} does not answer ({error}); see that it runs there."
    except (ValueError, OSError) as error:
        told = str(error)
    print(f"Error: {told}", file=sys.stderr)
    return 1


def render_all(given: argparse.Namespace) -> int:
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
