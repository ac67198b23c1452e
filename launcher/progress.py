"""A run's progress in the terminal: the node at work, its steps as a bar, the seconds."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from .client import Event, Prompt

BAR = 24  # characters


class Progress:
    """Shows events. In a terminal one line is redrawn; elsewhere each node gets one line."""

    def __init__(self, prompt: Prompt, out: TextIO = sys.stdout) -> None:
        self._prompt, self._out, self._live = prompt, out, out.isatty()
        self._began = time.monotonic()
        self._node: str | None = None
        self._node_began = self._began
        self._steps: tuple[int, int] | None = None
        self.seconds_per_node: dict[str, float] = {}

    def show(self, event: Event) -> None:
        if event.kind == "executing":
            self._finish()
            self._start(event.data.get("node"))
        elif event.kind == "progress":
            self._step(event.data)

    def _start(self, node: str | None) -> None:
        self._node, self._steps = node, None
        self._node_began = time.monotonic()
        if node is not None:
            self._draw()

    def _step(self, data: dict[str, Any]) -> None:
        node = data.get("node")
        if node is not None and node != self._node:
            self._finish()
            self._start(node)
        self._steps = (int(data["value"]), int(data["max"]))
        self._draw()

    def _finish(self) -> None:
        if self._node is None:
            return
        seconds = time.monotonic() - self._node_began
        self.seconds_per_node[self._node] = self.seconds_per_node.get(self._node, 0.0) + seconds
        self._out.write(("\r\x1b[K" if self._live else "") + self._line(seconds) + "\n")
        self._out.flush()
        self._node = None

    def _draw(self) -> None:
        if self._live:
            seconds = time.monotonic() - self._began
            self._out.write(f"\r\x1b[K{self._line(seconds)}")
            self._out.flush()

    def _line(self, seconds: float) -> str:
        kind = self._prompt.get(self._node or "", {}).get("class_type", "node")
        text = f"  {kind + ' (' + str(self._node) + ')':<34}"
        if self._steps:
            value, total = self._steps
            done = BAR * value // max(total, 1)
            text += f"[{'#' * done}{'.' * (BAR - done)}] {value}/{total} "
        return f"{text}{seconds:6.1f} s"
