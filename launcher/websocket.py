"""A client's half of the WebSocket protocol (RFC 6455) over a plain TCP socket."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct

from . import LauncherError

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
MAX_HANDSHAKE = 65536  # bytes


class WebSocketClosed(LauncherError):
    """The connection ended: a close frame came, or the TCP stream stopped."""


class WebSocket:
    """One open connection. `receive` gives whole messages; pings are answered on the way."""

    def __init__(self, host: str, port: int, resource: str, timeout: float | None = 30.0) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._buffer = b""
        try:
            self._shake_hands(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", resource)
        except BaseException:
            self._socket.close()
            raise

    def receive(self) -> str | bytes:
        """The next message, its fragments joined: text as `str`, binary as `bytes`.

        Raises `WebSocketClosed` at the end of the connection and `TimeoutError` when nothing
        arrives in the timeout.
        """
        kind, parts = CONTINUATION, []
        while True:
            final, opcode, payload = self._read_frame()
            if opcode == PING:
                self._send_frame(PONG, payload)
            elif opcode == CLOSE:
                self._answer_close(payload)
            elif opcode in (TEXT, BINARY) and kind == CONTINUATION:
                kind, parts = opcode, [payload]
            elif opcode == CONTINUATION and kind != CONTINUATION:
                parts.append(payload)
            elif opcode != PONG:
                raise LauncherError(f"The server sent WebSocket opcode {opcode:#x} out of order.")
            if final and opcode in (CONTINUATION, TEXT, BINARY):
                message = b"".join(parts)
                return message.decode("utf-8") if kind == TEXT else message

    def send_text(self, text: str) -> None:
        self._send_frame(TEXT, text.encode("utf-8"))

    def set_timeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)

    def close(self) -> None:
        try:
            self._send_frame(CLOSE, struct.pack("!H", 1000))
        except OSError:
            pass  # the other side is gone already
        self._socket.close()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shake_hands(self, host: str, resource: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {resource} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(request.encode("ascii"))
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > MAX_HANDSHAKE:
                raise LauncherError("The server's answer to the WebSocket handshake has no end.")
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in
                   (line.partition(":") for line in lines)}  # fmt: skip
        expected = base64.b64encode(hashlib.sha1((key + ACCEPT_GUID).encode()).digest()).decode()
        if status.split(" ")[1:2] != ["101"] or headers.get("sec-websocket-accept") != expected:
            raise LauncherError(f"{host} did not open a WebSocket at {resource}: {status!r}.")

    def _read_frame(self) -> tuple[bool, int, bytes]:
        """(final fragment?, opcode, payload); section 5.2."""
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        mask = self._read(4) if second & 0x80 else b""
        payload = self._read(length)
        return bool(first & 0x80), first & 0x0F, _masked(payload, mask) if mask else payload

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        """A client masks every frame (section 5.3)."""
        length = len(payload)
        head = bytes([0x80 | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 1 << 16:
            head += struct.pack("!BH", 0x80 | 126, length)
        else:
            head += struct.pack("!BQ", 0x80 | 127, length)
        mask = os.urandom(4)
        self._socket.sendall(head + mask + _masked(payload, mask))

    def _answer_close(self, payload: bytes) -> None:
        try:
            self._send_frame(CLOSE, payload[:2])
        except OSError:
            pass  # it closed without waiting for the answer
        self._socket.close()
        code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
        raise WebSocketClosed(f"The server closed the WebSocket (code {code}).")

    def _read(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _fill(self) -> None:
        try:
            chunk = self._socket.recv(65536)
        except TimeoutError:
            raise
        except OSError as error:
            raise WebSocketClosed(f"The connection to the server broke: {error}.") from error
        if not chunk:
            raise WebSocketClosed("The server ended the connection without a close frame.")
        self._buffer += chunk


def _masked(payload: bytes, mask: bytes) -> bytes:
    repeated = mask * (len(payload) // 4 + 1)
    width = len(payload)
    both = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:width], "big")
    return both.to_bytes(width, "big")
