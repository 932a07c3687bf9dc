"""The flow `write-scene`: one scene, to try a world, a brief or a prompt."""

import asyncio
import time
from datetime import UTC, datetime

from prefect import flow, runtime

from flows.orders.stories import StoryOrder
from flows.story.scene import Desk, write_scene_steps
from flows.story.source import read_source
from flows.story.tree import Growth
from flows.story.ways import Way, ways_to
from flows.story.writing import open_desk
from tasks.ledger.receipt import publish_receipt
from tasks.llm.client import Client
from tasks.story.receipt import Outcome, Receipt
from tasks.story.scene import Scene
from tasks.story.state import PathState


@flow(name="write-scene", persist_result=True)
async def write_scene(order: StoryOrder) -> Scene:
    """Write, check and score one scene: the opening of a new story, or `redo` of one that exists,
    which stays as it is. Raises LLMError or SceneRefused if it cannot be written."""
    started = time.monotonic()
    settings = order.settings()
    source = await asyncio.to_thread(read_source, order, settings)
    run_id = str(runtime.flow_run.id)
    async with (
        Client.open(settings, run_id=run_id, fresh=order.fresh) as client,
        open_desk(order, client, source) as desk,
    ):
        scene_id = order.redo or "1"
        opening = Way([], PathState.opening(desk.world, desk.brief))
        ways = ways_to(source.so_far, scene_id) if source.so_far else [opening]
        growth = Growth(desk, len(ways[0].path) + 1, order.seed, on_scene=lambda scene: None)
        outcome: Outcome = "failed"
        try:
            ask = growth.ask(scene_id, ways)
            scene, _ = await write_scene_steps(desk, ask, [way.state for way in ways])
            outcome = "complete"
        finally:
            await _leave_receipt(desk, outcome, time.monotonic() - started)
    return scene


async def _leave_receipt(desk: Desk, outcome: Outcome, seconds: float) -> None:
    tallies = await desk.client.ledger.tally(run_id=desk.run_id)
    receipt = Receipt(
        run_id=desk.run_id,
        title=f"A scene of {desk.brief.title}",
        outcome=outcome,
        started=datetime.now(UTC),
        seconds=seconds,
        writer=desk.client.writer,
        total=tallies.total,
        by_step=tallies.by_step,
        by_scene=tallies.by_scene,
        by_model=tallies.by_model,
        cap_usd=desk.settings.llm_max_cost,
    )
    await publish_receipt(receipt, f"{desk.brief.id}-scene")
