"""Tell one story, from its order to its exports and its receipt, within a flow run."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from prefect import get_run_logger
from slugify import slugify

from flows.growth import Growth
from flows.order import StoryOrder
from flows.scene_steps import Desk, SceneRefused
from tasks.export import export_story
from tasks.llm.client import Client
from tasks.llm.errors import CapReached, LLMError
from tasks.load import load_brief, load_world
from tasks.receipt import money, publish_receipt
from tasks.sandbox import open_sandbox
from tasks.story.base import Model
from tasks.story.receipt import Outcome, Receipt, RefusedBranch
from tasks.story.scene import Scene
from tasks.story.story import Story


class Told(Model):
    """What came of one order: where the story lies and what it cost."""

    story_id: str
    title: str
    folder: Path
    scenes: int
    endings: int
    receipt: Receipt
    error: str = ""


async def tell(order: StoryOrder, client: Client) -> Told:
    """Write the story of an order and leave its exports in `order.folder / story_id`.

    What could not be written is named in the receipt, whose outcome says how it ended. Raises
    InputError for a world or brief that cannot be used.
    """
    settings = order.settings()
    world = load_world(order.world)
    brief = load_brief(order.brief, world, order.world)
    story_id = slugify(f"{brief.id}-{order.seed}", max_length=60)
    async with open_sandbox(
        settings, settings.talewright_sandbox, run_id=client.run_id, story_id=story_id
    ) as sandbox:
        desk = Desk(world, brief, order.breadth, client, sandbox, settings, client.run_id, story_id)
        telling = _Telling(order, desk)
        try:
            outcome, error = await telling.write()
        except BaseException as ended:
            # Cancelled or broken: what is done is kept, and the receipt is left all the same.
            outcome = "cancelled" if isinstance(ended, asyncio.CancelledError) else "failed"
            await asyncio.shield(telling.finish(outcome, str(ended)))
            raise
        return await telling.finish(outcome, error)


@dataclass
class _Telling:
    order: StoryOrder
    desk: Desk
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        order = self.order
        self.growth = Growth(
            self.desk, order.depth, order.seed, self._scene_done, order.joins, order.most_scenes
        )
        self.log = get_run_logger()

    async def write(self) -> tuple[Outcome, str]:
        title = self.desk.brief.title
        self.log.info(
            "%s: up to %d scenes, written by %s",
            title,
            self.order.scenes,
            self.desk.client.writer,
            extra={"scenes": (0, self.order.scenes)},
        )
        try:
            await self.growth.grow()
        except CapReached as error:
            return "cap reached", str(error)
        except (LLMError, SceneRefused) as error:
            return "failed", str(error)
        if self.growth.stopped_by is not None:
            return "cap reached", str(self.growth.stopped_by)
        if self.growth.missing:
            return "partial", f"{len(self.growth.missing)} scenes are missing."
        return "complete", ""

    async def finish(self, outcome: Outcome, error: str) -> Told:
        """Export what there is and publish the receipt."""
        receipt = await self._receipt(outcome, error)
        story = self._story()
        folder = self.order.folder / self.desk.story_id
        if story.scenes:
            await asyncio.to_thread(export_story, story, folder, receipt)
        await publish_receipt(receipt, self.desk.brief.id)
        return Told(
            story_id=self.desk.story_id,
            title=story.title,
            folder=folder.resolve(),
            scenes=len(story.scenes),
            endings=sum(1 for scene in story.scenes if scene.ending),
            receipt=receipt,
            error=error,
        )

    def _scene_done(self, scene: Scene) -> None:
        done = len(self.growth.scenes)
        refused = len(scene.refused_branches)
        self.log.info(
            "Scene %s, %s: score %.2f%s%s",
            scene.scene_id,
            scene.title,
            scene.quality.score,
            f", {money(scene.cost_usd)}" if scene.cost_usd else "",
            f", {refused} refused" if refused else "",
            extra={"scenes": (done, self.order.scenes)},
        )

    def _story(self) -> Story:
        order, desk = self.order, self.desk
        return Story(
            id=desk.story_id,
            title=desk.brief.title,
            world=desk.world,
            brief=desk.brief,
            seed=order.seed,
            depth=order.depth,
            breadth=order.breadth,
            written_by=desk.client.writer,
            scenes=[self.growth.scenes[i] for i in sorted(self.growth.scenes, key=_numbers)],
            missing=sorted(self.growth.missing, key=lambda missing: _numbers(missing.scene_id)),
        )

    async def _receipt(self, outcome: Outcome, error: str) -> Receipt:
        desk = self.desk
        tallies = await desk.client.ledger.tally(run_id=desk.run_id, story_id=desk.story_id)
        story = self._story()
        return Receipt(
            run_id=desk.run_id,
            title=desk.brief.title,
            outcome=outcome,
            started=self.started,
            seconds=time.monotonic() - self.clock,
            writer=desk.client.writer,
            total=tallies.total,
            by_step=tallies.by_step,
            by_scene=tallies.by_scene,
            by_model=tallies.by_model,
            sandbox_seconds=sum(report.seconds for s in story.scenes for report in s.code),
            sandbox_usd=sum((r.cost_usd for s in story.scenes for r in s.code), Decimal(0)),
            cap_usd=desk.settings.llm_max_cost,
            refused=[
                RefusedBranch(
                    scene_id=scene.scene_id,
                    choice=branch.choice[:500],
                    reason=branch.verdict.reason,
                )
                for scene, branch in story.refused()
            ],
            missing=[f"{missing.scene_id}: {missing.reason}" for missing in story.missing],
            notes=[error] if error else [],
        )


def _numbers(scene_id: str) -> list[int]:
    return [int(part) for part in scene_id.split(".")]
