"""Checking a scene or a branch without a model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.checks import CHECKS
from tasks.consistency.examination import Case, of_branch, of_scene
from tasks.consistency.opinion import Opinion, finding_id
from tasks.consistency.told import decided
from tasks.consistency.verdict import verdict
from tasks.story.brief import Brief
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.state import PathState
from tasks.story.verdict import Category, Issue, Severity, Verdict
from tasks.story.world import World

Computed = tuple[Mapping[Category, int], Sequence[Issue]]
"""How many checks could be made, by category, and the issues they found."""


def check_scene(
    world: World,
    brief: Brief | None,
    state_before: PathState,
    scene: SceneText,
    *,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """The computed verdict on a scene's own text and effects."""
    return run(of_scene(world, brief, state_before, scene), accepted=accepted, ratings=ratings)


def check_branch(
    world: World,
    brief: Brief | None,
    state_after_scene: PathState,
    scene: SceneText | None,
    branch: BranchDraft,
    siblings: Sequence[BranchDraft] = (),
    *,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """The computed verdict on a proposed branch. `siblings` are the scene's branches accepted so
    far; the branch itself among them is passed over."""
    case = of_branch(world, brief, state_after_scene, scene, branch, siblings)
    return run(case, accepted=accepted, ratings=ratings)


def run(
    case: Case,
    found: Computed | None = None,
    *,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """What comes of every check that can be made on a case, or of what they found before.

    `accepted` is what a person let stand; `ratings` are a provider's, of the answer it came in.
    """
    eligible, issues = found or computed(case)
    risk = dead_end_risk(case, issues)
    return verdict(
        issues, eligible, len(CHECKS), dead_end_risk=risk, accepted=accepted, ratings=ratings
    )


def run_with(
    case: Case,
    opinion: Opinion,
    found: Computed | None = None,
    *,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """The same, with what the judge proved added and what it cleared made a remark. A judge cannot
    outvote a rule."""
    eligible, issues = found or computed(case)
    checks = len(CHECKS)
    if opinion.state == "asked":
        eligible = {category: eligible.get(category, 0) + 1 for category in get_args(Category)}
        checks += len(eligible)
    return verdict(
        [
            *(_cleared(issue, opinion) for issue in issues),
            *opinion.issues,
            *decided(case, opinion.told),
        ],
        eligible,
        checks,
        dead_end_risk=dead_end_risk(case, issues),
        opinion=opinion,
        accepted=accepted,
        ratings=ratings,
    )


def worst_verdict(
    cases: Sequence[Case],
    opinion: Opinion | None,
    *,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """The verdict on one text on that of the ways to it on which the least holds, with what the
    judge says of it, if it was asked."""
    verdicts = (
        run(case, accepted=accepted, ratings=ratings)
        if opinion is None
        else run_with(case, opinion, accepted=accepted, ratings=ratings)
        for case in cases
    )
    return max(verdicts, key=lambda verdict: verdict.decision)


def _cleared(issue: Issue, opinion: Opinion) -> Issue:
    reason = opinion.cleared.get(finding_id(issue))
    if not reason or issue.found_by != "inferred":
        return issue
    return issue.model_copy(update={"severity": Severity.INFO, "cleared": reason})


def computed(case: Case) -> Computed:
    """How many checks could be made, by category, and the issues they found."""
    eligible: Counter[Category] = Counter()
    issues: list[Issue] = []
    for check in CHECKS:
        if check.eligible(case):
            eligible[check.category] += 1
            issues.extend(check.issues(case))
    return dict(eligible), issues


def dead_end_risk(case: Case, issues: Sequence[Issue]) -> float:
    """How likely nothing can follow, 0 to 1: the player's character dead, away or alone."""
    if any(i.check == "D11" for i in issues):
        return 1.0
    if case.after.status(case.lead) == "absent":
        return 0.6
    here = case.after.place_of(case.lead)
    place = case.after.places.get(here or "")
    return 0.3 if place and place.value == "destroyed" else 0.0
