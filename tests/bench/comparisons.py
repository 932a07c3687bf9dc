"""What the statistics of `talewright compare` promise, on outcomes whose truth is known.

`python -m tests.bench.comparisons` (some minutes; 1,000 experiments of 60 pairs a row). A share of
5 % is measured to 1.4 points then (two standard errors), with --experiments 4000 to 0.7. A single
look is how further measures are judged, looks on the way are how the score is.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.compare.intervals import mean_interval, stopped_interval
from tasks.compare.sequential import ALPHA, FLIPS, Array, look, looks, p_value

PAIRS, SD, DIFFERENCE = 60, 0.1, 0.05

Shape = tuple[int, int]
Noise = Callable[[np.random.Generator, Shape], Array]


def normal(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.normal(0, SD, shape)


def heavy(rng: np.random.Generator, shape: Shape) -> Array:
    """Student's t with three degrees of freedom: now and then a scene fails."""
    drawn: Array = rng.standard_t(3, shape) * SD / np.sqrt(3)
    return drawn


def exponential(rng: np.random.Generator, shape: Shape) -> Array:
    """A skewness of 2."""
    return (rng.exponential(1.0, shape) - 1.0) * SD


def lognormal(rng: np.random.Generator, shape: Shape) -> Array:
    """A skewness of 6.2: one scene in ten decides the mean."""
    spread = np.sqrt((np.e - 1) * np.e)
    drawn: Array = (rng.lognormal(0.0, 1.0, shape) - np.exp(0.5)) * SD / spread
    return drawn


@dataclass(frozen=True)
class Shown:
    """Shares of the experiments."""

    found: float
    covered: float
    pairs: float
    """Used, on average."""


def draw(noise: Noise, difference: float, experiments: int, seed: int = 1) -> Array:
    """A row for each pair, a column for each experiment."""
    return noise(np.random.default_rng(seed), (PAIRS, experiments)) + difference


def at_the_end(data: Array, difference: float, flips: int = FLIPS, resamples: int = 2000) -> Shown:
    """All pairs, and a single look at them."""
    found = [p_value(column, flips) <= ALPHA for column in data.T]
    covered = [_in(difference, mean_interval(c, resamples=resamples)) for c in data.T]
    return Shown(float(np.mean(found)), float(np.mean(covered)), PAIRS)


def on_the_way(data: Array, difference: float, flips: int = FLIPS) -> Shown:
    """Looks, of which the first that finds a difference ends the experiment."""
    chunks = np.array_split(data, max(1, data.shape[1] // 50), axis=1)
    at = np.concatenate([look(chunk, PAIRS, flips=flips) for chunk in chunks])
    used = np.where(at > 0, at, PAIRS)
    seen = zip(used, data.T, strict=True)
    covered = [_in(difference, stopped_interval(column[:n], PAIRS)) for n, column in seen]
    return Shown(float((at > 0).mean()), float(np.mean(covered)), float(used.mean()))


def _in(true: float, interval: tuple[float, float]) -> bool:
    return interval[0] <= true <= interval[1]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--experiments", type=int, default=1000)
    count = options.parse_args().experiments
    print(f"{count} experiments of {PAIRS} pairs, sd {SD}, true difference 0 or {DIFFERENCE}")
    print(f"{'':<32}{'true: 0':^24}{f'true: {DIFFERENCE}':^33}")
    head = ("noise", "looks after", "false pos.", "covered", "power", "covered", "pairs")
    print(("{:<12}{:<20}" + "{:>11}" * 5).format(*head))
    for noise in (normal, heavy, exponential, lognormal):
        for judge, when in ((at_the_end, [PAIRS]), (on_the_way, looks(PAIRS))):
            none, some = (
                judge(draw(noise, difference, count), difference)
                for difference in (0.0, DIFFERENCE)
            )
            shares = (none.found, none.covered, some.found, some.covered)
            cells = "".join(f"{share:>11.1%}" for share in shares)
            after = ", ".join(map(str, when))
            print(f"{noise.__name__:<12}{after:<20}{cells}{some.pairs:>11.1f}", flush=True)


if __name__ == "__main__":
    main()
