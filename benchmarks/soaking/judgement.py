"""Whether a soak shows what it should: nothing lost, nothing changed, memory flat."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import mean, median

from .run import Soak

ALLOWED = 0.02
"""How much memory may move after warm-up."""

FIGURES = {
    # of /adk_memory -> what it is, and what it is divided by
    "resident": ("resident memory, MiB", 2**20),
    "trimmed": ("resident after collection and trim, MiB", 2**20),
    "tensors": ("bytes of living tensors, MiB", 2**20),
    "storages": ("storages of living tensors", 1),
    "threads": ("threads", 1),
    "files": ("open files", 1),
}
JUDGED = ("trimmed", "tensors")


def after_warm_up(soak: Soak) -> list[dict[str, int]]:
    """The readings after the first quarter of the prompts."""
    return [held for done, held in soak.memory if done > len(soak.outcomes) / 4]


def moved(values: list[int]) -> float:
    """How far the mean of the last quarter of the readings lies from that of the first."""
    quarter = max(1, len(values) // 4)
    return mean(values[-quarter:]) / mean(values[:quarter]) - 1


def faults(soak: Soak, prompts: int) -> list[str]:
    """What is wrong, in sentences; none where the soak holds."""
    wrong = [f"{o.kind}: {o.ended}" for o in soak.outcomes if not o.is_right]
    if len(soak.outcomes) != prompts:
        wrong.append(f"{len(soak.outcomes)} of {prompts} prompts came to an end.")
    readings = after_warm_up(soak)
    for name in JUDGED:
        share = moved([held[name] for held in readings])
        if abs(share) > ALLOWED:
            wrong.append(f"{FIGURES[name][0]} moved by {share:+.1%} after warm-up.")
    return wrong


def print_tables(soak: Soak) -> None:
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, list[float]] = defaultdict(list)
    for outcome in soak.outcomes:
        ends[outcome.kind][outcome.ended] += 1
        seconds[outcome.kind].append(outcome.seconds)
    print("| prompts | number | as their first run | cancelled | refused | wrong | seconds |")
    print("|---|---|---|---|---|---|---|")
    for kind, ended in ends.items():
        right = [ended[name] for name in ("equal", "cancelled", "refused")]
        wrong = ended.total() - sum(right) - ended["first"]
        counts = " | ".join(map(str, (ended.total(), *right, wrong)))
        print(f"| {kind} | {counts} | {median(seconds[kind]):.1f} |")
    readings = after_warm_up(soak)
    print("\n| after warm-up | first quarter | last quarter | moved | least | most |")
    print("|---|---|---|---|---|---|")
    for name, (title, unit) in FIGURES.items():
        values = [held[name] for held in readings]
        quarter = max(1, len(values) // 4)
        first, last = mean(values[:quarter]) / unit, mean(values[-quarter:]) / unit
        print(f"| {title} | {first:.2f} | {last:.2f} | {moved(values):+.2%} "
              f"| {min(values) / unit:.2f} | {max(values) / unit:.2f} |")  # fmt: skip
