"""The client against a small server that speaks HTTP and WebSocket by hand, and refuses, forgets or
is silent."""

from __future__ import annotations

import base64
import hashlib
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.client import Client

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GRAPH = {"7": {"class_type": "KSampler", "inputs": {}}}


@contextmanager
def serving(answers: dict[str, tuple[str, bytes]]) -> Iterator[Client]:
    """Answers each path with a status and a body; /ws opens a WebSocket and says nothing."""
    release = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            path = self.rfile.readline().decode().split()[1].partition("?")[0]
            lines = [line.decode().strip() for line in iter(self.rfile.readline, b"\r\n")]
            fields = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
            self.rfile.read(int(fields.get("content-length", 0)))
            if path == "/ws":
                digest = hashlib.sha1((fields["sec-websocket-key"] + GUID).encode()).digest()
                accept = base64.b64encode(digest).decode()
                head = f"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                self.wfile.write(head.encode())
                release.wait(20)
                return
            status, body = answers[path]
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            self.wfile.write(head.encode() + body)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Client("127.0.0.1", server.server_address[1])
        finally:
            release.set()
            server.shutdown()
            thread.join()


def test_a_server_that_says_nothing_for_too_long() -> None:
    with serving({"/prompt": ("200 OK", b'{"prompt_id": "1"}')}) as client:
        text = "^The server said nothing for 1 s while the graph was running.$"
        with pytest.raises(LauncherError, match=text):
            list(client.run(GRAPH, silence=1.0))


def test_a_server_without_a_record_of_the_prompt() -> None:
    with serving({"/history/12": ("200 OK", b"{}")}) as client:
        with pytest.raises(LauncherError, match="^The server has no record of prompt 12.$"):
            client.history("12")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"a proxy's page", "The server refused the graph: a proxy's page"),
        (
            json.dumps({"error": {"message": "No outputs.", "details": ""}}).encode(),
            "The server refused the graph:\n  No outputs.",
        ),
    ],
)
def test_a_refusal_without_nodes(answer: bytes, told: str) -> None:
    with serving({"/prompt": ("400 Bad Request", answer)}) as client:
        with pytest.raises(LauncherError) as refused:
            client.queue_prompt(GRAPH)
        assert str(refused.value) == told
