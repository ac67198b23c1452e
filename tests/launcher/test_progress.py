"""The progress lines of a run, as a log and as a terminal show them."""

from __future__ import annotations

import io

from animatediff_kit.launcher.client import Event
from animatediff_kit.launcher.progress import BAR, Progress

PROMPT = {"1": {"class_type": "Loader"}, "8": {"class_type": "KSampler"}}
EVENTS = [
    Event("executing", {"node": "1"}),
    Event("executing", {"node": "8"}),
    Event("progress", {"node": "8", "value": 1, "max": 2}),
    Event("progress", {"node": "8", "value": 2, "max": 2}),
    Event("executing", {"node": None}),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO) -> str:
    progress = Progress(PROMPT, out)
    for event in EVENTS:
        progress.show(event)
    assert list(progress.seconds_per_node) == ["1", "8"]
    return out.getvalue()


def test_a_log_gets_one_line_a_node() -> None:
    lines = shown(io.StringIO()).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("  Loader (1)") and lines[0].endswith(" s")
    assert "KSampler (8)" in lines[1] and f"[{'#' * BAR}] 2/2" in lines[1]


def test_a_terminal_sees_the_bar_grow() -> None:
    text = shown(Terminal())
    assert f"[{'#' * (BAR // 2)}{'.' * (BAR // 2)}] 1/2" in text
    assert text.count("\n") == 2 and text.count("\r") == 6
