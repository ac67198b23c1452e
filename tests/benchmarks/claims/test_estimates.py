"""Intervals: they hold the truth as often as they say, pairs stay pairs, and nothing is made of
nothing."""

from __future__ import annotations

import numpy as np
import pytest
from animatediff_kit.benchmarks.claims.estimates import (
    bootstrap,
    jackknife,
    mean,
    median,
    quotient,
    share,
)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    found = [mean(random.normal(3.0, 2.0, 40)) for _ in range(60)]
    assert 52 <= sum(e.low <= 3.0 <= e.high for e in found) < 60
    shares = [share(random.uniform(size=40) < 0.9) for _ in range(60)]
    assert 52 <= sum(e.low <= 0.9 <= e.high for e in shares)


def test_the_jackknife_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    samples = [random.normal(3.0, 2.0, 64) for _ in range(60)]
    found = [jackknife(lambda i, x=x: float(x[i].mean()), len(x)) for x in samples]
    assert 50 <= sum(e.low <= 3.0 <= e.high for e in found) < 60
    assert found[0].value == pytest.approx(samples[0].mean()) and found[0].count == 64
    widths = [e.high - e.low for e in found]
    assert np.mean(widths) == pytest.approx(2 * 1.96 * 2.0 / 8, rel=0.1)


def test_more_clips_make_an_interval_narrower() -> None:
    values = np.random.default_rng(1).normal(size=400)
    few, many = median(values[:25]), median(values)
    assert many.high - many.low < 0.5 * (few.high - few.low)
    assert (few.count, many.count) == (25, 400)


def test_what_belongs_together_is_drawn_together() -> None:
    """Clips differ by far more than the two sets of the same clips do."""
    random = np.random.default_rng(2)
    clips = random.uniform(1, 100, 50)
    paired = quotient(clips * random.normal(0.8, 0.01, 50), clips)
    assert paired.low < 0.8 < paired.high and paired.high - paired.low < 0.02
    apart = quotient(random.permutation(clips) * 0.8, clips)
    assert apart.high - apart.low > 0.1


def test_a_share_keeps_a_width_where_all_agree() -> None:
    """Wilson's interval of 20 of 20 begins at 0.839."""
    every, none = share([True] * 20), share([False] * 20)
    assert every.value == every.high == 1 and every.low == pytest.approx(0.8389, abs=1e-4)
    assert none.value == none.low == 0 and none.high == pytest.approx(0.1611, abs=1e-4)


def test_the_same_clips_always_have_the_same_interval() -> None:
    values = np.random.default_rng(3).normal(size=30)
    assert mean(values) == mean(values)


def test_no_clips_and_unequal_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="hold 0 clips"):
        mean([])
    with pytest.raises(ValueError, match="hold 1 clips; .* at least two"):
        mean([0.5])
    with pytest.raises(ValueError, match="hold 3, 2 clips"):
        bootstrap(lambda a, b: 0.0, [1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="jackknife over 1 clips"):
        jackknife(lambda chosen: 0.0, 1)
    with pytest.raises(ValueError, match="share of no clips"):
        share([])
