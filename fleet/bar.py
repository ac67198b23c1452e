"""How far a fleet is: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30  # characters
PAUSE = 30.0  # seconds between lines where there is no terminal


class Bar:
    """total: clips of the table. done: those that were there before."""

    def __init__(self, total: int, done: int, out: TextIO | None = None) -> None:
        self.total, self.before, self.done, self.failed = total, done, done, 0
        self._out = out or sys.stdout
        self._live = self._out.isatty()
        self._began = self._told = time.monotonic()
        self.draw()

    def count(self, failed: bool) -> None:
        self.failed += failed
        self.done += not failed
        ended = self.done + self.failed == self.total
        if self._live or ended or time.monotonic() - self._told > PAUSE:
            self.draw()

    def say(self, line: str) -> None:
        """A line of its own above the bar."""
        self._out.write(("\r\x1b[K" if self._live else "") + line + "\n")
        self.draw() if self._live else self._out.flush()

    def draw(self) -> None:
        self._told = time.monotonic()
        self._out.write(f"\r\x1b[K{self.line()}" if self._live else self.line() + "\n")
        self._out.flush()

    def end(self) -> None:
        if self._live:
            self._out.write("\n")

    def line(self) -> str:
        filled = WIDTH * (self.done + self.failed) // max(self.total, 1)
        text = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {self.done} of {self.total} clips"
        if self.failed:
            text += f", {self.failed} failed"
        ended = self.done + self.failed - self.before
        seconds = time.monotonic() - self._began
        if ended and seconds:
            left = (self.total - self.done - self.failed) * seconds / ended
            text += f", {60 * ended / seconds:.1f} a minute, {left / 60:.0f} min left"
        return text
