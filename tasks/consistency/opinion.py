"""What came of asking the judge about one scene or branch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tasks.consistency.told import Told
from tasks.story.verdict import Category, Issue


@dataclass(frozen=True)
class Opinion:
    """What the judge said about one text, as far as it is proven."""

    issues: list[Issue]
    state: Literal["asked", "unavailable"]
    ungrounded: int = 0
    confidence: float = 1.0
    facts: tuple[str, ...] = ()
    """Ids of the facts it was given."""
    scores: Mapping[Category, float] = field(default_factory=dict)
    """Its answers to the four questions, 0 to 1."""
    told: Sequence[tuple[Told, float]] = ()
    """What it read in the prose beyond the declared effects, with the share of votes that did."""
    cleared: Mapping[str, str] = field(default_factory=dict)
    """Why findings that were read from the prose are none, by their `finding_id`."""
    why: str = ""
    """Why it could not be asked."""


def finding_id(issue: Issue) -> str:
    """A finding by its check and its words, the same on every way to a text."""
    return f"{issue.check}|{issue.quote}"
