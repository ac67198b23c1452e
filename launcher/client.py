"""A client of ComfyUI's HTTP and WebSocket API on the loopback address."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from . import LauncherError
from .websocket import WebSocket

Prompt = dict[str, dict[str, Any]]  # node id -> {"class_type", "inputs"}: ComfyUI's API format


@dataclass(frozen=True)
class Event:
    """A JSON message of the server, e.g. `progress` with `{"value", "max", "node"}`."""

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True)
class OutputFile:
    """A file that an output node wrote, as `/history` names it."""

    node: str
    filename: str
    subfolder: str
    folder: str  # output, temp or input


class ServerSilent(LauncherError):
    """The server said nothing for too long while a graph was running."""


class Client:
    """Talks to one server; `identity` ties the WebSocket's events to the prompts queued here."""

    def __init__(self, host: str, port: int, timeout: float = 30.0) -> None:
        self.host, self.port, self.timeout = host, port, timeout
        self.identity = uuid.uuid4().hex
        # A proxy of the environment must not see calls to the loopback address.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host  # of IPv6
        return f"http://{host}:{self.port}"

    def get_json(self, resource: str, timeout: float | None = None) -> Any:
        with self._open(resource, timeout=timeout) as response:
            return json.load(response)

    def object_info(self) -> dict[str, Any]:
        """Every node class with its inputs and outputs. Raises `LauncherError` where the server
        does not say in time."""
        try:
            return self.get_json("/object_info")
        except TimeoutError:
            raise LauncherError(
                f"{self.url} did not say in {self.timeout:g} s which nodes it has; it may be busy "
                "or still load node packs; start the same command again."
            ) from None

    def queue_prompt(self, prompt: Prompt, workflow: dict[str, Any] | None = None) -> str:
        """Queues a graph in the API format and returns its prompt id.

        `workflow` is the same graph as the page saves it; output files carry it as metadata.
        Raises `LauncherError` with the server's reasons when it refuses the graph, or a part of it:
        the rest, which it has queued, is cancelled.
        """
        body: dict[str, Any] = {"prompt": prompt, "client_id": self.identity}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        try:
            with self._open("/prompt", body) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as refusal:
            raise LauncherError(_refusal(prompt, refusal.read())) from None
        if answer.get("node_errors"):
            self.cancel(answer["prompt_id"])
            raise LauncherError(_refusal(prompt, json.dumps(answer).encode()))
        return answer["prompt_id"]

    def run(
        self, prompt: Prompt, workflow: dict[str, Any] | None = None, silence: float = 3600.0
    ) -> Iterator[Event]:
        """Queues a graph and gives its events to the end.

        Raises `LauncherError` with the node's id, class and message when a node fails, when the
        run is interrupted, `ServerSilent` when the server says nothing for `silence` seconds.
        """
        resource = f"/ws?clientId={self.identity}"
        with WebSocket(self.host, self.port, resource, timeout=self.timeout) as socket:
            prompt_id = self.queue_prompt(prompt, workflow)
            socket.set_timeout(silence)
            yield Event("queued", {"prompt_id": prompt_id})
            for event in self._events(socket, silence):
                if event.data.get("prompt_id", prompt_id) != prompt_id:
                    continue
                if event.kind == "execution_error":
                    raise LauncherError(node_failure(event.data))
                if event.kind == "execution_interrupted":
                    raise LauncherError(f"The run was interrupted at node {_node_of(event.data)}.")
                yield event
                # The history is complete only when the server says that nothing executes.
                if event.kind == "executing" and event.data.get("node") is None:
                    return

    def history(self, prompt_id: str) -> dict[str, Any]:
        """The record of a finished prompt: `outputs` by node id, `status`."""
        record = self.get_json(f"/history/{prompt_id}").get(prompt_id)
        if record is None:
            raise LauncherError(f"The server has no record of prompt {prompt_id}.")
        return record

    def outputs(self, prompt_id: str) -> list[OutputFile]:
        """The files that a finished prompt wrote, in the order of the nodes' ids."""
        found = []
        outputs = self.history(prompt_id)["outputs"]  # in the order in which nodes ended
        for node, ui in sorted(outputs.items(), key=lambda item: by_number(item[0])):
            for entries in ui.values():
                for entry in entries if isinstance(entries, list) else []:
                    if isinstance(entry, dict) and "filename" in entry:
                        folder = entry.get("type", "output")
                        subfolder = entry.get("subfolder", "")
                        found.append(OutputFile(node, entry["filename"], subfolder, folder))
        return found

    def download(self, file: OutputFile, folder: Path) -> Path:
        """Copies an output file through `GET /view` into `folder`, byte for byte, in the subfolder
        that it has on the server. Raises `LauncherError` for one that would lie outside."""
        target = folder / place_of(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".partial")
        with self.opened(file) as response, partial.open("wb") as out:
            shutil.copyfileobj(response, out)
        partial.replace(target)
        return target

    def opened(self, file: OutputFile) -> Any:
        """An output file as a stream of bytes, to be closed."""
        query = urllib.parse.urlencode(
            {"filename": file.filename, "subfolder": file.subfolder, "type": file.folder}
        )
        return self._open(f"/view?{query}")

    def interrupt(self) -> None:
        with self._open("/interrupt", {}):
            pass

    def cancel(self, prompt_id: str) -> None:
        """Takes a prompt from the queue, or interrupts it; other prompts go on."""
        for resource, body in (
            ("/queue", {"delete": [prompt_id]}),
            ("/interrupt", {"prompt_id": prompt_id}),
        ):
            with self._open(resource, body):
                pass

    def queued(self) -> set[str]:
        """The ids of the prompts that run or wait."""
        answer = self.get_json("/queue")
        return {item[1] for key in ("queue_running", "queue_pending") for item in answer[key]}

    def _open(
        self, resource: str, body: dict[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + resource, data=data, headers=headers)
        return self._opener.open(request, timeout=timeout or self.timeout)

    @staticmethod
    def _events(socket: WebSocket, silence: float) -> Iterator[Event]:
        while True:
            try:
                message = socket.receive()
            except TimeoutError:
                text = f"The server said nothing for {silence:.0f} s while the graph was running."
                raise ServerSilent(text) from None
            if isinstance(message, str):  # binary messages are preview pictures
                content = json.loads(message)
                data = content.get("data")  # events of other packs may hold anything
                yield Event(content["type"], data if isinstance(data, dict) else {})


def place_of(file: OutputFile) -> PurePosixPath:
    """Where an output file lies in the server's folder, below which it must be: a server's answer
    must not choose a path elsewhere. Servers on Windows write backslashes."""
    path = PureWindowsPath(file.subfolder, file.filename)
    if path.anchor or ".." in path.parts or not path.name:
        raise LauncherError(
            f"The server names a file {file.filename!r} in the subfolder {file.subfolder!r}, which "
            "is no place below its output folder; nothing was written for it."
        )
    return PurePosixPath(*path.parts)


def by_number(node: str) -> list[tuple[bool, int, str]]:
    """Sorts ids of nodes: 9 before 12 before 12:3, a node of subgraph 12; names come last."""
    parts = node.split(":")
    return [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in parts]


def node_failure(data: dict[str, Any]) -> str:
    """The sentence for an `execution_error` event."""
    reason = str(data.get("exception_message", "")).strip() or "no message"
    return f"Node {_node_of(data)} failed with {data.get('exception_type')}: {reason}"


def _node_of(data: dict[str, Any]) -> str:
    return f"{data.get('node_id')} ({data.get('node_type')})"


def _refusal(prompt: Prompt, answer: bytes) -> str:
    try:
        content = json.loads(answer)
    except ValueError:
        return f"The server refused the graph: {answer[:500].decode('utf-8', 'replace')}"
    lines = []
    for node, errors in (content.get("node_errors") or {}).items():
        kind = errors.get("class_type") or prompt.get(node, {}).get("class_type")
        for error in errors.get("errors", []):
            lines.append(f"node {node} ({kind}): {error.get('message')}: {error.get('details')}")
    if not lines:
        error = content.get("error") or {}
        lines = [f"{error.get('message')} {error.get('details', '')}".strip()]
    return "The server refused the graph:\n  " + "\n  ".join(lines)
