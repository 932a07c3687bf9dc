"""The flow `write-story`: one story from a world and a brief."""

import asyncio
from typing import Any

from prefect import flow, runtime
from prefect.artifacts import acreate_link_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from slugify import slugify

from flows.orders.stories import StoryOrder, Writing
from flows.results import StoryResult
from flows.runs.approval import approved, higher_cap
from flows.runs.keys import load_keys
from flows.runs.progress import progress
from flows.runs.receipts import WEEK, leave_receipt
from flows.runs.tuning import quiet_steps
from flows.story.source import read_source, read_story
from flows.story.writing import tell
from tasks.compare.publish import publish_trend
from tasks.core.count import counted
from tasks.core.markdown import escape
from tasks.ledger.nights import publish_nights
from tasks.llm.client import CAPS, Client
from tasks.publish import publish

STATES = {
    "complete": "Completed",
    "partial": "Partial",
    "unjudged": "Unjudged",
    "cap reached": "CapReached",
    "failed": "Failed",
}
"""The name of the run's final state by the outcome on the receipt."""


def final_state(told: StoryResult) -> State[Any]:
    """The state a run ends in: only a complete story is a green run. Its data is `told`."""
    name = STATES[told.receipt.outcome]
    if told.receipt.outcome == "complete":
        return Completed(message=f"{counted(told.scenes, 'scene')} in {told.folder}", data=told)
    return Failed(name=name, message=told.error, data=told)


async def offer(told: StoryResult, order: Writing, asking: asyncio.Lock) -> None:
    """Publish a complete story, if that was asked for and a person agrees, who is asked while
    `asking` is held: a run has room for one question."""
    if told.receipt.outcome != "complete" or not order.publish_to:
        return
    if order.approve:
        async with asking:
            if not await approved(told):
                return
    story = await asyncio.to_thread(read_story, told.folder / "story.json")
    page = await asyncio.to_thread(publish, story, told.folder, order.publish_to)
    await acreate_link_artifact(
        page,
        link_text=escape(told.title),
        key=f"story-{slugify(told.story_id)}",
        description=f"Published: {escape(told.title)}",
    )


def _at_its_own_cap(told: StoryResult) -> bool:
    """Whether the run's own cap was reached: that of the day or the project no answer can raise."""
    return told.receipt.outcome == "cap reached" and f"for {CAPS['run'][0]} is" in told.error


def _run_name() -> str:
    order = StoryOrder.model_validate(runtime.flow_run.parameters["order"])
    return f"{order.brief or order.world} (depth {order.depth}, seed {order.seed})"


@flow(
    name="write-story",
    flow_run_name=_run_name,
    persist_result=True,
    timeout_seconds=WEEK,
    on_cancellation=[leave_receipt],
    on_crashed=[leave_receipt],
    on_failure=[leave_receipt],
)
async def write_story(order: StoryOrder) -> StoryResult:
    """Write one branching story and refuse the branches that contradict it.

    Leaves a page that plays, the story as JSON and other formats, and a receipt of every cent. A
    run that ends early keeps what it wrote; started again, it pays for nothing a second time.
    """
    await load_keys()
    run_id = str(runtime.flow_run.id)
    source = await asyncio.to_thread(read_source, order, order.settings())
    while True:
        async with (
            Client.open(order.settings(), run_id=run_id, fresh=order.fresh) as client,
            progress(client, sum(source.planned(order))) as scene_done,
        ):
            with quiet_steps():
                told = await tell(order, client, scene_done)
            await publish_trend(client.ledger)
            await publish_nights(client.ledger, client.settings.llm_max_cost_per_day)
        cap = told.receipt.cap_usd
        if not (order.approve and _at_its_own_cap(told)) or cap is None:
            break
        higher = await higher_cap(told.title, cap)
        if higher is None:
            break
        # Everything written so far is kept in the ledger, so going on begins at the beginning.
        order = order.model_copy(update={"max_cost_usd": higher, "fresh": False})
    await offer(told, order, asyncio.Lock())
    return final_state(told)  # type: ignore[return-value]
