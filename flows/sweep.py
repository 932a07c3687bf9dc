"""The flow `sweep`: what runs left behind that nobody needs any more."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from pydantic import Field

from flows.runs.keys import load_keys
from flows.runs.receipts import has_receipt, write_receipt
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.sandbox import e2b

LEAVE_RECEIPTS = {"story", "batch", "comparison"}
"""Tags of the deployments whose runs leave a receipt."""

LOOK_BACK = timedelta(days=3)
"""How long ago a run may have crashed for its receipt to be written still."""

PAGE = 200
"""Runs asked for at once, the most Prefect's server gives."""

OURS = FlowRunFilterTags(all_=["talewright"])


# It can be run again, and E2B or the database may be away for a moment.
@flow(name="sweep", persist_result=True, retries=3, retry_delay_seconds=60, timeout_seconds=1200)
async def sweep(
    days: Annotated[
        int, Field(ge=1, le=36500, description="Answers unused for so long are dropped.")
    ] = 90,
    keep_runs_days: Annotated[
        int | None,
        Field(
            ge=1,
            le=36500,
            description="Runs of these deployments that ended longer ago are deleted from Prefect, "
            "with their artifacts. Empty: they are kept for good.",
        ),
    ] = 90,
) -> dict[str, int]:
    """End E2B sandboxes that were left running, drop old answers from the cache and old runs from
    Prefect, and write the receipts of runs that crashed without one.

    Returns how many of each. What was spent stays in the ledger for good.
    """
    await load_keys()
    settings = Settings()
    swept: dict[str, int] = {}
    async with get_client() as client:
        swept["receipts"] = await _leave_receipts(client)
        if keep_runs_days is not None:
            swept["runs"] = await _forget_runs(client, timedelta(days=keep_runs_days))
    async with Ledger.open(settings) as ledger:
        swept["answers"] = await ledger.forget(days)
    if settings.e2b_api_key is not None:
        swept["sandboxes"] = await e2b.sweep(settings)
    get_run_logger().info("Swept: %s", ", ".join(f"{n} {name}" for name, n in swept.items()))
    return swept


async def _leave_receipts(client: PrefectClient) -> int:
    """Write the receipts of runs whose process died before it could."""
    since = FlowRunFilterEndTime(after_=datetime.now(UTC) - LOOK_BACK)
    crashed = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED]))
    wanted = FlowRunFilter(tags=OURS, state=crashed, end_time=since)
    count = 0
    async for run in _runs(client, wanted):
        if run.state and LEAVE_RECEIPTS & set(run.tags) and not await has_receipt(client, run):
            await write_receipt(client, run, run.state)
            count += 1
    return count


async def _forget_runs(client: PrefectClient, age: timedelta) -> int:
    """Delete runs that ended so long ago, with their artifacts; the server's own vacuum removes
    their log lines."""
    ended = FlowRunFilterEndTime(before_=datetime.now(UTC) - age)
    old = [run async for run in _runs(client, FlowRunFilter(tags=OURS, end_time=ended))]
    for run in old:
        of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        for artifact in await client.read_artifacts(artifact_filter=of_run, limit=PAGE):
            with suppress(ObjectNotFound):  # another sweep was first
                await client.delete_artifact(artifact.id)
        with suppress(ObjectNotFound):
            await client.delete_flow_run(run.id)
    return len(old)


async def _runs(client: PrefectClient, wanted: FlowRunFilter) -> AsyncIterator[FlowRun]:
    offset = 0
    while runs := await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=offset):
        for run in runs:
            yield run
        offset += PAGE
