"""From issues to a verdict: decision, scores, coverage."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.opinion import Opinion
from tasks.story.verdict import Category, Decision, Issue, Severity, Verdict

WEIGHT = {Severity.ERROR: 1.0, Severity.WARNING: 0.35, Severity.INFO: 0.05}
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


class Decided(NamedTuple):
    """A decision, the issues it rests on and, where a person let some stand, the reasons."""

    decision: Decision
    issues: list[Issue]
    intended: str | None


def decide(
    issues: Sequence[Issue],
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
    *,
    judged: bool = True,
) -> Decided:
    """What comes of issues and of a provider's ratings.

    What a person accepted is no more than a remark. An error rejects from a confidence of
    `CONDEMNS` on; one from `REVIEWS` on, a warning or a judge that was down (`judged`) asks for a
    person's look.
    """
    left: list[Issue] = []
    reasons: list[str] = []
    for issue in issues:
        one = next((one for one in accepted if one.covers(issue)), None)
        if one and issue.severity > Severity.INFO:
            reasons.append(one.reason)
            issue = issue.model_copy(update={"severity": Severity.INFO, "found_by": "person"})
        left.append(issue)
    left += ratings
    decision = max((_ruling(issue) for issue in left), default=Decision.ACCEPT)
    if not judged:
        decision = max(decision, Decision.REVIEW)
    return Decided(decision, left, "; ".join(dict.fromkeys(reasons)) or None)


def _ruling(issue: Issue) -> Decision:
    if issue.severity is Severity.ERROR and issue.confidence >= CONDEMNS:
        return Decision.REJECT
    sure = issue.severity is Severity.WARNING or issue.confidence >= REVIEWS
    return Decision.REVIEW if sure and issue.severity > Severity.INFO else Decision.ACCEPT


def verdict(
    issues: Sequence[Issue],
    eligible: Mapping[Category, int],
    total: int,
    *,
    dead_end_risk: float = 0.0,
    opinion: Opinion | None = None,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """The verdict on a text from its issues and from how many checks could be made.

    A sub-score is the product of 1 - weight x confidence over its issues, None where no check was
    eligible, and at most what a judge that was asked gives; the overall score is their weighted
    geometric mean. Weights are set, not fitted. Scores decide nothing: issues do.
    """
    judge = opinion.state if opinion else "not asked"
    rated = opinion.scores if opinion else {}
    decided = decide(issues, accepted, ratings, judged=judge != "unavailable")
    scores = {
        c: min(_score(c, decided.issues), rated.get(c, 1.0)) if eligible.get(c) else None
        for c in get_args(Category)
    }
    coverage = sum(eligible.values()) / total if total else 0.0
    overall = _overall(scores)
    if overall is not None and decided.decision is Decision.REJECT:
        overall = min(overall, CAP)
    return Verdict(
        decision=decided.decision,
        overall_score=overall,
        timeline_score=scores["timeline"],
        character_score=scores["character"],
        world_rules_score=scores["world_rules"],
        coherence_score=scores["coherence"],
        coverage=min(1.0, coverage),
        confidence=opinion.confidence if opinion else 1.0,
        dead_end_risk=dead_end_risk,
        issues=decided.issues,
        judge=judge,
        judge_error=opinion.why if opinion else "",
        ungrounded=opinion.ungrounded if opinion else 0,
        facts_given=list(opinion.facts) if opinion else [],
        intended=decided.intended,
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
