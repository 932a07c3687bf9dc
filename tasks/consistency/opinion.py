"""What came of asking the judge about one branch."""

from dataclasses import dataclass
from typing import Literal

from tasks.story.verdict import Issue


@dataclass(frozen=True)
class Opinion:
    """What came of asking the judge."""

    issues: list[Issue]
    state: Literal["asked", "unavailable"]
    ungrounded: int = 0
    confidence: float = 1.0
    facts: tuple[str, ...] = ()
    """Ids of the facts it was given."""
