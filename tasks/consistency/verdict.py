"""From issues to a verdict: scores, coverage, decision."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from tasks.story.verdict import Category, Issue, Verdict

WEIGHT = {"error": 1.0, "warning": 0.35, "info": 0.05}
SHARE: dict[Category, float] = {
    "timeline": 0.30,
    "character": 0.25,
    "world_rules": 0.20,
    "coherence": 0.25,
}
CONDEMNS = 0.8
"""Confidence from which an error rejects."""
REVIEWS = 0.4
"""Confidence from which an error asks for a person's look."""
CAP = 0.49
"""The highest overall score of what is rejected."""


def verdict(
    issues: Sequence[Issue],
    eligible: Mapping[Category, int],
    total: int,
    *,
    dead_end_risk: float = 0.0,
    judge: Literal["not asked", "asked", "unavailable"] = "not asked",
    ungrounded: int = 0,
    confidence: float = 1.0,
    facts_given: Sequence[str] = (),
) -> Verdict:
    """The verdict on a text from its issues and from how many checks could be made.

    A sub-score is the product of 1 - weight x confidence over its issues, None where no check was
    eligible; the overall score is their weighted geometric mean. Weights are set, not fitted.
    """
    scores = {c: _score(c, issues) if eligible.get(c) else None for c in get_args(Category)}
    certain = any(i.severity == "error" and i.confidence >= CONDEMNS for i in issues)
    doubtful = any(i.severity == "error" and i.confidence >= REVIEWS for i in issues)
    coverage = sum(eligible.values()) / total if total else 0.0
    overall = _overall(scores)
    if overall is not None and certain:
        overall = min(overall, CAP)
    decision: Literal["accept", "review", "reject"] = "accept"
    if certain:
        decision = "reject"
    elif doubtful or judge == "unavailable" or any(i.severity == "warning" for i in issues):
        decision = "review"
    return Verdict(
        decision=decision,
        overall_score=overall,
        timeline_score=scores["timeline"],
        character_score=scores["character"],
        world_rules_score=scores["world_rules"],
        coherence_score=scores["coherence"],
        coverage=min(1.0, coverage),
        confidence=confidence,
        dead_end_risk=dead_end_risk,
        issues=list(issues),
        judge=judge,
        ungrounded=ungrounded,
        facts_given=list(facts_given),
    )


def _score(category: Category, issues: Sequence[Issue]) -> float:
    return math.prod(
        1 - WEIGHT[i.severity] * i.confidence for i in issues if i.category == category
    )


def _overall(scores: dict[Category, float | None]) -> float | None:
    known = {c: s for c, s in scores.items() if s is not None}
    if not known:
        return None
    whole = sum(SHARE[c] for c in known)
    return float(math.prod(max(s, 1e-9) ** (SHARE[c] / whole) for c, s in known.items()))
