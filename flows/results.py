"""What comes of a batch of stories."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Self

from flows.story.writing import Told
from tasks.story.base import Model, Usd
from tasks.story.receipt import Outcome


class Batch(Model):
    """What was told of each story, and why some could not begin."""

    told: list[Told] = []
    failed: dict[str, str] = {}
    cost_usd: Usd = Decimal(0)

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """One batch of several, without what it cost."""
        parts = list(parts)
        failed = {name: why for part in parts for name, why in part.failed.items()}
        return cls(told=[told for part in parts for told in part.told], failed=failed)

    @property
    def outcome(self) -> Outcome:
        """How the batch ended: complete only if every story is, failed if no scene was written."""
        if any(told.receipt.outcome == "cap reached" for told in self.told):
            return "cap reached"
        if not any(told.scenes for told in self.told):
            return "failed"
        outcomes = {told.receipt.outcome for told in self.told}
        if self.failed or outcomes - {"complete", "unjudged"}:
            return "partial"
        return "unjudged" if "unjudged" in outcomes else "complete"

    @property
    def count(self) -> str:
        """How many of the stories are complete: `47 of 50`."""
        return f"{len(self.complete)} of {len(self.told) + len(self.failed)}"

    @property
    def summary(self) -> str:
        """The count as the message of the run's final state."""
        return f"{self.count} stories complete"

    @property
    def complete(self) -> list[Told]:
        """The stories with all their scenes."""
        return [told for told in self.told if told.receipt.outcome == "complete"]
