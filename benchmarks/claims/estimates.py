"""How sure a figure is: 95 % intervals.

By the percentile bootstrap over clips (Efron & Tibshirani 1993, chapter 13); of shares by Wilson's
interval (1927), which keeps a width where all clips agree; of distances between sets by the
jackknife (chapter 11), since clips drawn twice would bring sets nearer to themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

DRAWS, GROUPS = 4000, 8  # of the bootstrap; of clips, which the jackknife leaves out one by one
NORMAL = 1.959964  # standard deviations either side that hold 95 %


@dataclass(frozen=True)
class Estimate:
    """value, with 95 % between low and high; of `count` clips"""

    value: float
    low: float
    high: float
    count: int


def bootstrap(statistic: Callable[..., Any], *samples: ArrayLike) -> Estimate:
    """statistic: of the samples, or of as many drawn from them with replacement; samples: whose
    first axes are clips, the same in each, so that pairs stay pairs. Raises ValueError where there
    is nothing to draw from."""
    arrays = [np.asarray(sample) for sample in samples]
    counts = [len(array) for array in arrays]
    if min(counts) < 2 or len(set(counts)) > 1:
        raise ValueError(
            f"The samples hold {', '.join(map(str, counts))} clips; a bootstrap needs as many of "
            "each, and at least two."
        )
    how: Any = {"n_resamples": DRAWS, "paired": True, "vectorized": False, "method": "percentile"}
    drawn: Any = stats.bootstrap(arrays, statistic, rng=np.random.default_rng(0), **how)
    low, high = drawn.confidence_interval
    return Estimate(float(statistic(*arrays)), float(low), float(high), counts[0])


mean, median = partial(bootstrap, np.mean), partial(bootstrap, np.median)
quotient = partial(bootstrap, lambda above, below: np.mean(above) / np.mean(below))
quotient_of_medians = partial(bootstrap, lambda above, below: np.median(above) / np.median(below))


def jackknife(statistic: Callable[[np.ndarray], float], count: int) -> Estimate:
    """statistic: of the clips whose numbers it is given, out of 0..count-1. Raises ValueError for
    fewer than two."""
    if count < 2:
        raise ValueError(f"A jackknife over {count} clips is none; at least two are needed.")
    everything, groups = np.arange(count), min(GROUPS, count)
    left = [statistic(everything[everything % groups != group]) for group in range(groups)]
    half = NORMAL * math.sqrt((groups - 1) * float(np.var(left)))
    value = statistic(everything)
    return Estimate(value, value - half, value + half, count)


def share(hits: ArrayLike) -> Estimate:
    """hits: one truth value a clip. Raises ValueError for none."""
    found = np.asarray(hits, dtype=bool)
    if not len(found):
        raise ValueError("A share of no clips is none; at least one is needed.")
    test = stats.binomtest(int(found.sum()), len(found))
    interval, value = test.proportion_ci(method="wilson"), float(found.mean())
    # rounding: the interval of all clips is to end at 1, and hold what it is of
    return Estimate(value, min(interval.low, value), max(interval.high, value), len(found))
