"""What is left behind by a run that was cancelled, timed out or died: a receipt, no sandbox."""

from contextlib import suppress
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import MissingResult
from prefect.states import Cancelling

from flows.results import Batch
from flows.runs.receipts import run_receipt
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.receipt import money, receipt_markdown

WEEK = 7 * 24 * 3600
"""Seconds until a run that writes is given up: it may wait a day for each answer of a person and a
day for each batch job, but one that hangs for good would hold its deployment's only place. Prefect
does not retry these flows: every call is retried until its deadline, and a run that is started
again goes on where this one ended."""

OWN = ("Partial", "CapReached")
"""Failed states a flow returns after it has published its receipt itself."""


async def cancel_parts(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Cancel the runs that write parts of a batch that has ended before them."""
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[str(flow_run.id)]))
    async with get_client() as client:
        for part in await client.read_flow_runs(flow_run_filter=tagged):
            if part.state and not part.state.is_final():
                await client.set_flow_run_state(part.id, Cancelling())


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
