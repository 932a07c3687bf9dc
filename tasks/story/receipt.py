"""The receipt: what a run cost, to the micro-dollar, and what it refused."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from tasks.story.base import Line, Model, Usd

Outcome = Literal[
    "complete", "unjudged", "partial", "cap reached", "failed", "cancelled", "crashed"
]
"""How a run ended; `unjudged`: with every scene, but the judge could not be asked of any text."""


class Tally(Model):
    """Calls, tokens and money summed over some ledger rows."""

    name: str = Field(description="What the rows have in common, e.g. 'generate' or '1.2'.")
    calls: int = Field(0, ge=0, description="Attempts that reached a provider.")
    cached: int = Field(0, ge=0, description="Answers taken from the cache instead.")
    failed: int = Field(0, ge=0, description="Attempts without a usable answer.")
    tokens_in: int = Field(0, ge=0)
    tokens_cached: int = Field(0, ge=0, description="Part of tokens_in, at the cached price.")
    tokens_thinking: int = Field(0, ge=0, description="Part of tokens_out.")
    tokens_out: int = Field(0, ge=0, description="Thinking included.")
    cost_usd: Usd = Decimal(0)
    saved_usd: Usd = Field(Decimal(0), description="What cached answers would have cost.")
    in_flight: int = Field(
        0,
        ge=0,
        description="Calls that were sent and not settled: under way, or cut off with their "
        "process. These may have been billed.",
    )
    in_flight_usd: Usd = Field(Decimal(0), description="What they may have cost at most.")
    estimated: int = Field(
        0,
        ge=0,
        description="Calls whose usage the provider did not report, or not as it can be; they are "
        "booked at their upper bound.",
    )
    batched: int = Field(0, ge=0, description="Calls that went with a batch job.")
    batch_saved_usd: Usd = Field(Decimal(0), description="What they would have cost more.")


class RefusedBranch(Model):
    """A branch that did not get in, or that somebody should look at."""

    scene_id: str
    choice: Line
    reason: str


class Receipt(Model):
    """What one run of one or more stories cost. `total` is the sum of `by_step`."""

    run_id: str
    title: Line
    outcome: Outcome
    started: datetime
    seconds: float = Field(ge=0)
    writer: Line
    total: Tally
    by_step: list[Tally] = []
    by_scene: list[Tally] = []
    by_story: list[Tally] = Field([], description="In the receipt of a whole run.")
    by_model: list[Tally] = []
    sandbox_seconds: float = Field(0.0, ge=0)
    sandbox_usd: Usd = Decimal(0)
    cap_usd: Usd | None = None
    estimate_usd: Usd | None = None
    prices_of: str = Field("", description="The price list that was used, with its version.")
    refused: list[RefusedBranch] = []
    refused_drafts: list[str] = Field([], description="Drafts of scenes refused, with the reason.")
    under_review: list[RefusedBranch] = Field(
        [], description="Branches that are followed although a person should look at them."
    )
    rungs: dict[str, int] = Field({}, description="Scenes per rung of the parsing ladder.")
    missing: list[str] = Field([], description="Scenes not written, with the reason.")
    missing_usd: Usd | None = Field(None, description="What the missing scenes would cost.")
    notes: list[str] = []

    @property
    def spent_usd(self) -> Decimal:
        """Models and sandboxes together."""
        return self.total.cost_usd + self.sandbox_usd
