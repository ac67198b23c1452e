"""One work against others: compared first, then timed in turn (A B C A B C ...)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

Work = Callable[[], Any]


@dataclass(frozen=True)
class Times:
    """Seconds of each round, by the work's name. What is said of two of them is said round by
    round, so that a machine whose speed drifts says the same."""

    seconds: Mapping[str, list[float]]

    def ratio(self, work: str, other: str) -> str:
        """Median (lowest - highest)."""
        pairs = zip(self.seconds[work], self.seconds[other], strict=True)
        ratios = [a / b for a, b in pairs]
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})"

    def spread(self, work: str) -> str:
        """Slowest round by the fastest: the noise of the same work."""
        return f"{max(self.seconds[work]) / min(self.seconds[work]):.2f}"

    def median(self, work: str) -> float:
        return statistics.median(self.seconds[work])


def timed(works: Mapping[str, Work], rounds: int) -> Times:
    """Every work once unmeasured, then `rounds` times in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    with torch.inference_mode():
        for work in works.values():
            work()
        for _ in range(rounds):
            for name, work in works.items():
                seconds[name].append(seconds_of(work))
    return Times(seconds)


def seconds_of(work: Work) -> float:
    start = now()
    work()
    return now() - start


def now() -> float:
    """On one thread of a CPU the processor's seconds, which other programs disturb little; with
    more threads, or a GPU, those of the wall clock."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def apart(a: Any, b: Any) -> float:
    """Norm of the difference by that of b."""
    return float((a.double() - b.double()).norm() / b.double().norm())


def product_rate() -> float:
    """FLOP a second of a large matrix product in float32: what no module can exceed."""
    a, b = torch.randn(2048, 1280), torch.randn(1280, 2560)
    out = torch.empty(2048, 2560)
    times = timed({"product": lambda: torch.mm(a, b, out=out)}, 7)
    return 2 * 2048 * 1280 * 2560 / min(times.seconds["product"])
