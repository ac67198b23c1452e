"""The client against a small server that speaks HTTP and WebSocket by hand, and refuses, forgets or
is silent."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from adk_tests.support.answering import Asked, serving
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.client import Client, OutputFile, ServerSilent

GRAPH = {"7": {"class_type": "KSampler", "inputs": {}}}


def test_a_server_that_says_nothing_for_too_long() -> None:
    with serving({"/prompt": ("200 OK", b'{"prompt_id": "1"}')}) as client:
        text = "^The server said nothing for 1 s while the graph was running.$"
        with pytest.raises(ServerSilent, match=text):
            list(client.run(GRAPH, silence=1.0))


def test_a_server_without_a_record_of_the_prompt() -> None:
    with serving({"/history/12": ("200 OK", b"{}")}) as client:
        with pytest.raises(LauncherError, match="^The server has no record of prompt 12.$"):
            client.history("12")


def test_what_is_queued_of_a_graph_that_is_refused_in_part_is_cancelled() -> None:
    error = {"message": "Invalid image file", "details": "x.png"}
    answer = {"prompt_id": "5", "node_errors": {"7": {"class_type": "Load", "errors": [error]}}}
    asked: list[Asked] = []
    taken = {"/queue": ("200 OK", b""), "/interrupt": ("200 OK", b"")}
    told = r"refused the graph:\n  node 7 \(Load\): Invalid image file: x\.png$"
    with serving({"/prompt": ("200 OK", json.dumps(answer).encode()), **taken}, asked) as client:
        with pytest.raises(LauncherError, match=told):
            client.queue_prompt(GRAPH)
    assert [(path, json.loads(body)) for path, body in asked[1:]] == [
        ("/queue", {"delete": ["5"]}),
        ("/interrupt", {"prompt_id": "5"}),
    ]


def test_an_event_of_another_pack_may_hold_anything() -> None:
    end = {"type": "executing", "data": {"node": None, "prompt_id": "1"}}
    events = [{"type": "theirs", "data": data} for data in ([1], "x", None, 5)] + [end]
    answers = {"/prompt": ("200 OK", b'{"prompt_id": "1"}')}
    with serving(answers, events=events) as client:
        kinds = [event.kind for event in client.run(GRAPH, silence=20.0)]
    assert kinds == ["queued", *["theirs"] * 4, "executing"]


def test_files_come_in_the_order_of_their_nodes() -> None:
    """Whatever the order in which the nodes ended."""
    order = ["12", "save", "9", "12:10", "12:9", "100"]
    files = {node: {"images": [{"filename": f"{node}-{n}"} for n in "ba"]} for node in order}
    record = json.dumps({"1": {"outputs": files}}).encode()
    with serving({"/history/1": ("200 OK", record)}) as client:
        named = [file.filename for file in client.outputs("1")]
    ordered = ["9", "12", "12:9", "12:10", "100", "save"]
    assert named == [f"{node}-{n}" for node in ordered for n in "ba"]


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


def test_files_are_downloaded_into_the_subfolders_of_the_server(tmp_path: Path) -> None:
    """So that two of one name are two; a server on Windows writes backslashes."""
    subfolders = ["", "a", "b/c", "b\\d"]
    with serving({"/view": ("200 OK", b"clip")}) as client:
        files = [OutputFile("9", "clip.webp", subfolder, "output") for subfolder in subfolders]
        written = [client.download(file, tmp_path) for file in files]
    places = ["clip.webp", "a/clip.webp", "b/c/clip.webp", "b/d/clip.webp"]
    assert [path.relative_to(tmp_path).as_posix() for path in written] == places
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(found) == sorted(written) and found[0].read_bytes() == b"clip"


@pytest.mark.parametrize(
    ("subfolder", "filename"),
    [
        ("..", "clip.webp"),
        ("a/../..", "clip.webp"),
        ("a\\..\\..", "clip.webp"),
        ("/etc", "clip.webp"),
        ("C:", "clip.webp"),
        ("", "../clip.webp"),
        ("", "/etc/passwd"),
        ("", ""),
    ],
)
def test_a_place_outside_the_folder_is_refused(
    subfolder: str, filename: str, tmp_path: Path
) -> None:
    asked: list[Asked] = []
    told = (
        r"^The server names a file '.*' in the subfolder '.*', which is no place below its output"
    )
    with serving({"/view": ("200 OK", b"clip")}, asked) as client:
        with pytest.raises(LauncherError, match=told):
            client.download(OutputFile("9", filename, subfolder, "output"), tmp_path / "out")
    assert not asked and not [*tmp_path.iterdir()]


def test_a_server_that_does_not_say_in_time_which_nodes_it_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes the call, and is silent
        client = Client("127.0.0.1", listener.getsockname()[1], timeout=0.2)
        told = (
            rf"^{client.url} did not say in 0\.2 s which nodes it has; it may be busy or still load"
        )
        with pytest.raises(LauncherError, match=told):
            client.object_info()


def test_addresses_of_ipv6_stand_in_brackets() -> None:
    assert Client("::1", 8188).url == "http://[::1]:8188"
    assert Client("box", 8188).url == "http://box:8188"
