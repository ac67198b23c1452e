"""Twelve of the prompts of benchmarks/soak.py: six, and the same six again in the same server."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from animatediff_kit.benchmarks.soaking.judgement import ALLOWED, faults
from animatediff_kit.benchmarks.soaking.prompts import BAD, GOOD, KINDS
from animatediff_kit.benchmarks.soaking.run import EVERY, FIRST, Outcome, Soak, mixed
from animatediff_kit.benchmarks.soaking.server import served
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server

SIX = (
    ("train adapter, 3 steps", None),
    ("views", None),
    ("bad overlap", None),
    ("closed loop", 4),
    ("Measure Motion", None),
    (FIRST, None),
)
"""Kinds, and the message after which one is cancelled."""


@pytest.fixture
def quiet(comfy: ComfyUI) -> Iterator[Server]:
    """A server of the soak's own, which tells its memory."""
    with served(comfy) as server:
        yield server


def six(soak: Soak) -> dict[str, int]:
    """What the server holds after them."""
    for kind, cancel in SIX:
        soak.prompt(kind, cancel)
    soak.read_memory()
    return soak.memory[-1][1]


def test_the_same_prompts_give_the_same_and_leave_nothing(quiet: Server) -> None:
    pid = quiet.pid
    soak = Soak(quiet, random.Random(0))
    before, after = six(soak), six(soak)
    firsts = ["first", "first", "refused", "first", "first", "first"]
    again = ["equal" if word == "first" else word for word in firsts]
    for place, (outcome, right) in enumerate(zip(soak.outcomes, [*firsts, *again], strict=True)):
        late = SIX[place % 6][1] is not None and outcome.ended in (right, "first")
        cancelled = SIX[place % 6][1] is not None and outcome.ended == "cancelled"
        # a Cancel may come when the prompt has just ended
        assert outcome.ended == right or cancelled or late, (place, outcome)
    assert quiet.is_running() and quiet.pid == pid
    assert before["tensors"] > 2**20  # the models
    assert abs(after["tensors"] / before["tensors"] - 1) < ALLOWED
    assert after["storages"] == before["storages"]
    assert after["threads"] <= before["threads"] and after["files"] <= before["files"]


def a_soak(ends: list[str], tensors: list[int]) -> Soak:
    """As one that ran looks like."""
    soak = Soak.__new__(Soak)
    soak.outcomes = [Outcome("plain", ended, 1.0) for ended in ends]
    held = [{"trimmed": 100, "tensors": value} for value in tensors]
    soak.memory = [(EVERY * (i + 1), memory) for i, memory in enumerate(held)]
    return soak


def test_the_judgement_sees_what_is_wrong() -> None:
    ends = ["first", *["equal"] * 39]
    assert not faults(a_soak(ends, [50, 100, 100, 101, 100]), 40)
    assert faults(a_soak(ends, [50, 100, 102, 104, 106]), 40) == [
        "bytes of living tensors, MiB moved by +6.0% after warm-up."
    ]
    assert faults(a_soak([*ends[:-1], "differs"], [100] * 5), 40) == ["plain: differs"]
    assert faults(a_soak(ends, [100] * 5), 41) == ["40 of 41 prompts came to an end."]


def test_the_mix_holds_every_kind() -> None:
    prompts = list(mixed(random.Random(0), 200))
    assert len(prompts) == 200
    kinds = [kind for kind, _ in prompts]
    assert set(kinds) == set(KINDS) and all(kinds[7::EVERY][i] == FIRST for i in range(25))
    assert all(one != other for one, other in zip(kinds, kinds[1:], strict=False))
    cancelled = [kind for kind, after in prompts if after is not None]
    assert len(cancelled) > 10 and not set(cancelled) & set(BAD)
    assert set(kinds[: len(GOOD) + 2]) >= set(GOOD)
