"""The receipt of a whole run, also of one that was cancelled, timed out or died."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import MissingResult

from flows.results import Batch
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.receipt import money, receipt_markdown
from tasks.story.base import Usd
from tasks.story.receipt import Outcome, Receipt

WEEK = 7 * 24 * 3600
"""Seconds until a run that writes is given up: it may wait a day for each answer of a person and a
day for each batch job, but one that hangs for good would hold its deployment's only place. Prefect
does not retry these flows: every call is retried until its deadline, and a run that is started
again goes on where this one ended."""

OWN = ("Partial", "CapReached")
"""Failed states a flow returns after it has published its receipt itself."""


async def run_receipt(
    ledger: Ledger,
    run_id: str,
    title: str,
    outcome: Outcome,
    *,
    started: datetime | None,
    cap_usd: Usd | None = None,
    missing: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Receipt:
    """What a run did cost by step, story and model; the process that ran it may be gone."""
    tallies = await ledger.tally(run_id=run_id)
    now = datetime.now(UTC)
    return Receipt(
        run_id=run_id,
        title=title,
        outcome=outcome,
        started=started or now,
        seconds=(now - (started or now)).total_seconds(),
        writer=", ".join(tally.name for tally in tallies.by_model) or "nobody yet",
        total=tallies.total,
        by_step=tallies.by_step,
        by_story=tallies.by_story,
        by_model=tallies.by_model,
        cap_usd=cap_usd,
        missing=list(missing),
        notes=list(notes),
    )


async def leave_receipt(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Write the receipt of a run that has not done so itself."""
    if state.name not in OWN and not await _ended_as_batch(state):
        await write_receipt(flow_run, state)


async def _ended_as_batch(state: State[Any]) -> bool:
    """Whether a flow has itself returned that all its stories failed."""
    with suppress(MissingResult):
        return state.is_failed() and isinstance(await state.aresult(raise_on_failure=False), Batch)
    return False


async def write_receipt(flow_run: FlowRun, state: State) -> None:
    """Write the receipt of a run from the ledger alone, as its process may be gone; that of a part
    of a batch is of the batch so far."""
    part = (flow_run.parameters.get("batch") or {}).get("part")
    async with Ledger.open(Settings()) as ledger:
        receipt = await run_receipt(
            ledger,
            part["run_id"] if part else str(flow_run.id),
            flow_run.name,
            "cancelled" if state.is_cancelled() or state.is_cancelling() else "failed",
            started=flow_run.start_time,
            notes=[f"The run ended as {state.name}. Started again, it pays for nothing twice."],
        )
    async with get_client() as client:
        await client.create_artifact(
            ArtifactCreate(
                key="receipt",
                type="markdown",
                description=f"{receipt.outcome}: {money(receipt.spent_usd)}",
                data=receipt_markdown(receipt),
                flow_run_id=flow_run.id,
            )
        )
