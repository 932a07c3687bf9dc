"""The flow `write-stories`: many stories in one run, each fenced from the others."""

import asyncio
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.briefs import orders
from flows.hooks import leave_receipt
from flows.order import BatchOrder, StoryOrder
from flows.telling import Told, tell
from flows.write_story import offer
from tasks.errors import UserError
from tasks.llm.client import Client
from tasks.receipt import money
from tasks.story.base import Model, Usd


class Batch(Model):
    """What came of a batch: what was told of each story, and why some could not begin."""

    told: list[Told] = []
    failed: dict[str, str] = {}
    cost_usd: Usd

    @property
    def complete(self) -> list[Told]:
        """The stories with all their scenes."""
        return [told for told in self.told if told.receipt.outcome == "complete"]


def _run_name() -> str:
    batch = BatchOrder.model_validate(runtime.flow_run.parameters["batch"])
    return f"stories of {batch.briefs or batch.world}"


@flow(
    name="write-stories",
    flow_run_name=_run_name,
    on_cancellation=[leave_receipt],
    on_crashed=[leave_receipt],
)
async def write_stories(batch: BatchOrder) -> Batch:
    """Write many stories side by side under one rate and one cap.

    A story that fails is reported and the others finish; the run is green only if all are
    complete. Started again, it pays for nothing a second time.
    """
    wanted = orders(batch)
    # A batch job takes the calls of all stories.
    gate = asyncio.Semaphore(len(wanted) if batch.batch_api else batch.at_once)
    run_id = str(runtime.flow_run.id)
    opened = Client.open(
        batch.settings(), run_id=run_id, fresh=batch.fresh, batched=batch.batch_api
    )
    async with opened as client:
        outcomes = await asyncio.gather(*(_fenced(order, client, gate) for order in wanted))
        spent = (await client.ledger.tally(run_id=client.run_id)).total.cost_usd
    result = Batch(
        told=[outcome for outcome in outcomes if isinstance(outcome, Told)],
        failed={
            f"{order.brief} (seed {order.seed})": outcome
            for order, outcome in zip(wanted, outcomes, strict=True)
            if isinstance(outcome, str)
        },
        cost_usd=spent,
    )
    await _publish(result)
    return _final_state(result, len(wanted))  # type: ignore[return-value]


async def _fenced(order: StoryOrder, client: Client, gate: asyncio.Semaphore) -> Told | str:
    """What was told, or why nothing could be."""
    async with gate:
        try:
            told = await tell(order, client)
            await offer(told, order)
            return told
        except UserError as error:
            return str(error)
        except Exception as error:
            get_run_logger().exception("The story of %s broke.", order.brief)
            return f"{type(error).__name__}: {error}"


async def _publish(batch: Batch) -> None:
    rows = [
        {
            "story": told.title,
            "outcome": told.receipt.outcome,
            "scenes": told.scenes,
            "refused": len(told.receipt.refused),
            "USD": money(told.receipt.spent_usd),
            "where": told.error or str(told.folder),
        }
        for told in batch.told
    ]
    rows += [
        {"story": name, "outcome": "failed", "where": why} for name, why in batch.failed.items()
    ]
    await acreate_table_artifact(
        rows, key="stories", description=f"{len(batch.complete)} complete, {money(batch.cost_usd)}"
    )


def _final_state(batch: Batch, wanted: int) -> State[Any]:
    message = f"{len(batch.complete)} of {wanted} stories complete"
    if len(batch.complete) == wanted:
        return Completed(message=message, data=batch)
    capped = any(told.receipt.outcome == "cap reached" for told in batch.told)
    return Failed(name="CapReached" if capped else "Partial", message=message, data=batch)
