"""A whole comparison: what was planned, its pairs, and what they say."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from tasks.compare.contrast import Contrast
from tasks.compare.outcome import Pair, Variant
from tasks.story.base import Line, Model, Usd

Ended = Literal["all pairs", "a clear answer", "stopped early"]


class Vote(Model):
    """A person's preference of one pair, read without knowing which is which."""

    brief: str
    seed: int
    first: str
    second: str
    preferred: str = Field(description="A variant's name; empty: neither.")


class Votes(Model):
    """What blind readers preferred."""

    first: Line
    second: Line
    for_first: int
    for_second: int
    neither: int
    share: float = Field(description="Of the votes for one of them, those for the second.")
    low: float = Field(description="95 % interval (Wilson).")
    high: float
    p: float = Field(description="Two-sided sign test.")


class Comparison(Model):
    """What a comparison found. `contrasts` are each further variant against the first."""

    title: Line
    started: datetime
    variants: list[Variant]
    planned: int = Field(description="Pairs of a complete comparison.")
    plans: int = Field(1, description="How often these variants were planned, growing.")
    error_rate: float = Field(description="Chance to call equal versions different, at most.")
    margin: float
    ended: Ended
    why: str = Field("", description="What stopped it early.")
    unmeasured: list[str] = Field([], description="Pairs without an answer of a model.")
    pairs: list[Pair] = []
    contrasts: list[Contrast] = []
    votes: list[Vote] = []
    paid_usd: Usd = Decimal(0)
    cached_usd: Usd = Field(Decimal(0), description="What cached answers would have cost again.")

    @property
    def sentences(self) -> list[str]:
        """The verdicts."""
        return [contrast.sentence for contrast in self.contrasts]
