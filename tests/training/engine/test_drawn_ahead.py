"""What is drawn ahead is what would have been drawn, and no more of it."""

from __future__ import annotations

import threading

import pytest
from adk_tests.training import small
from animatediff_kit.training.engine.drawn_ahead import DrawnAhead


class Places:
    """Notes who draws what; place 3 fails."""

    def __init__(self) -> None:
        self.drawn: list[int] = []
        self.threads: set[int] = set()

    def __call__(self, place: int) -> str:
        self.drawn.append(place)
        self.threads.add(threading.get_ident())
        if place == 3:
            raise ValueError("place 3 is damaged")
        return f"batch {place}"


def test_each_place_is_drawn_once_and_none_beyond_the_end() -> None:
    draw = Places()
    batch = DrawnAhead(draw, 3)
    assert [batch(place) for place in range(3)] == ["batch 0", "batch 1", "batch 2"]
    assert draw.drawn == [0, 1, 2]
    assert len(draw.threads) == 2 and threading.get_ident() in draw.threads


def test_places_out_of_order_are_drawn_when_they_are_asked_for() -> None:
    batch = DrawnAhead(Places(), 100)
    assert [batch(place) for place in (7, 8, 1, 2, 8)] == [f"batch {i}" for i in (7, 8, 1, 2, 8)]


def test_an_error_comes_at_its_own_place() -> None:
    batch = DrawnAhead(Places(), 100)
    assert batch(2) == "batch 2"
    with pytest.raises(ValueError, match="^place 3 is damaged$"):
        batch(3)
    assert batch(4) == "batch 4"


def test_no_number_of_a_run_changes(tmp_path) -> None:
    """A run with its batches drawn ahead, and one that draws each when it needs it."""
    ahead, alone = (small.run(tmp_path / name, steps=4) for name in ("ahead", "alone"))
    alone.loss.batch = alone.loss.draws()
    for run in (ahead, alone):
        run.train()
    assert ahead.loss.batch.ahead is None
    assert ahead.losses == alone.losses and len(set(alone.losses)) == 4
    for name, weight in ahead.parameters.items():
        assert weight.equal(alone.parameters[name])
