"""The flow `sweep`: what runs left behind that nobody needs any more."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed
from pydantic import Field

from flows.runs.alive import beats
from flows.runs.keys import load_keys
from flows.runs.receipts import write_receipt
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.sandbox import e2b

SILENCE = 240.0
"""Seconds without a heartbeat after which a run is looked at again, and as many more after which it
is taken for dead."""

LEAVE_RECEIPTS = {"story", "batch", "comparison"}
"""Tags of the deployments whose runs do."""


# It can be run again, and E2B or the database may be away for a moment.
@flow(name="sweep", retries=3, retry_delay_seconds=60, timeout_seconds=1200)
async def sweep(
    days: Annotated[
        int, Field(ge=1, le=36500, description="Answers unused for so long are dropped.")
    ] = 90,
) -> dict[str, int]:
    """End E2B sandboxes that were left running, drop old answers from the cache, and mark runs as
    crashed whose worker died, with a receipt of what they spent.

    Returns how many of each. What was spent stays in the ledger for good.
    """
    await load_keys()
    settings = Settings()
    swept = {"dead runs": await _crash_the_silent()}
    async with Ledger.open(settings) as ledger:
        swept["answers"] = await ledger.forget(days)
    if settings.e2b_api_key is not None:
        swept["sandboxes"] = await e2b.sweep(settings)
    get_run_logger().info("Swept: %s", ", ".join(f"{n} {name}" for name, n in swept.items()))
    return swept


async def _crash_the_silent() -> int:
    tagged = FlowRunFilterTags(all_=["talewright"])
    running = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING]))
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=tagged, state=running)
        )
        before = datetime.now(UTC) - timedelta(seconds=SILENCE)
        runs = [
            run
            for run in runs
            if LEAVE_RECEIPTS & set(run.tags) and run.start_time and run.start_time < before
        ]
        silent = [run for run in runs if not await beats(client, run.id, SILENCE)]
        if silent:
            # The server itself may have been away, and heard nobody.
            await asyncio.sleep(SILENCE)
        return sum([await _crash(client, run) for run in silent])


async def _crash(client: PrefectClient, run: FlowRun) -> bool:
    """Mark a run as crashed, unless it sent a heartbeat or ended after all."""
    if await beats(client, run.id, SILENCE):
        return False
    state = (await client.read_flow_run(run.id)).state
    if state is None or not state.is_running():
        return False
    crashed: State[object] = Crashed(message="no sign of life; its worker may be dead")
    await client.set_flow_run_state(run.id, crashed, force=True)
    await write_receipt(run, crashed)
    return True
