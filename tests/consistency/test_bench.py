"""The benchmark has the shape it says, and the tuning half stays above its floors.

The final half is measured by tests/bench/consistency/run.py and not asserted, so that nobody tunes
on it by mending a failing test.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.bench import branches
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


def told(branch: str, *, contradicts: bool, evidence: str) -> dict[str, Any]:
    """A case in which a man died on the path."""
    scene = {
        "title": "The stairs",
        "place": "hall",
        "present": ["ann"],
        "text": "Ben fell down the stairs and was dead.",
        "dialogue": [],
        "effects": [{"kind": "dies", "who": "ben", "quote": "was dead"}],
    }
    return {
        "id": branch[:8],
        "world": "house",
        "protagonist": "ann",
        "path": [scene],
        "choice": branch,
        "description": branch,
        "effects": [],
        "contradicts": contradicts,
        "kind": "dead_acts" if contradicts else "plain",
        "evidence": evidence,
    }


async def test_branches_written_apart_are_read_and_measured(tmp_path: Path) -> None:
    (tmp_path / "worlds").mkdir()
    (tmp_path / "worlds" / "house.yaml").write_text("""
id: house
title: The house
premise: Ann and Ben live in it.
style: Plain.
opens_at: 1900-01-01T12:00:00
characters: [{id: ann, name: Ann, place: hall}, {id: ben, name: Ben, place: hall}]
places: [{id: hall, name: the hall}]
""")
    cases = [
        told("Ben opens the door.", contradicts=True, evidence="Ben was dead."),
        told("Ann opens the door.", contradicts=False, evidence=""),
    ]
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    examples = branches.read(tmp_path)
    results = await branches.check(examples, "declared")
    numbers = branches.measures(results)
    assert [r.flagged for r in results] == [True, False]
    assert numbers["precision"] == numbers["recall"] == numbers["right_pair"] == 1.0
    assert numbers["false_alarms_per_100"] == 0.0
    assert numbers["kinds"]["dead_acts"]["flagged"] == 1
    assert branches.show("declared", numbers)
    assert branches.misses(results) == ""


def _precision(flags: list[tuple[bool, bool]]) -> float:
    flagged = [label for flag, label in flags if flag]
    return sum(flagged) / len(flagged)


def _recall(flags: list[tuple[bool, bool]]) -> float:
    bad = [flag for flag, label in flags if label]
    return sum(bad) / len(bad)
