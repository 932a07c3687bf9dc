"""The benchmark has the shape it says, and the tuning half stays above its floors.

The final half is measured by tests/bench/consistency/run.py and not asserted, so that nobody tunes
on it by mending a failing test.
"""

from collections import Counter

from tests.bench.consistency.cases import KINDS, proposals
from tests.bench.consistency.operators import twins
from tests.bench.consistency.run import auroc, checked, wilson


def test_the_shape_of_the_set() -> None:
    everything = proposals()
    assert len(everything) == 400
    assert sum(p.contradicts for p in everything) == 200
    kinds = Counter(p.kind for p in everything if p.contradicts)
    assert set(kinds) == set(KINDS)
    assert len(KINDS) == 16
    halves = {p.world.id: p.half for p in everything}
    assert Counter(halves.values()) == {"tuning": 4, "final": 4}
    texts = {(p.world.id, p.branch.choice, p.branch.consequence) for p in everything}
    assert len(texts) == 400


def test_the_tuning_half_stays_above_its_floors() -> None:
    chosen = [p for p in proposals() if p.half == "tuning"]
    declared = [(checked(p, p.branch)[0], p.contradicts) for p in chosen]
    withheld = [(checked(p, p.withheld)[0], p.contradicts) for p in chosen]
    assert _precision(declared) >= 0.98
    assert _recall(declared) >= 0.95
    assert _precision(withheld) >= 0.95
    assert _recall(withheld) >= 0.60


def test_operators_are_found_and_their_twins_pass() -> None:
    for pair in twins("tuning"):
        assert checked(pair.broken, pair.broken.branch)[0], pair.operator
        assert not checked(pair.clean, pair.clean.branch)[0], pair.operator


def test_the_measures() -> None:
    assert auroc([(0.9, True), (0.1, False)]) == 1.0
    assert auroc([(0.5, True), (0.5, False)]) == 0.5
    low, high = wilson(8, 10)
    assert round(low, 3) == 0.490
    assert round(high, 3) == 0.943


def _precision(flags: list[tuple[bool, bool]]) -> float:
    flagged = [label for flag, label in flags if flag]
    return sum(flagged) / len(flagged)


def _recall(flags: list[tuple[bool, bool]]) -> float:
    bad = [flag for flag, label in flags if label]
    return sum(bad) / len(bad)
