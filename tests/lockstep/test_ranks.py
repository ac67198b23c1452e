"""Two ranks sample one video: two processes over Gloo, against one process by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import by_hand
from adk_tests.support.ranks import OtherRank, jobs
from animatediff_kit.launcher.server import free_port
from animatediff_kit.lockstep import shift
from animatediff_kit.lockstep.ranks import Ranks
from animatediff_kit.lockstep.roll_call import Members
from animatediff_kit.lockstep.settings import Settings
from animatediff_kit.lockstep.shift import Shift
from animatediff_kit.lockstep.store import RankError
from animatediff_kit.sampling import crew
from animatediff_kit.sampling.windows import SCHEDULES

TIMEOUT = 4


class World:
    """Rank 0, which is this process, and rank 1 where it was started."""

    def __init__(self) -> None:
        self.port = free_port()
        self.settings = Settings(0, 2, "127.0.0.1", self.port, True, TIMEOUT)
        self.ranks = Ranks(self.settings)
        self.jobs = jobs()
        self.other: OtherRank | None = None

    def start_other(self) -> OtherRank:
        self.other = OtherRank(self.port, TIMEOUT)
        assert self.other.told() == {"ready": True}
        return self.other

    def sample(self, job: str, others: str | None = None) -> Any:
        """The video of a job on both ranks, of which the other may have another job."""
        if self.other is not None:
            self.other.begin(others or job)
        crew.set_crew(self.ranks)
        try:
            return self.jobs[job]()
        finally:
            crew.set_crew(None)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    made.start_other()
    yield made
    if made.other is not None:
        made.other.end()
    made.ranks.close()


ALIKE = [
    *(f"schedule {name}" for name in SCHEDULES),
    *("guidance 1", "lora", "controlnet", "prompt travel", "ancestral"),
]


@pytest.mark.parametrize("job", ALIKE)
def test_two_ranks_give_what_one_gives(world: World, job: str) -> None:
    alone = world.jobs[job]()
    assert world.other is not None
    together = world.sample(job)
    assert by_hand.same(together, alone)
    told = world.other.told()
    assert told["sum"] == float(together.double().sum()), "the ranks drift apart"


def test_each_rank_computes_its_windows_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What rank 0 leaves to the other is what the other computes: without it, frames are wrong."""
    seen: list[tuple[int, range]] = []
    share: Callable[..., range] = Shift.share

    def watched(self: Shift, windows: int) -> range:
        seen.append((windows, share(self, windows)))
        return seen[-1][1]

    monkeypatch.setattr(Shift, "share", watched)
    world.sample("schedule standard_static")
    assert world.other is not None and "sum" in world.other.told()
    assert seen == [(3, range(0, 3, 2))] * 2, "3 windows, of which the other has one"


def test_ranks_with_different_prompts_are_told_before_sampling(world: World) -> None:
    with pytest.raises(ValueError, match=r"^Ranks 0 and 1 do not sample the same: the seed differ"):
        world.sample("lora", "another seed")
    assert world.other is not None
    told = world.other.told()
    assert (
        told["kind"] == "ValueError" and "do not sample the same: the seed differ" in told["error"]
    )


def test_a_slow_rank_is_waited_for_while_it_lives(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.other is not None
    assert by_hand.same(world.sample("lora", "slow lora"), world.jobs["lora"]())
    assert "sum" in world.other.told()
    monkeypatch.setattr(shift, "PATIENCE", 0.25)
    sentence = r"^A step of this video took one of 2 ranks more than 1 s, although all live\. See t"
    with pytest.raises(RankError, match=sentence):
        world.sample("lora", "slow lora")
    assert "A step of this video took one of 2 ranks more than" in world.other.told()["error"]


class Unanswered:
    """A group of Gloo, of which a rank hangs while it sends."""

    def allgather(self, parts: Any, sent: Any) -> Unanswered:
        return self

    def is_completed(self) -> bool:
        return False


def test_an_exchange_that_all_have_come_to_has_an_end(world: World) -> None:
    members = Members(10**6, (0, 1))
    shift = Shift(world.ranks.store, members)
    shift.group, shift.timeout = Unanswered(), 1
    world.ranks.store.count(f"computed/{members.run}")  # the other is there
    with pytest.raises(RankError, match=r"of 2 broke off.+\(no answer for 1 s\)\. See its"):
        shift.gathered([], 2, torch.zeros(1, 2, 4, 8, 8))


def test_an_error_of_one_rank_reaches_the_others(world: World) -> None:
    with pytest.raises(RankError, match=r"Rank 1 left this video before its end \(ValueError: the"):
        world.sample("schedule standard_static", "fail")
    assert world.other is not None and world.other.told()["error"] == "the card fell out"
    test_two_ranks_give_what_one_gives(world, "guidance 1")


@pytest.mark.parametrize(
    ("end", "why"), [("die", ""), ("hang", r"no sign of life for \d s\)\. See its")]
)
def test_a_rank_that_is_gone_is_told_and_the_next_prompt_runs(
    world: World, end: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    if world.other is None:
        world.start_other()
        test_two_ranks_give_what_one_gives(world, "lora")
    assert world.other is not None
    began = time.monotonic()
    sentence = r"^Rank 1 of 2 broke off in the middle of this video \("
    with pytest.raises(RankError, match=sentence + why):
        world.sample("lora", end)
    assert time.monotonic() - began < 10 * TIMEOUT, "it waited longer than its timeout"
    world.other.end()
    world.other = None
    assert by_hand.same(world.sample("lora"), world.jobs["lora"]())
    assert "Rank 1 is still missing, so this video is sampled on 1 of 2 ranks." in caplog.text


def test_without_ranks_nothing_of_them_is_imported() -> None:
    root = Path(__file__).resolve().parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(root / 'standalone')!r})\n"
        "from enter_comfyui import enter_comfyui; enter_comfyui(cpu=True)\n"
        "import animatediff_kit.nodes\n"
        "parts = {part for name in sys.modules for part in name.split('.')}\n"
        "print(sorted(parts & {'lockstep', 'fleet', 'ray'}))"
    )
    plain = {k: v for k, v in os.environ.items() if k not in ("WORLD_SIZE", "RANK")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=plain)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
