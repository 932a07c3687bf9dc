"""Is there a difference? A sign-flip test that may be looked at before all pairs are there.

If two versions are alike, each paired difference could as well have had the other sign. The test
flips signs at random and asks how often chance alone comes out as far as what was seen. Looks at
the data share one error rate: by the k-th look at most `spent(alpha, share)` of the flips may ever
have been counted as differences. The critical values come from the flips themselves, looks
included, so the rate holds for any distribution that is symmetric where there is no difference.

Spending alpha * share^2 is Kim and DeMets' power family (Biometrika 1987, rho = 2): bolder early
than O'Brien and Fleming, which rarely stops in the first half, and cheaper at the end than Pocock.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ALPHA = 0.04
"""The error that is spent. The promise is 5 %; the rest is kept for outcomes that are not quite
symmetric."""

FLIPS = 9_999
"""Flips of signs; a p-value has an error of at most 0.2 points at 5 %."""

FEWEST = 8
"""Pairs before the first look: with fewer, no flip is rare enough."""

MOST_LOOKS = 5


def spent(alpha: float, share: float) -> float:
    """The error that may be spent when `share` (0 to 1) of the planned pairs are there."""
    return float(alpha * min(1.0, share) ** 2)


def looks(planned: int) -> list[int]:
    """After how many pairs to look, the last being `planned`."""
    if planned < 2 * FEWEST:
        return [planned]
    count = min(MOST_LOOKS, planned // FEWEST)
    return [round(planned * (k + 1) / count) for k in range(count)]


class Looked(NamedTuple):
    """What looks at some experiments found; arrays have an entry for each experiment."""

    at: NDArray[np.int64]
    """Pairs at the first look that found a difference; 0 where none did."""
    bounds: dict[int, Array]
    """By the pairs of each look: the sum of differences beyond which one is found."""


def look(differences: Array, planned: int, *, alpha: float = ALPHA, flips: int = FLIPS) -> Looked:
    """Look at the data as often as there are pairs for, of `looks(planned)`.

    `differences` has a row for each pair and a column for each experiment, or is one experiment.
    """
    columns = differences.reshape(len(differences), -1)
    every = np.arange(columns.shape[1])
    signs = flipped_signs(planned, flips)
    alive = np.ones((flips + 1, columns.shape[1]), dtype=bool)
    found = np.zeros(columns.shape[1], dtype=np.int64)
    bounds: dict[int, Array] = {}
    for n in (n for n in looks(planned) if n <= len(columns)):
        # Equal sums may differ in their last bits.
        far = np.where(alive, np.round(np.abs(signs[:, :n] @ columns[:n]), 12), -np.inf)
        budget = np.floor(spent(alpha, n / planned) * (flips + 1)).astype(int) - (~alive).sum(0)
        bounds[n] = -np.sort(-far, axis=0)[budget, every]
        crossed = far > bounds[n]
        found = np.where((found == 0) & crossed[0], n, found)
        alive &= ~crossed
    return Looked(found, bounds)


def p_value(differences: Array, flips: int = FLIPS) -> float:
    """The two-sided p-value of a mean difference, for a test without early looks."""
    if not len(differences):
        return 1.0
    sums = np.round(np.abs(flipped_signs(len(differences), flips) @ differences), 12)
    return float((sums >= sums[0]).mean())


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
