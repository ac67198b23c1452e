"""Work done ahead comes in order, bounded, with its errors in their places."""

from __future__ import annotations

import threading
import time

import pytest
from animatediff_kit.training.data.read_ahead import ahead


@pytest.mark.parametrize("depth", [1, 3, 8])
def test_results_come_in_order_and_no_more_are_begun(depth: int) -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.002 * (item % 3))
        return item * item

    for number, result in enumerate(ahead(work, range(40), depth)):
        assert result == number * number
        assert len(begun) <= number + 1 + depth
    assert sorted(begun) == list(range(40))


def test_an_error_comes_in_its_place_and_ends_it() -> None:
    def work(item: int) -> int:
        if item == 5:
            raise ValueError("5 is torn")
        return item

    got: list[int] = []
    with pytest.raises(ValueError, match="^5 is torn$"):
        got.extend(ahead(work, range(1000), 4))
    assert threading.active_count() < 50


def test_a_reader_that_is_closed_begins_nothing_more() -> None:
    begun: list[int] = []
    items = ahead(begun.append, range(1000), 4)
    next(items)
    items.close()
    count = len(begun)
    assert count <= 6
    time.sleep(0.02)
    assert len(begun) == count
