"""What the statistics of `talewright compare` promise, on outcomes whose truth is known.

`python -m tests.bench.comparisons` (about a minute; 1,000 experiments a row).
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.compare.intervals import mean_interval, stopped_interval
from tasks.compare.sequential import ALPHA, FLIPS, Array, look, looks, p_value

PAIRS, SD = 60, 0.1


@dataclass(frozen=True)
class Shown:
    """Shares over the experiments; `pairs` is the mean number of pairs used."""

    found: float
    found_without_looks: float
    covered: float
    covered_when_stopped: float
    pairs: float


Noise = Callable[[np.random.Generator, tuple[int, int]], Array]


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.normal(0, SD, shape)


def heavy(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Student's t with three degrees of freedom: now and then a scene fails."""
    drawn: Array = rng.standard_t(3, shape) * SD / np.sqrt(3)
    return drawn


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return (rng.exponential(1.0, shape) - 1.0) * SD


def shown(
    difference: float,
    noise: Noise = normal,
    *,
    experiments: int = 1000,
    seed: int = 1,
    flips: int = FLIPS,
    resamples: int = 2000,
) -> Shown:
    rng = np.random.default_rng(seed)
    data = noise(rng, (PAIRS, experiments)) + difference
    chunks = np.array_split(data, max(1, experiments // 50), axis=1)
    at = np.concatenate([look(chunk, PAIRS, flips=flips).at for chunk in chunks])
    fixed = [p_value(column, flips) <= ALPHA for column in data.T]
    used = np.where(at > 0, at, PAIRS)

    def covers(interval: tuple[float, float]) -> bool:
        return interval[0] <= difference <= interval[1]

    return Shown(
        float((at > 0).mean()),
        float(np.mean(fixed)),
        float(np.mean([covers(mean_interval(c, resamples=resamples)) for c in data.T])),
        float(
            np.mean(
                [covers(stopped_interval(c[:n], PAIRS)) for n, c in zip(used, data.T, strict=True)]
            )
        ),
        float(used.mean()),
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--experiments", type=int, default=1000)
    count = options.parse_args().experiments
    print(f"{count} experiments of {PAIRS} pairs, sd {SD}, looks after {looks(PAIRS)}")
    head = ("noise", "true", "found", "no looks", "covered", "if stopped", "pairs")
    print(("{:<8}" + "{:>11}" * 6).format(*head))
    for noise in (normal, heavy, skewed):
        for difference in (0.0, 0.05, 0.1):
            s = shown(difference, noise, experiments=count)
            shares = (s.found, s.found_without_looks, s.covered, s.covered_when_stopped)
            cells = "".join(f"{share:>11.1%}" for share in shares)
            print(f"{noise.__name__:<8}{difference:>11.2f}{cells}{s.pairs:>11.1f}")


if __name__ == "__main__":
    main()
