"""The WebSocket client against a real TCP server that speaks the protocol byte by byte."""

from __future__ import annotations

import base64
import hashlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.websocket import WebSocket, WebSocketClosed

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
Talk = Callable[[socket.socket], None]


def read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        assert chunk, "the client left early"
        data += chunk
    return data


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """A server's frame, unmasked, with the shortest length field."""
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + struct.pack("!H", len(payload)) + payload
    return head + b"\x7f" + struct.pack("!Q", len(payload)) + payload


def read_masked_frame(connection: socket.socket) -> tuple[int, bytes]:
    first, second = read(connection, 2)
    assert first & 0x80 and second & 0x80, "a client's frame is final and masked here"
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", read(connection, 2))
    elif length == 127:
        (length,) = struct.unpack("!Q", read(connection, 8))
    mask = read(connection, 4)
    payload = read(connection, length)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@contextmanager
def serving(talk: Talk, accept: str | None = None) -> Iterator[int]:
    """Answers one handshake, then lets `talk` speak; gives the port. Its errors fail the test."""
    failures: list[BaseException] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request = b""
            while b"\r\n\r\n" not in request:
                request += self.request.recv(4096)
            fields = dict(
                line.split(": ", 1) for line in request.decode().split("\r\n")[1:] if ": " in line
            )
            digest = hashlib.sha1((fields["Sec-WebSocket-Key"] + GUID).encode()).digest()
            answer = accept or base64.b64encode(digest).decode()
            head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            head += f"Connection: Upgrade\r\nsec-websocket-accept: {answer}\r\n\r\n"
            self.request.sendall(head.encode())
            try:
                talk(self.request)
            except BaseException as error:
                failures.append(error)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield server.server_address[1]
        thread.join(10)
    if failures:
        raise failures[0]


def connect(port: int) -> WebSocket:
    return WebSocket("127.0.0.1", port, "/ws?clientId=1", timeout=10)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_messages_of_every_length_field_arrive_whole(length: int) -> None:
    text = "".join(chr(97 + i % 26) for i in range(length))

    def talk(connection: socket.socket) -> None:
        connection.sendall(frame(0x1, text.encode()) + frame(0x2, text.encode()[::-1]))

    with serving(talk) as port, connect(port) as client:
        assert client.receive() == text
        assert client.receive() == text.encode()[::-1]


@pytest.mark.parametrize("length", [3, 126, 70_000])
def test_the_client_masks_what_it_sends(length: int) -> None:
    text = "é" + "x" * (length - 2)
    got: list[tuple[int, bytes]] = []

    def talk(connection: socket.socket) -> None:
        got.append(read_masked_frame(connection))
        connection.sendall(frame(0x1, b"done"))

    with serving(talk) as port, connect(port) as client:
        client.send_text(text)
        assert client.receive() == "done"
    assert got == [(0x1, text.encode())]


def test_fragments_are_joined_and_a_ping_between_them_is_answered() -> None:
    snowman = "☃".encode()
    pongs: list[tuple[int, bytes]] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(frame(0x1, b"a" + snowman[:1], final=False))  # splits a character
        connection.sendall(frame(0x9, b"are you there"))
        connection.sendall(frame(0x0, snowman[1:], final=False) + frame(0x0, b"z"))
        pongs.append(read_masked_frame(connection))

    with serving(talk) as port, connect(port) as client:
        assert client.receive() == "a☃z"
    assert pongs == [(0xA, b"are you there")]


def test_a_frame_that_comes_byte_by_byte_is_read() -> None:
    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(0x1, b"slowly" * 30):
            connection.sendall(bytes([byte]))

    with serving(talk) as port, connect(port) as client:
        assert client.receive() == "slowly" * 30


def test_a_close_frame_is_answered_and_told_with_its_code() -> None:
    answers: list[tuple[int, bytes]] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(frame(0x8, struct.pack("!H", 1001) + b"going away"))
        answers.append(read_masked_frame(connection))

    with serving(talk) as port, connect(port) as client:
        with pytest.raises(WebSocketClosed, match=r"closed the WebSocket \(code 1001\)"):
            client.receive()
    assert answers == [(0x8, struct.pack("!H", 1001))]


def test_a_connection_cut_in_a_frame_is_told() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(frame(0x1, b"half of it")[:5])
        connection.shutdown(socket.SHUT_RDWR)

    with serving(talk) as port, connect(port) as client:
        with pytest.raises(WebSocketClosed, match="without a close frame"):
            client.receive()


def test_a_wrong_accept_key_is_refused() -> None:
    with serving(lambda _: None, accept="bm90IHRoZSBrZXk=") as port:
        with pytest.raises(LauncherError, match="did not open a WebSocket at /ws"):
            connect(port)


def test_silence_ends_with_a_timeout() -> None:
    release = threading.Event()
    with serving(lambda _: release.wait(10) and None) as port:
        with connect(port) as client:
            client.set_timeout(0.1)
            with pytest.raises(TimeoutError):
                client.receive()
        release.set()


def test_a_continuation_without_a_beginning_is_an_error() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(frame(0x0, b"of what?"))

    with serving(talk) as port, connect(port) as client:
        with pytest.raises(LauncherError, match="opcode 0x0 out of order"):
            client.receive()


def test_a_handshake_without_an_end_is_told() -> None:
    class Endless(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            try:
                self.request.sendall(b"HTTP/1.1 101 Switching Protocols\r\n" + b"x" * 200_000)
            except OSError:
                pass  # the client had enough

    with socketserver.TCPServer(("127.0.0.1", 0), Endless) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        text = "^The server's answer to the WebSocket handshake has no end.$"
        with pytest.raises(LauncherError, match=text):
            connect(server.server_address[1])
        thread.join(10)


def test_a_connection_that_is_reset_is_told() -> None:
    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()  # with a reset in place of an end

    with serving(talk) as port, connect(port) as client:
        text = r"^The connection to the server broke: .*reset.*\.$"
        with pytest.raises(WebSocketClosed, match=text):
            client.receive()
