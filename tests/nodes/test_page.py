"""Warnings of the pack go to the node that runs, in ComfyUI's own server object."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from animatediff_kit.nodes import page
from comfy_execution.graph import DynamicPrompt
from comfy_execution.progress import reset_progress_state
from comfy_execution.utils import CurrentNodeContext
from execution import PromptQueue

SERVER = "server"
log = logging.getLogger(f"{page.PACK}.sampling.entries")


class Socket:
    """A server that a page with this id has queued a graph at; keeps what is sent to it."""

    def __init__(self, client_id: str | None) -> None:
        self.client_id = client_id
        self.sockets = {"page": None}
        self.sent: list[tuple[Any, ...]] = []
        self.prompt_queue = PromptQueue(self)

    def queue_updated(self) -> None:
        """ComfyUI's queue tells of itself."""

    def send_progress_text(self, text: str, node: str, sid: str) -> None:
        self.sent.append((node, text, sid))

    def send_sync(self, event: str, data: Any, sid: str) -> None:
        self.sent.append((event, data, sid))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    class Module:
        class PromptServer:
            instance: Socket | None = Socket("page")

    monkeypatch.setitem(sys.modules, SERVER, Module)  # pyright: ignore
    page.show_warnings()
    page.show_warnings()
    yield Module.PromptServer
    for handler in list(logging.getLogger(page.PACK).handlers):
        logging.getLogger(page.PACK).removeHandler(handler)


def about(node: str) -> dict[str, Any]:
    return {"node": node, "kind": None, "workflow": None}


def test_a_warning_stands_on_the_node_and_is_a_toast_once(shown: Any) -> None:
    with CurrentNodeContext("prompt", "12"):
        log.warning("%d frame.", 1)
        log.warning("1 frame.")
        log.info("All is well.")
        log.warning("Replaced.")
    with CurrentNodeContext("prompt", "13:1"):
        log.warning("Replaced.")
    assert shown.instance.sent == [
        ("12", "1 frame.", "page"),
        (page.WARNING, {**about("12"), "text": "1 frame."}, "page"),
        ("12", "1 frame.\nReplaced.", "page"),
        (page.WARNING, {**about("12"), "text": "Replaced."}, "page"),
        ("13:1", "Replaced.", "page"),
        (page.WARNING, {**about("13:1"), "text": "Replaced."}, "page"),
    ]


def test_the_same_node_tells_it_again_in_the_next_run(shown: Any) -> None:
    for prompt in ("first", "second"):
        with CurrentNodeContext(prompt, "12"):
            log.warning("Replaced.")
    assert len(shown.instance.sent) == 4


def test_nothing_is_sent_without_a_page_a_server_or_a_node(shown: Any) -> None:
    log.warning("No node runs.")
    socket, shown.instance.client_id = shown.instance, "gone"
    with CurrentNodeContext("prompt", "12"):
        log.warning("No page asked.")
        page.tell_of_new_files()
        shown.instance = None
        log.warning("No server.")
    assert socket.sent == []


def test_new_files_are_an_event(shown: Any) -> None:
    with CurrentNodeContext("prompt", "12"):
        page.tell_of_new_files()
    assert shown.instance.sent == [(page.FILES, about("12"), "page")]


def test_what_a_node_is_doing_stands_below_its_warnings(shown: Any) -> None:
    with CurrentNodeContext("prompt", "12"):
        tell = page.reader()
        assert tell is not None
        tell("Step 1 of 4")
        log.warning("1 frame.")
        tell("Step 2 of 4")
    assert [text for node, text, _ in shown.instance.sent if node == "12"] == [
        "Step 1 of 4",
        "1 frame.",
        "1 frame.\nStep 2 of 4",
    ]
    assert page.reader() is None


@pytest.mark.parametrize(
    ("extra", "workflow"),
    [
        ({"extra_pnginfo": {"workflow": {"id": "its-own", "nodes": []}}}, "its-own"),
        ({"extra_pnginfo": {"workflow": {"nodes": []}}}, None),  # saved by an old page
        ({"extra_pnginfo": {}}, None),
        ({"extra_pnginfo": None}, None),
        ({}, None),
    ],
)
def test_the_page_is_told_which_node_of_which_workflow_it_is(
    shown: Any, extra: dict[str, Any], workflow: str | None
) -> None:
    prompt = {"12": {"class_type": "ADK_Animate", "inputs": {}}}
    other = {"extra_pnginfo": {"workflow": {"id": "another"}}}
    queue = shown.instance.prompt_queue
    for number, (name, more) in enumerate([("before", other), ("this", extra), ("next", other)]):
        queue.put((number, name, prompt, more, [], {}))
    for _ in ("before", "this"):
        queue.get()
    reset_progress_state("this", DynamicPrompt(prompt))
    try:
        with CurrentNodeContext("this", "12"):
            page.tell_of_new_files()
    finally:
        reset_progress_state("", DynamicPrompt({}))
    told = {"node": "12", "kind": "ADK_Animate", "workflow": workflow}
    assert shown.instance.sent == [(page.FILES, told, "page")]
