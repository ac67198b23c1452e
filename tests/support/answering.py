"""A small server that speaks HTTP and WebSocket by hand, and answers as it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import socketserver
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from animatediff_kit.launcher.client import Client

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Asked = tuple[str, bytes]  # path, body


@contextmanager
def serving(
    answers: dict[str, tuple[str, bytes]],
    asked: list[Asked] | None = None,
    events: Sequence[object] = (),
) -> Iterator[Client]:
    """Answers each path with a status and a body; /ws opens a WebSocket, tells the events and says
    nothing more. asked: where it notes what it is asked."""
    release = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            path = self.rfile.readline().decode().split()[1].partition("?")[0]
            lines = [line.decode().strip() for line in iter(self.rfile.readline, b"\r\n")]
            fields = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
            body = self.rfile.read(int(fields.get("content-length", 0)))
            if path == "/ws":
                digest = hashlib.sha1((fields["sec-websocket-key"] + GUID).encode()).digest()
                accept = base64.b64encode(digest).decode()
                head = f"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                self.wfile.write(head.encode() + b"".join(map(frame, events)))
                release.wait(20)
                return
            if asked is not None:
                asked.append((path, body))
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


def frame(event: object) -> bytes:
    """An event as a short frame of text."""
    payload = json.dumps(event).encode()
    assert len(payload) < 126
    return struct.pack("!BB", 0x81, len(payload)) + payload
