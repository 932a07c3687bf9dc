"""A large batch shared out to runs of a deployment, so that several workers write it."""

import asyncio
import time
from typing import Any
from uuid import UUID

from prefect import Flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import arun_deployment
from prefect.exceptions import MissingResult
from prefect.states import Cancelling, Crashed

from flows.orders.stories import BatchOrder, Part
from flows.results import BatchResult
from flows.runs.alive import beats
from tasks.core.count import counted
from tasks.core.run_all import run_all

DEPLOYMENT = "write-stories/part-of-a-batch"

ATTEMPTS = 3
"""Runs that a part gets, where workers die."""

POLL = 5.0
"""Seconds between two looks at a run."""

SILENCE = 120.0
"""Seconds without a heartbeat after which a run is taken for dead: four beats, as a server may be
slow."""


async def run_parts(batch: BatchOrder, parts: int, run_id: str) -> list[BatchResult]:
    """Write a batch in so many runs on any worker; what came of each, in their order.

    A part whose worker died is given to another; what was answered is not paid again.
    """
    shares = [Part(number=number, of=parts, run_id=run_id) for number in range(parts)]
    get_run_logger().info("Shared out to %s of %s", counted(parts, "run"), DEPLOYMENT)
    return list(await run_all(*(_run(batch, part) for part in shares)))


async def _run(batch: BatchOrder, part: Part) -> BatchResult:
    name = f"part {part.number + 1} of {part.of}"
    for attempt in range(ATTEMPTS):
        # What the run before it asked anew is answered.
        order = batch.model_copy(update={"part": part, "fresh": batch.fresh and not attempt})
        run = await arun_deployment(
            DEPLOYMENT,
            parameters={"batch": order.model_dump(mode="json")},
            tags=[part.run_id],
            timeout=0,
            idempotency_key=f"{part.run_id}-{part.number}-{attempt}",
        )
        state = await _ended(run.id)
        if not state.is_crashed():
            break
        get_run_logger().warning("The run of %s crashed: %s", name, state.message)
    try:
        done = await state.aresult(raise_on_failure=False)
    except MissingResult:
        done = None
    return (
        done
        if isinstance(done, BatchResult)
        else BatchResult(failed={name: state.message or state.name})
    )


async def _ended(run_id: UUID) -> State[Any]:
    async with get_client() as client:
        trusted = time.monotonic()
        while True:
            looked = time.monotonic()
            state = (await client.read_flow_run(run_id)).state
            if state and state.is_final():
                return state
            now = time.monotonic()
            # A run that has not begun has no heart, and a server that was away has heard nobody.
            if state is None or state.is_scheduled() or now - looked > SILENCE / 4:
                trusted = now
            elif now - trusted > SILENCE and not await beats(client, run_id, SILENCE):
                message = f"no sign of life for {SILENCE:.0f} s; its worker may be dead"
                await client.set_flow_run_state(run_id, Crashed(message=message), force=True)
            await asyncio.sleep(POLL)


async def cancel_parts(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Cancel the runs that write parts of a batch that has ended before them."""
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[str(flow_run.id)]))
    async with get_client() as client:
        for part in await client.read_flow_runs(flow_run_filter=tagged):
            if part.state and not part.state.is_final():
                await client.set_flow_run_state(part.id, Cancelling())
