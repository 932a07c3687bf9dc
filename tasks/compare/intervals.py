"""How large is it? Bootstrap intervals of paired differences."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tasks.compare.sequential import ALPHA, Array, flipped_signs, looks, spent, statistic

RESAMPLES = 4_000


def mean_interval(
    differences: Array, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The interval of a mean: symmetric bootstrap-t (Hall, Journal of the Royal Statistical Society
    B 1988), which covers better than percentiles where pairs are few, and than equal tails where
    some lie far out. Without spread it is a point."""
    n = len(differences)
    mean, error = differences.mean(), _error(differences)
    if n < 2 or error == 0:
        return float(mean), float(mean)
    drawn = differences[_indices(n, resamples)]
    errors = drawn.std(axis=1, ddof=1) / np.sqrt(n)
    usable = errors > 1e-9 * error
    ratios = np.abs(drawn.mean(axis=1)[usable] - mean) / errors[usable]
    reach = np.quantile(ratios, level) * error
    return float(mean - reach), float(mean + reach)


def stopped_interval(
    differences: Array,
    planned: int,
    level: float = 0.95,
    *,
    alpha: float = ALPHA,
    flips: int = 1_999,
) -> tuple[float, float]:
    """The interval of a mean where the first look that found a difference ended the comparison.

    Plain intervals lie too far out then: what stops early is what looks large. This one has the
    true differences that the sequential test does not refuse, outcomes being ordered by when and on
    which side they stop (Jennison and Turnbull 2000, ch. 8); so it agrees with the test.
    """
    mean, error = float(differences.mean()), _error(differences)
    if error == 0:
        return mean, mean
    tail = (1 - level) / 2
    ends = [n for n in looks(planned) if n < len(differences)] + [len(differences)]
    signs = flipped_signs(planned, flips)
    flipped = [_Flipped.of(signs[:, :n], differences[:n]) for n in ends]

    def above(true: float) -> float:
        """The share of flips that end as far above as was seen, if `true` were the difference."""
        going = np.ones(len(signs), dtype=bool)
        ended = np.zeros(len(signs), dtype=bool)
        for look in flipped[:-1]:
            far = look.far(true)
            budget = int(spent(alpha, look.pairs / planned) * len(signs)) - int((~going).sum())
            bound = np.partition(np.where(going, np.abs(far), -np.inf), -budget - 1)[-budget - 1]
            crossed = going & (np.abs(far) > bound)
            if crossed[0]:
                return 0.0 if far[0] > 0 else 1.0
            ended |= crossed & (far > 0)
            going &= ~crossed
        far = flipped[-1].far(true)
        return float((ended | (going & (far >= far[0]))).mean())

    reach = 12 * error
    return (
        _solve(lambda true: above(true) - tail, mean - reach, mean),
        _solve(lambda true: above(true) - (1 - tail), mean, mean + reach),
    )


class _Flipped(NamedTuple):
    """The pairs of a look, and for each flip the signed sums of powers of their differences."""

    pairs: int
    ones: Array
    sums: Array
    squares: Array
    cubes: Array
    total: float
    """The sum of the differences, not flipped."""
    power: float
    """The sum of their squares."""

    @classmethod
    def of(cls, signs: Array, seen: Array) -> "_Flipped":
        ones, sums, squares, cubes = (signs @ np.column_stack([seen**k for k in range(4)])).T
        return cls(len(seen), ones, sums, squares, cubes, seen.sum(), (seen**2).sum())

    def far(self, true: float) -> Array:
        """How far from `true` each flip comes out."""
        n = self.pairs
        sums = self.sums - true * self.ones
        squares = np.array(self.power - 2 * true * self.total + n * true**2)
        cubes = self.cubes - 3 * true * self.squares + 3 * true**2 * self.sums - true**3 * self.ones
        return statistic(sums, squares, cubes, n)


def _solve(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def worth_interval(
    scores: Array, costs: Array, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """The interval of how much more score a dollar buys, second over first, by percentiles.

    Rows are pairs, columns the two versions; None where a resample has no score or no cost.
    """
    drawn = _indices(len(scores), resamples)
    score, cost = scores[drawn].sum(axis=1), costs[drawn].sum(axis=1)
    if (score <= 0).any() or (cost <= 0).any():
        return None
    worth = score / cost
    low, high = np.quantile(worth[:, 1] / worth[:, 0], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _error(differences: Array) -> float:
    if len(differences) < 2:
        return 0.0
    error = float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return error if error > 1e-12 else 0.0


def _indices(n: int, resamples: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.random.default_rng(30_000 + n).integers(0, n, size=(resamples, n))
