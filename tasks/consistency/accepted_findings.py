"""What a person let stand: decisions with their reasons, kept in a YAML file beside the story."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from tasks.core.quotes import fold
from tasks.core.validation import validated
from tasks.core.yaml import read_yaml
from tasks.story.base import Line, Model
from tasks.story.verdict import Issue, Verdict


class Decision(Model):
    """'This is intended': one check's finding on certain words, and why it may stand."""

    check: Line = Field(description="Id of the check, e.g. 'D2'.")
    quote: Line = Field(description="The words it objected to.")
    reason: Line = Field(description="Why it is meant to be so.")

    def covers(self, issue: Issue) -> bool:
        """Whether an issue is the one that was decided on."""
        return issue.check == self.check and fold(self.quote) in fold(issue.quote)


def read_decisions(path: Path) -> list[Decision]:
    """The decisions of a file; none if there is no file. Raises InputError."""
    return validated(list[Decision], read_yaml(path, "list")) if path.exists() else []


def honour(verdict: Verdict, decisions: Sequence[Decision]) -> Verdict:
    """The verdict with what a person intended as no more than a remark, found by a person."""
    reasons: list[str] = []
    issues: list[Issue] = []
    for issue in verdict.issues:
        decided = next((d for d in decisions if d.covers(issue)), None)
        if decided and issue.severity != "info":
            reasons.append(decided.reason)
            issue = issue.model_copy(update={"severity": "info", "found_by": "person"})
        issues.append(issue)
    if not reasons:
        return verdict
    return verdict.model_copy(
        update={
            "issues": issues,
            "decision": _decision(issues, verdict),
            "intended": "; ".join(dict.fromkeys(reasons)),
        }
    )


def _decision(issues: Sequence[Issue], verdict: Verdict) -> str:
    if any(i.severity == "error" for i in issues):
        return verdict.decision
    doubtful = verdict.judge == "unavailable" or any(i.severity == "warning" for i in issues)
    return "review" if doubtful else "accept"
