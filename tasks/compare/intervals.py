"""How large is it? Bootstrap intervals of paired differences."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from tasks.compare.sequential import Array, flipped_signs, look

RESAMPLES = 4_000


def mean_interval(
    differences: Array, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The interval of a mean: bootstrap-t (Efron and Tibshirani 1993, ch. 12), which covers better
    than percentiles where pairs are few. Without spread it is a point."""
    n = len(differences)
    mean, error = differences.mean(), _error(differences)
    if n < 2 or error == 0:
        return float(mean), float(mean)
    drawn = differences[_indices(n, resamples)]
    errors = drawn.std(axis=1, ddof=1) / np.sqrt(n)
    usable = errors > 1e-9 * error
    ratios = (drawn.mean(axis=1)[usable] - mean) / errors[usable]
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(mean - high * error), float(mean - low * error)


def stopped_interval(
    differences: Array, planned: int, level: float = 0.95, flips: int = 1_999
) -> tuple[float, float]:
    """The interval of a mean where the first look that found a difference ended the comparison.

    Plain intervals are too far out then: what stops early is what looks large. Outcomes are put in
    order by when and on which side they stop (Jennison and Turnbull 2000, ch. 8), and their chances
    at each true difference come from flipping the signs of the residuals, made a little larger for
    the spread being an estimate (Student's t).
    """
    n = len(differences)
    mean = float(differences.mean())
    if _error(differences) == 0:
        return mean, mean
    tail = (1 - level) / 2
    wider = math.sqrt(n / (n - 1)) * student(n - 1, tail) / NormalDist().inv_cdf(1 - tail)
    signs = flipped_signs(planned, flips)[1:, :n]
    bounds = look(differences, planned).bounds
    noise = {k: signs[:, :k] @ (differences - mean)[:k] * wider for k in (*bounds, n)}

    def above(true: float) -> float:
        """The chance to end as far above as was seen, or further."""
        going = np.ones(len(signs), dtype=bool)
        ended = np.zeros(len(signs), dtype=bool)
        for k in (k for k in bounds if k < n):
            sums = noise[k] + k * true
            ended |= going & (sums > bounds[k])
            going &= np.abs(sums) <= bounds[k]
        return float((ended | (going & (noise[n] + n * true >= n * mean))).mean())

    reach = 12 * _error(differences)
    return (
        _solve(lambda true: above(true) - tail, mean - reach, mean),
        _solve(lambda true: above(true) - (1 - tail), mean - reach / 2, mean + reach),
    )


def student(freedom: int, tail: float) -> float:
    """The quantile of Student's t that leaves `tail` above it, by Hill's expansion (Abramowitz and
    Stegun 26.7.5): good to three digits from seven degrees of freedom."""
    z = NormalDist().inv_cdf(1 - tail)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(float(term / freedom ** (power + 1)) for power, term in enumerate(terms))


def _solve(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def ratio_interval(
    above: Array, below: Array, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """The interval of sum(above) / sum(below) over pairs, by percentiles; None where the
    denominator can be zero."""
    drawn = _indices(len(above), resamples)
    bottom = below[drawn].sum(axis=1)
    if not len(above) or (bottom <= 0).any():
        return None
    ratios = above[drawn].sum(axis=1) / bottom
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _error(differences: Array) -> float:
    if len(differences) < 2:
        return 0.0
    error = float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return error if error > 1e-12 else 0.0


def _indices(n: int, resamples: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.random.default_rng(30_000 + n).integers(0, n, size=(resamples, n))
