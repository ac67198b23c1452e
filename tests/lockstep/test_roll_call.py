"""How ranks begin a run: two of them in two threads, over a real store."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from animatediff_kit.launcher.server import free_port
from animatediff_kit.lockstep import roll_call
from animatediff_kit.lockstep.roll_call import Members, RollCall
from animatediff_kit.lockstep.settings import Settings
from animatediff_kit.lockstep.store import Heartbeat, RankError, Store

PARTS = {"the prompt": "a", "the seed": "1"}
TIMEOUT = 1.5


class Two:
    """Rank 0 and rank 1."""

    def __init__(self) -> None:
        port = free_port()
        self.settings = [Settings(r, 2, "127.0.0.1", port, r == 0, TIMEOUT) for r in (0, 1)]
        self.stores = [Store(settings) for settings in self.settings]
        calls = zip(self.stores, self.settings, strict=True)
        self.lead, self.follow = (RollCall(store, settings) for store, settings in calls)

    def both(self, other: dict[str, str]) -> list[Any]:
        """What comes of a roll call in which rank 1 was given `other`."""
        told: list[Any] = [None, None]

        def follow() -> None:
            try:
                told[1] = self.follow(other)
            except Exception as error:
                told[1] = error

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            told[0] = self.lead(PARTS)
        except Exception as error:
            told[0] = error
        thread.join()
        return told


@pytest.fixture
def two() -> Iterator[Two]:
    yield Two()


def test_ranks_that_have_the_same_begin_together(two: Two) -> None:
    assert two.both(PARTS) == [Members(1, (0, 1))] * 2
    assert two.both(PARTS) == [Members(2, (0, 1))] * 2


def test_ranks_that_have_not_are_told_what_differs(two: Two) -> None:
    for told in two.both({"the prompt": "b", "the seed": "2"}):
        assert isinstance(told, ValueError)
        assert str(told) == (
            "Ranks 0 and 1 do not sample the same: the prompt and the seed differ between them. "
            "Give all ranks the same prompt, and install the same versions on each."
        )
    assert two.both(PARTS) == [Members(1, (0, 1))] * 2


def test_a_rank_that_cannot_run_the_prompt_says_why(two: Two) -> None:
    two.stores[1].write("failed/1", {"prompt": "first", "why": "no file mm_v2.ckpt"})
    two.lead.prompt = two.follow.prompt = "first"
    with pytest.raises(RankError, match=r"^Rank 1 could not run the prompt: no file mm_v2\.ckpt$"):
        two.lead(PARTS)
    two.lead.prompt = two.follow.prompt = "second"
    with pytest.raises(RankError, match=r"^Rank 1 gave no sign of life"):
        two.lead(PARTS)  # what it says of an earlier prompt counts for nothing
    two.stores[1].count("beat/1")  # it is waited for again once it lives
    assert two.both(PARTS) == [Members(1, (0, 1))] * 2


def test_a_silent_rank_is_waited_for_once_and_is_back_with_its_heart(two: Two) -> None:
    with pytest.raises(RankError, match=r"^Rank 1 gave no sign of life for 2 s\. Start it again"):
        two.lead(PARTS)
    began = time.monotonic()
    assert two.lead(PARTS) == Members(1, (0,))
    assert time.monotonic() - began < TIMEOUT
    two.stores[1].count("beat/1")
    assert two.both(PARTS) == [Members(2, (0, 1))] * 2


def test_a_ticket_of_an_earlier_prompt_counts_for_nothing(two: Two) -> None:
    two.stores[1].write("arrived/1", {"ticket": "old", "parts": {}, "prompt": "old"})
    two.lead.prompt = two.follow.prompt = "new"
    assert two.both(PARTS) == [Members(1, (0, 1))] * 2


def test_ranks_that_live_but_do_not_come(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll_call, "PATIENCE", 2)
    hearts = [Heartbeat(settings) for settings in two.settings[1:]]
    with pytest.raises(RankError, match=r"^Rank 1 did not begin this video within 3 s\. Start it"):
        two.lead(PARTS)
    hearts[0].stop()
    with pytest.raises(RankError, match=r"^Rank 0 gave no sign of life for 2 s\. Start it again"):
        two.follow(PARTS)
    heart = Heartbeat(two.settings[0])
    with pytest.raises(RankError, match=r"^Rank 0 did not begin this video within 3 s\. Queue"):
        two.follow(PARTS)
    heart.stop()
    assert two.stores[0].read("arrived/1") is None, "it left its ticket behind"


def test_a_port_that_is_taken_and_one_that_nobody_keeps(two: Two) -> None:
    port = two.settings[0].port
    with pytest.raises(RankError, match=rf"^Rank 0 cannot keep the store at port {port} \("):
        Store(two.settings[0])
    alone = Settings(1, 2, "127.0.0.1", free_port(), False, 0.5)
    with pytest.raises(RankError, match=r"^Rank 0 does not answer at 127\.0\.0\.1:\d+; start it"):
        Store(alone)


@pytest.mark.parametrize("call", [Store.read, Store.remove, Store.count])
def test_a_store_that_is_gone_is_told(two: Two, call: Callable[[Store, str], Any]) -> None:
    follower, port = two.stores[1], two.settings[1].port
    two.stores[0] = two.lead.store = None  # pyright: ignore  rank 0 ends, and its store with it
    gc.collect()
    with pytest.raises(RankError, match=rf"^Rank 0 does not answer at 127\.0\.0\.1:{port};"):
        call(follower, "beat/1")
