"""The receipt of a whole run, also of one that was cancelled, timed out or died."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.client.schemas.objects import FlowRun, State

from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.receipt import receipt_markdown, summary
from tasks.story.base import Usd
from tasks.story.receipt import Outcome, Receipt

WEEK = 7 * 24 * 3600
"""Seconds until a run that writes is given up: it may wait a day for each answer of a person and a
day for each batch job, but one that hangs for good would hold its deployment's only place. Prefect
does not retry these flows: every call is retried until its deadline, and a run that is started
again goes on where this one ended."""


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
    async with get_client() as client:
        if not await has_receipt(client, flow_run):
            await write_receipt(client, flow_run, state)


async def has_receipt(client: PrefectClient, flow_run: FlowRun) -> bool:
    """Whether a run has left its receipt; in a batch each story leaves one of its own as well."""
    found = await client.read_artifacts(
        artifact_filter=ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]),
            key=ArtifactFilterKey(like_="receipt"),
        )
    )
    keys = {artifact.key for artifact in found}
    return "receipt" in keys if "batch" in flow_run.parameters else bool(keys)


async def write_receipt(client: PrefectClient, flow_run: FlowRun, state: State) -> None:
    """Write the receipt of a run from the ledger alone, as its process may be gone; that of a part
    of a batch is of the batch so far."""
    settings = Settings()
    asked = flow_run.parameters.get("batch") or flow_run.parameters.get("order") or {}
    part, cap = asked.get("part"), asked.get("max_cost_usd")
    async with Ledger.open(settings) as ledger:
        receipt = await run_receipt(
            ledger,
            part["run_id"] if part else str(flow_run.id),
            flow_run.name,
            _outcome(state),
            started=flow_run.start_time,
            cap_usd=settings.llm_max_cost if cap is None else Decimal(str(cap)),
            notes=[f"The run ended as {state.name}. Started again, it pays for nothing twice."],
        )
    await client.create_artifact(
        ArtifactCreate(
            key="receipt",
            type="markdown",
            description=summary(receipt),
            data=receipt_markdown(receipt),
            flow_run_id=flow_run.id,
        )
    )


def _outcome(state: State) -> Outcome:
    if state.is_cancelled() or state.is_cancelling():
        return "cancelled"
    return "crashed" if state.is_crashed() else "failed"
