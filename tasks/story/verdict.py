"""Verdicts: whether a branch may enter the story, and why not."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from tasks.story.base import Model

Category = Literal["timeline", "character", "world_rules", "coherence"]


class Scale(StrEnum):
    """Words of a scale, the gravest last; they compare by their place on it."""

    @property
    def _place(self) -> int:
        return list(type(self)).index(self)

    def __lt__(self, other: str) -> bool:
        return self._place < type(self)(other)._place

    def __le__(self, other: str) -> bool:
        return self._place <= type(self)(other)._place

    def __gt__(self, other: str) -> bool:
        return self._place > type(self)(other)._place

    def __ge__(self, other: str) -> bool:
        return self._place >= type(self)(other)._place


class Severity(Scale):
    """How grave an issue is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Decision(Scale):
    """What comes of a check."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


class Issue(Model):
    """One thing that is wrong, with the words on both sides."""

    check: str = Field(description="Id of the check that found it, e.g. 'D2'.")
    name: str = Field(description="The check's name, e.g. 'the dead act'.")
    category: Category
    severity: Severity
    message: str = Field(description="What is wrong, in one sentence for the designer.")
    quote: str = Field("", description="The words of the scene or branch.")
    fact: str = Field("", description="The words of the fact, rule or scene it contradicts.")
    source: str = Field("", description="Where the fact stands: 'world', or a scene or rule id.")
    suggested_fix: str = ""
    found_by: Literal["rule", "inferred", "judge", "person"] = "rule"
    confidence: float = Field(1.0, ge=0, le=1)
    cleared: str = Field("", description="The judge's reason for letting it pass.")
    key: SkipJsonSchema[str] = Field("", exclude=True, repr=False)
    """What it is about, whatever differs from way to way; not kept with a story."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Issue) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]

    @property
    def lesson(self) -> str:
        """What a writer who tries again has to know, in one line: what is wrong, the words, what
        they go against and what to do."""
        parts = [self.message]
        parts += [f'Its words: "{self.quote}".'] if self.quote else []
        parts += [f'Against: "{self.fact}".'] if self.fact else []
        return " ".join(" ".join([*parts, self.suggested_fix]).split())[:1000]

    @property
    def origin(self) -> str:
        """How it was found and how sure that is, in words; empty for what a rule is sure of."""
        words = {
            "rule": "",
            "inferred": "read from the wording",
            "judge": "found by a model",
            "person": "found by a person",
        }
        if self.cleared:
            return f"{words[self.found_by]}, cleared by a model: {self.cleared}"
        sure = f"{self.confidence:.0%} sure".replace("%", " %") if self.confidence < 1 else ""
        return ", ".join(filter(None, (words[self.found_by], sure)))


def repeated(issues: Sequence[Issue]) -> list[Issue]:
    """Those that say again, less gravely or less surely, what another of them says: by the same
    check, or of the same words."""
    return [one for one in issues if any(_says_more(other, one) for other in issues)]


def _says_more(other: Issue, one: Issue) -> bool:
    same = other.check == one.check or (other.quote == one.quote and one.quote)
    return bool(same) and _weight(other) > _weight(one)


def _weight(issue: Issue) -> tuple[Severity, float]:
    return issue.severity, issue.confidence


class Verdict(Model):
    """What was checked on one proposed branch, and what came of it.

    Scores are 0 to 1, or None when no check of that kind was eligible.
    """

    decision: Decision
    overall_score: float | None = Field(None, ge=0, le=1)
    timeline_score: float | None = Field(None, ge=0, le=1)
    character_score: float | None = Field(None, ge=0, le=1)
    world_rules_score: float | None = Field(None, ge=0, le=1)
    coherence_score: float | None = Field(None, ge=0, le=1)
    coverage: float = Field(ge=0, le=1, description="Share of all checks that could be made.")
    confidence: float = Field(1.0, ge=0, le=1)
    dead_end_risk: float = Field(0.0, ge=0, le=1)
    issues: list[Issue] = []
    judge: Literal["not asked", "asked", "unavailable"] = "not asked"
    judge_error: str = Field("", description="Why the judge could not be asked.")
    ungrounded: int = Field(0, description="Judge's issues dropped because a quote was invented.")
    facts_given: list[str] = Field([], description="Ids of the facts the judge was given.")
    intended: str | None = Field(None, description="A person's reason for letting it stand.")

    @property
    def valid(self) -> bool:
        """Whether the branch may enter the story."""
        return self.decision < Decision.REJECT

    @property
    def reason(self) -> str:
        """The gravest issue's message, or an empty string."""
        worst = max(self.issues, key=lambda issue: issue.severity, default=None)
        return worst.message if worst else ""
