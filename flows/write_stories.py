"""The flow `write-stories`: many stories in one run, each fenced from the others."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.orders.briefs import orders
from flows.orders.stories import BatchOrder, StoryOrder
from flows.results import BatchResult, StoryResult, note
from flows.runs.keys import load_keys
from flows.runs.parts import cancel_parts, run_parts
from flows.runs.progress import progress
from flows.runs.receipts import WEEK, leave_receipt, run_receipt
from flows.runs.tuning import quiet_steps, rare_collections
from flows.story.source import read_source
from flows.story.writing import tell
from flows.write_story import STATES, offer
from tasks.compare.publish import publish_trend
from tasks.core.errors import UserError
from tasks.core.markdown import escape
from tasks.ledger.nights import publish_nights
from tasks.ledger.receipt import money, publish_receipt
from tasks.llm.client import Client
from tasks.story.receipt import Receipt


def _run_name() -> str:
    batch = BatchOrder.model_validate(runtime.flow_run.parameters["batch"])
    part = f", part {batch.part.number + 1} of {batch.part.of}" if batch.part else ""
    return f"stories of {batch.briefs or batch.world}{part}"


@flow(
    name="write-stories",
    flow_run_name=_run_name,
    persist_result=True,
    timeout_seconds=WEEK,
    on_cancellation=[cancel_parts, leave_receipt],
    on_crashed=[cancel_parts, leave_receipt],
    on_failure=[cancel_parts, leave_receipt],
)
async def write_stories(batch: BatchOrder) -> BatchResult:
    """Write many stories side by side under one rate and one cap.

    A story that fails is reported and the others finish; the run is green only if all are
    complete. Started again, it pays for nothing a second time. On a worker, a batch of more than
    `stories_per_run` is shared out to other runs, which spend from the same cap.
    """
    await load_keys()
    batch.check_batch_api()
    wanted = orders(batch)
    started = datetime.now(UTC)
    run_id = batch.part.run_id if batch.part else str(runtime.flow_run.id)
    opened = Client.open(
        batch.settings(), run_id=run_id, fresh=batch.fresh, batched=batch.batch_api
    )
    async with opened as client:
        parts = batch.parts(len(wanted)) if runtime.deployment.id else 1
        if parts > 1:
            result = BatchResult.joined(await run_parts(batch, parts, run_id))
        else:
            result = await _write(batch, wanted, client)
        result = result.model_copy(update={"cost_usd": await client.ledger.spent(run_id)})
        if batch.part is None:
            await publish_receipt(await _receipt(result, client, started))
            await publish_trend(client.ledger)
            await publish_nights(client.ledger, client.settings.llm_max_cost_per_day)
    await _publish(result)
    return _final_state(result)  # type: ignore[return-value]


async def _write(batch: BatchOrder, wanted: Sequence[StoryOrder], client: Client) -> BatchResult:
    # A batch job takes the calls of all stories.
    gate = asyncio.Semaphore(len(wanted) if batch.batch_api else batch.at_once)
    asking = asyncio.Lock()
    folders: set[Path] = set()
    scenes = sum(order.scenes for order in wanted)
    with rare_collections(), quiet_steps():
        # Cancelled, a group waits until each has left its receipt and closed its sandbox.
        async with progress(client, scenes) as scene_done, asyncio.TaskGroup() as group:
            stories = [
                group.create_task(_fenced(order, client, gate, asking, folders, scene_done))
                for order in wanted
            ]
    outcomes = [story.result() for story in stories]
    return BatchResult(
        told=[outcome for outcome in outcomes if isinstance(outcome, StoryResult)],
        failed={
            f"{order.brief} (seed {order.seed})": outcome
            for order, outcome in zip(wanted, outcomes, strict=True)
            if isinstance(outcome, str)
        },
    )


async def _receipt(batch: BatchResult, client: Client, started: datetime) -> Receipt:
    short = {told.story_id: told.error for told in batch.told if told.error} | batch.failed
    return await run_receipt(
        client.ledger,
        client.run_id,
        f"{runtime.flow_run.name} ({batch.count})",
        batch.outcome,
        started=started,
        cap_usd=client.settings.llm_max_cost,
        missing=[f"{name}: {why}" for name, why in short.items()],
    )


async def _fenced(
    order: StoryOrder,
    client: Client,
    gate: asyncio.Semaphore,
    asking: asyncio.Lock,
    folders: set[Path],
    scene_done: Callable[[], None],
) -> StoryResult | str:
    """What was told, or why nothing could be."""
    try:
        async with gate:
            await _claim(order, client, folders)
            told = await tell(order, client, scene_done)
        await offer(told, order, asking)
        return told
    except UserError as error:
        get_run_logger().warning("%s (seed %d) failed: %s", order.brief, order.seed, error)
        why = str(error)
    except Exception as error:
        get_run_logger().exception("%s (seed %d) broke", order.brief, order.seed)
        why = f"{type(error).__name__}: {error}"
    note((f"{order.brief} (seed {order.seed})", why))
    return why


async def _claim(order: StoryOrder, client: Client, folders: set[Path]) -> None:
    folder = (await asyncio.to_thread(read_source, order, client.settings)).folder
    if folder in folders:
        raise UserError(f"Another story of this run goes to {folder}: give it another id or seed.")
    folders.add(folder)


async def _publish(batch: BatchResult) -> None:
    rows = [
        {
            "story": escape(f"{told.title} ({told.story_id})"),
            "outcome": told.receipt.outcome,
            "scenes": told.scenes,
            "refused": len(told.receipt.refused),
            "USD": money(told.receipt.spent_usd),
            "where": escape(told.error or str(told.folder)),
        }
        for told in batch.told
    ]
    rows += [
        {"story": escape(name), "outcome": "failed", "where": escape(why)}
        for name, why in batch.failed.items()
    ]
    await acreate_table_artifact(
        rows, key="stories", description=f"{len(batch.complete)} complete, {money(batch.cost_usd)}"
    )


def _final_state(batch: BatchResult) -> State[Any]:
    name = STATES[batch.outcome]
    if batch.outcome == "complete":
        return Completed(message=batch.summary, data=batch)
    return Failed(name=name, message=batch.summary, data=batch)
