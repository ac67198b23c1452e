"""The client against a small server that speaks HTTP and WebSocket by hand, and refuses, forgets or
is silent."""

from __future__ import annotations

import json

import pytest
from adk_tests.support.answering import Asked, serving
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.client import ServerSilent

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
