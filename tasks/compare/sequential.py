"""Is there a difference? A sign-flip test that may be looked at before all pairs are there.

If two versions are alike, each paired difference could as well have had the other sign. The test
flips signs at random and asks how often chance alone comes out as far as what was seen. Looks at
the data share one error rate: by the k-th look at most `spent(alpha, share)` of the flips may ever
have been counted as differences. The critical values come from the flips themselves, looks
included, so for versions that are alike the rate holds exactly, whatever their outcomes look like.

Two versions that differ, but not on average, are another matter: their differences may be skewed,
and flips are not. What is compared is therefore Student's t with its skewness taken out (Hall 1992;
see `statistic`). That holds the rate only approximately, better with more pairs: of 60 it is 5 %
for exponential outcomes (skewness 2) and 8 % for lognormal ones with a skewness of 6, which early
looks do not see the tail of (`python -m tests.bench.comparisons`; the mean itself: 8 % and 14 %).

Spending alpha * share^3 is Kim and DeMets' power family (Biometrika 1987, rho = 3): nearly as
careful early as O'Brien and Fleming, as few pairs tell little of skewness.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ALPHA = 0.04
"""The error that is spent. The promise is 5 %; the rest is kept for outcomes that are skewed."""

FLIPS = 9_999
"""Flips of signs; a p-value has an error of at most 0.2 points at 5 %."""

FIRST_LOOK = 20
"""Pairs before the first look."""

STEP = 10
"""Pairs between two looks, at least."""

MOST_LOOKS = 5


def spent(alpha: float, share: float) -> float:
    """The error that may be spent when `share` (0 to 1) of the planned pairs are there."""
    return float(alpha * min(1.0, share) ** 3)


def looks(planned: int) -> list[int]:
    """After how many pairs to look, the last being `planned`."""
    further = min(MOST_LOOKS - 1, (planned - FIRST_LOOK) // STEP)
    if further < 1:
        return [planned]
    return [round(FIRST_LOOK + (planned - FIRST_LOOK) * k / further) for k in range(further + 1)]


def look(
    differences: Array, planned: int, *, alpha: float = ALPHA, flips: int = FLIPS
) -> NDArray[np.int64]:
    """The pairs at the first look that finds a difference, of `looks(planned)`; 0 where none does.

    `differences` has a row for each pair and a column for each experiment, or is one experiment.
    The result has an entry for each experiment.
    """
    columns = differences.reshape(len(differences), -1)
    every = np.arange(columns.shape[1])
    signs = flipped_signs(planned, flips)
    alive = np.ones((flips + 1, columns.shape[1]), dtype=bool)
    found = np.zeros(columns.shape[1], dtype=np.int64)
    for n in (n for n in looks(planned) if n <= len(columns)):
        far = np.where(alive, _far(signs[:, :n], columns[:n]), -np.inf)
        budget = np.floor(spent(alpha, n / planned) * (flips + 1)).astype(int) - (~alive).sum(0)
        crossed = far > -np.sort(-far, axis=0)[budget, every]
        found = np.where((found == 0) & crossed[0], n, found)
        alive &= ~crossed
    return found


def p_value(differences: Array, flips: int = FLIPS) -> float:
    """The two-sided p-value of a mean difference, for a test without early looks."""
    if not len(differences):
        return 1.0
    far = _far(flipped_signs(len(differences), flips), differences)
    return float((far >= far[0]).mean())


def _far(signs: Array, differences: Array) -> Array:
    """How far from none each flip comes out, on either side."""
    squares = differences * differences
    cubes = signs @ (differences * squares)
    return abs(statistic(signs @ differences, squares.sum(axis=0), cubes, len(differences)))


def statistic(sums: Array, squares: Array, cubes: Array, n: int) -> Array:
    """Student's t of a mean without its skewness: Hall's transformation (Journal of the Royal
    Statistical Society B 1992), from the sums of n differences, their squares and their cubes."""
    # Multiplied out, as numpy is slow at powers.
    mean, square = sums / n, np.maximum(squares / n, 1e-60)
    # Without spread t is infinite; here it is a thousand, further than flips of real pairs come.
    spread = np.sqrt(np.maximum(square - mean * mean, 1e-6 * square))
    skewness = (cubes / n - mean * (3 * square - 2 * mean * mean)) / (spread * spread * spread)
    t = mean / spread
    bend = skewness * t / 3
    found = math.sqrt(n) * (t * (1 + bend + bend * bend / 3) + skewness / (6 * n))
    # Equal ones may differ in their last bits.
    rounded: Array = np.round(found, 9)
    return rounded


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (Scandinavian Journal of Statistics 1979), in the same order."""
    count = len(p_values)
    adjusted = [0.0] * count
    highest = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


@lru_cache(8)
def flipped_signs(pairs: int, flips: int) -> Array:
    """A row of signs for each flip; the first leaves everything as it was seen."""
    signs = np.random.default_rng(20_000 + pairs).choice([-1.0, 1.0], size=(flips + 1, pairs))
    signs[0] = 1.0
    return signs
