"""Which runs ranks begin together: two of them in two threads, given identities as rank 0 hands
them on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from animatediff_kit.launcher.server import free_port
from animatediff_kit.lockstep.ranks import Ranks
from animatediff_kit.lockstep.settings import Settings

VIDEO = (torch.zeros(4, 4, 8, 8), torch.tensor([14.6146, 3.0, 0.0]), 1)
WINDOW = (1, 2, 4, 8, 8)


class Two:
    """Rank 0 and rank 1.   told: what rank 1 has been handed"""

    def __init__(self) -> None:
        port = free_port()
        self.told: list[str | None] = ["a", "a"]
        self.ranks = [
            self.rank(Settings(rank, 2, "127.0.0.1", port, rank == 0, 20), rank) for rank in (0, 1)
        ]

    def rank(self, settings: Settings, rank: int) -> Ranks:
        return Ranks(settings, calls=lambda _: self.told[rank])

    def begin(self, rank: int) -> Any:
        """The windows of three that a rank takes, or its error."""
        try:
            with self.ranks[rank].begin(*VIDEO) as shift:
                mine = [torch.full(WINDOW, float(window)) for window in shift.share(3)]
                all_of_them = shift.joined(mine, [2, 2, 2], torch.zeros(1, 4, 4, 8, 8))
                assert [float(window.mean()) for window in all_of_them] == [0, 1, 2]
                return shift.share(3)
        except ValueError as error:
            return error

    def both(self) -> list[Any]:
        shares: list[Any] = [None, None]

        def second() -> None:
            shares[1] = self.begin(1)

        thread = threading.Thread(target=second)
        thread.start()
        shares[0] = self.begin(0)
        thread.join()
        return shares


@pytest.fixture
def two() -> Iterator[Two]:
    made = Two()
    yield made
    for ranks in made.ranks:
        ranks.close()


def test_a_node_may_sample_several_videos(two: Two) -> None:
    assert two.both() == two.both() == [range(0, 3, 2), range(1, 3, 2)]


def test_what_was_not_handed_on_a_rank_samples_by_itself(two: Two) -> None:
    two.told[1] = None
    assert two.begin(1) == range(3), "nobody is waited for"
    two.told[1] = "a"
    assert two.both() == [range(0, 3, 2), range(1, 3, 2)]


def test_a_rank_that_is_at_another_video_of_the_node_is_told(two: Two) -> None:
    two.both()
    two.ranks[1].turn = ("", 0)  # it was started again
    for told in two.both():
        assert str(told).startswith(
            "Ranks 0 and 1 do not sample the same: the video's place in the node differ between"
        )
    two.told = ["b", "b"]
    assert two.both() == [range(0, 3, 2), range(1, 3, 2)]
