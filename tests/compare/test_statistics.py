"""What the statistics promise, on outcomes whose truth is known. `tests/bench/comparisons.py` runs
the same with 1,000 experiments a row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.compare.contrast import POWER, contrast
from tasks.compare.intervals import mean_interval, stopped_interval, worth_interval
from tasks.compare.sequential import ALPHA, holm, look, looks, p_value, spent
from tasks.compare.votes import sign_test, wilson
from tests.bench.comparisons import (
    DIFFERENCE,
    PAIRS,
    Noise,
    at_the_end,
    draw,
    exponential,
    heavy,
    normal,
    on_the_way,
)
from tests.compare.scenes import NAMES, pairs

EXPERIMENTS = 200
ERROR = 3 * (0.05 * 0.95 / EXPERIMENTS) ** 0.5
"""Three standard errors of a share of 5 % in so many experiments."""


@pytest.mark.parametrize("noise", [normal, heavy, exponential])
def test_equal_versions_are_called_different_in_at_most_5_percent(noise: Noise) -> None:
    data = draw(noise, 0.0, EXPERIMENTS)
    at = look(data, PAIRS, flips=999)
    assert (at > 0).mean() <= 0.05 + ERROR
    assert np.mean([p_value(column, 999) <= ALPHA for column in data.T]) <= 0.05 + ERROR


def test_a_difference_of_half_a_deviation_is_found_at_60_pairs_and_sooner() -> None:
    data = draw(normal, DIFFERENCE, EXPERIMENTS, seed=2)
    some = on_the_way(data, DIFFERENCE, flips=999)
    assert some.found >= 0.9
    assert some.pairs < 0.75 * PAIRS
    assert abs(some.covered - 0.95) <= 0.02 + ERROR
    whole = at_the_end(data, DIFFERENCE, flips=999, resamples=500)
    assert whole.found >= 0.9
    assert abs(whole.covered - 0.95) <= 0.02 + ERROR


def test_the_forecast_of_pairs_is_what_it_takes() -> None:
    seen = np.tile([-0.1, 0.1], 5)
    made = pairs([(0.5, 0.5 + difference) for difference in seen])
    found = contrast(made, *NAMES, planned=10, margin=DIFFERENCE)
    planned = len(seen) + found.more_pairs
    data = np.random.default_rng(4).normal(DIFFERENCE, seen.std(ddof=1), (planned, 1000))
    assert (look(data, planned, flips=499) > 0).mean() == pytest.approx(POWER, abs=0.03)
    three = contrast(made, *NAMES, planned=10, margin=DIFFERENCE, contrasts=2)
    assert three.more_pairs > found.more_pairs


@given(st.integers(1, 500))
def test_looks_end_with_all_pairs_and_spend_the_error_once(planned: int) -> None:
    at = looks(planned)
    assert at == sorted(set(at))
    assert at[-1] == planned
    shares = [spent(ALPHA, n / planned) for n in at]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(ALPHA)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([24, 40, 60]))
def test_a_look_does_not_depend_on_what_comes_after(seed: int, planned: int) -> None:
    data = np.random.default_rng(seed).normal(0.06, 0.1, planned)
    whole = int(look(data, planned, flips=499)[0])
    for n in looks(planned):
        part = int(look(data[:n], planned, flips=499)[0])
        assert part == (whole if 0 < whole <= n else 0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.0, 0.15))
def test_the_interval_agrees_with_the_test(seed: int, shift: float) -> None:
    data = np.random.default_rng(seed).normal(shift, 0.1, 40)
    at = int(look(data, 40, flips=1999)[0])
    low, high = stopped_interval(data[: at or 40], 40)
    assert low <= data[: at or 40].mean() <= high
    if at:
        assert low > 0 or high < 0


def test_signs_do_not_matter() -> None:
    data = np.random.default_rng(1).normal(0.05, 0.1, 30)
    assert p_value(data) == p_value(-data)
    low, high = mean_interval(data)
    assert mean_interval(-data) == pytest.approx((-high, -low), abs=0.004)


def test_no_spread_is_a_point_and_no_pairs_are_no_proof() -> None:
    assert mean_interval(np.full(9, 0.1)) == pytest.approx((0.1, 0.1))
    assert stopped_interval(np.full(9, 0.1), 9) == pytest.approx((0.1, 0.1))
    assert p_value(np.array([])) == 1.0
    assert p_value(np.zeros(20)) == 1.0
    assert int(look(np.zeros(60), 60)[0]) == 0
    assert int(look(np.full(5, 1.0), 5)[0]) == 0


def test_holm() -> None:
    # Smallest first: 0.01 x 4, 0.02 x 3, 0.03 x 2, and never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.02]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_only_raises_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= p for a, p in zip(adjusted, values, strict=True))
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)


def test_worth() -> None:
    scores = np.tile([0.5, 0.6], (20, 1))
    costs = np.tile([0.01, 0.02], (20, 1))
    assert worth_interval(scores, costs) == pytest.approx((0.6, 0.6))
    assert worth_interval(scores, costs * 0) is None


def test_votes() -> None:
    assert wilson(8, 10) == pytest.approx((0.490, 0.943), abs=1e-3)
    assert wilson(0, 0) == (0.0, 1.0)
    assert sign_test(2, 8) == pytest.approx(0.109375)
    assert sign_test(5, 5) == 1.0
