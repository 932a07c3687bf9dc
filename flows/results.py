"""What comes of a run: a story, or a batch of them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path
from typing import Self

from tasks.story.base import Model, Usd
from tasks.story.receipt import Outcome, Receipt


class StoryResult(Model):
    """What came of one order: where the story lies and what it cost."""

    story_id: str
    title: str
    folder: Path
    scenes: int
    endings: int
    receipt: Receipt
    error: str = ""


class BatchResult(Model):
    """What was told of each story, and why some could not begin."""

    told: list[StoryResult] = []
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
    def complete(self) -> list[StoryResult]:
        """The stories with all their scenes."""
        return [told for told in self.told if told.receipt.outcome == "complete"]


def batch_of(results: Iterable[StoryResult | tuple[str, str]]) -> BatchResult:
    """The batch of stories that were told, and of (name, why) for those that failed."""
    results = list(results)
    told = [result for result in results if isinstance(result, StoryResult)]
    return BatchResult(
        told=told,
        failed=dict(result for result in results if not isinstance(result, StoryResult)),
        cost_usd=sum((one.receipt.spent_usd for one in told), Decimal(0)),
    )


_found: ContextVar[list[object] | None] = ContextVar("found", default=None)


@contextmanager
def collecting() -> Iterator[list[object]]:
    """The results that are noted meanwhile, in their order."""
    found: list[object] = []
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


def note(result: object) -> None:
    """Say that a story or a comparison is on disk, or why a story failed as (name, why): who
    started the run knows it then, also when Prefect's server cannot be told."""
    if (found := _found.get()) is not None:
        found.append(result)
