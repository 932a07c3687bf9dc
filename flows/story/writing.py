"""Tell one story, from its order to its exports and its receipt, within a flow run."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CancelScope
from prefect import get_run_logger

from flows.orders.stories import StoryOrder
from flows.results import StoryResult, note
from flows.runs.events import announce
from flows.story.folder import keep_aside
from flows.story.forecast import likely_usd, missing_usd
from flows.story.scene import Desk, SceneRefused
from flows.story.source import Source, read_source
from flows.story.tree import SETTLED, Growth
from flows.story.ways import below, ways_to
from tasks.calls.errors import CapReached, LLMError
from tasks.consistency.accepted_findings import read_accepted
from tasks.consistency.graph import from_story
from tasks.consistency.language.passage import known
from tasks.consistency.paths import check_story
from tasks.consistency.report import publish_report
from tasks.core.count import counted
from tasks.core.files import only_writer
from tasks.core.plain_text import printable
from tasks.core.run_all import run_all
from tasks.export import export_receipt, export_story
from tasks.ledger.receipt import money, publish_receipt
from tasks.llm.client import Client
from tasks.prompts.check import check_prompts
from tasks.run_code import publish_code
from tasks.sandbox import open_sandbox
from tasks.story.receipt import Outcome, Receipt, RefusedBranch
from tasks.story.scene import Branch, Scene
from tasks.story.story import Story

P = ParamSpec("P")
T = TypeVar("T")


async def tell(order: StoryOrder, client: Client, scene_done: Callable[[], None]) -> StoryResult:
    """Write the story of an order and leave its exports in `order.folder / story_id`.

    `scene_done` is called for each scene. What could not be written is named in the receipt, whose
    outcome says how it ended. Raises InputError for a world or brief that cannot be used.
    """
    source = await asyncio.to_thread(read_source, order, client.settings)
    async with only_writer(source.folder, partial(_say_another_writes, source.story_id)):
        if order.extend:  # another run may have changed it meanwhile
            source = await asyncio.to_thread(read_source, order, client.settings)
        async with open_desk(order, client, source) as desk:
            return await _tell(_Telling(order, desk, source, scene_done))


async def _tell(telling: "_Telling") -> StoryResult:
    client = telling.desk.client
    try:
        await client.turns.turn()
        with client.level.work():
            outcome, error = await telling.write()
    except BaseException as ended:
        # Cancelled or broken: what is done is kept, and the receipt is left all the same.
        outcome = "cancelled" if isinstance(ended, asyncio.CancelledError) else "failed"
        with CancelScope(shield=True):  # of a flow's timeout, which cancels again and again
            await asyncio.shield(telling.finish(outcome, str(ended)))
        raise
    return await telling.finish(outcome, error)


def _say_another_writes(story_id: str) -> None:
    get_run_logger().info("%s: another run is writing this story; waiting for its end", story_id)


@asynccontextmanager
async def open_desk(order: StoryOrder, client: Client, source: Source) -> AsyncIterator[Desk]:
    """What the steps of a story share, with its sandbox, which is closed at the end. Raises
    InputError for a prompt that cannot be sent."""
    settings = client.settings
    await asyncio.to_thread(check_prompts, settings)
    async with open_sandbox(
        settings, settings.talewright_sandbox, run_id=client.run_id, story_id=source.story_id
    ) as sandbox:
        yield Desk(
            world=source.world,
            brief=source.brief,
            breadth=source.so_far.breadth if source.so_far else order.breadth,
            client=client,
            sandbox=sandbox,
            settings=settings,
            run_id=client.run_id,
            story_id=source.story_id,
            accepted=read_accepted(source.folder / "story.intended.yaml"),
        )


@dataclass
class _Telling:
    order: StoryOrder
    desk: Desk
    source: Source
    on_scene: Callable[[], None]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        order, so_far = self.order, self.source.so_far
        self.planned = self.source.planned(order)
        self.written = 0
        self.growth = Growth(
            self.desk,
            len(self.planned) - 1,
            so_far.seed if so_far else order.seed,
            self._scene_done,
            order.joins,
            order.most_scenes,
            scenes={scene.scene_id: scene for scene in so_far.scenes} if so_far else {},
        )
        self.log = get_run_logger(story_id=self.desk.story_id)

    async def write(self) -> tuple[Outcome, str]:
        title = self.desk.brief.title
        self.log.info(
            "%s: %s, up to %s, written by %s",
            self.desk.story_id,
            printable(title),
            counted(sum(self.planned), "scene"),
            self.desk.client.writer,
            extra={"scenes": (0, sum(self.planned))},
        )
        if not known(self.desk.world.language):
            self.log.warning(
                "%s: the checks do not read %s: only declared effects are checked",
                self.desk.story_id,
                self.desk.world.language,
            )
        try:
            await self._grow()
        except (LLMError, SceneRefused) as error:
            announce(self.desk.story_id, title, error)
            return "cap reached" if isinstance(error, CapReached) else "failed", str(error)
        if self.growth.stopped_by is not None:
            announce(self.desk.story_id, title, self.growth.stopped_by)
            return "cap reached", str(self.growth.stopped_by)
        if self.growth.missed_for is not None:
            announce(self.desk.story_id, title, self.growth.missed_for)
            return "partial", f"{counted(len(self.growth.missing), 'scene')} missing."
        why = self._story().unjudged
        if why:
            later = "`talewright check --judge` does it later."
            return "unjudged", f"The judge could not be asked: {why} {later}"
        return "complete", ""

    async def _grow(self) -> None:
        order, so_far = self.order, self.source.so_far
        if so_far is None:
            await self.growth.grow()
        elif order.redo:
            ways = ways_to(so_far, order.redo)
            for scene_id in below(so_far, order.redo) - {order.redo}:
                del self.growth.scenes[scene_id]
            await self.growth.redo(order.redo, ways)
        else:
            await self.growth.extend(order.from_scene, ways_to(so_far, order.from_scene))

    async def finish(self, outcome: Outcome, error: str) -> StoryResult:
        """Export what there is and publish the receipt."""
        if error:
            self.log.warning("%s: %s: %s", self.desk.story_id, outcome, printable(str(error), 1000))
        for missing in self.growth.missing:
            self.log.warning(
                "%s: scene %s is missing: %s",
                self.desk.story_id,
                missing.scene_id,
                printable(missing.reason, 1000),
                extra={"scene_id": missing.scene_id},
            )
        folder, so_far = self.source.folder, self.source.so_far
        story = self._story()
        if so_far and self._unfinished(outcome):
            error = f"{error} The story is left as it was.".strip()
            story = so_far
        receipt = await self._receipt(outcome, error)
        told = StoryResult(
            story_id=self.desk.story_id,
            title=story.title,
            folder=folder.resolve(),
            scenes=len(story.scenes),
            endings=sum(1 for scene in story.scenes if scene.ending),
            receipt=receipt,
            error=error,
        )
        leaving: list[Awaitable[object]] = [publish_receipt(receipt, self.desk.brief.id)]
        if story is so_far:
            leaving.append(self._export(told, partial(export_receipt, receipt, folder)))
        elif story.scenes:
            kept = None if so_far else await asyncio.to_thread(keep_aside, folder, story)
            if kept:
                self.log.warning("%s: another story was there; it is now in %s", story.id, kept)
            leaving += [
                self._export(told, partial(export_story, story, folder, receipt)),
                self._check(story),
                publish_code(story.scenes, self.desk.brief.id),
            ]
        await run_all(*leaving)
        return told

    async def _export(self, told: StoryResult, export: Callable[[], object]) -> None:
        """Leave the story's files; what came of it is then known without Prefect, too."""
        await _aside(export)
        note(told)

    def _unfinished(self, outcome: Outcome) -> bool:
        """Whether the same order, given again, would come further."""
        if outcome == "partial":
            return not isinstance(self.growth.missed_for, SETTLED)
        return outcome not in ("complete", "unjudged")

    async def _check(self, story: Story) -> None:
        checked = await _aside(check_story, from_story(story), self.desk.accepted)
        await publish_report(checked, story, self.desk.brief.id)

    def _scene_done(self, scene: Scene) -> None:
        self.on_scene()
        self.written += 1
        refused = len(scene.refused_branches)
        self.log.info(
            "%s: scene %s, %s: score %.2f%s%s",
            self.desk.story_id,
            scene.scene_id,
            printable(scene.title),
            scene.quality.score,
            f", {money(scene.cost_usd)}" if scene.cost_usd else "",
            f", {refused} refused" if refused else "",
            extra={"scene_id": scene.scene_id, "scenes": (self.written, sum(self.planned))},
        )

    def _story(self) -> Story:
        desk, so_far = self.desk, self.source.so_far
        return Story(
            id=desk.story_id,
            title=desk.brief.title,
            world=desk.world,
            brief=desk.brief,
            seed=self.growth.seed,
            depth=max(self.growth.depth, so_far.depth if so_far else 0),
            breadth=desk.breadth,
            written_by=desk.client.writer,
            extended=so_far is not None,
            scenes=[self.growth.scenes[i] for i in sorted(self.growth.scenes, key=_numbers)],
            missing=sorted(self.growth.missing, key=lambda missing: _numbers(missing.scene_id)),
        )

    async def _receipt(self, outcome: Outcome, error: str) -> Receipt:
        desk = self.desk
        tallies = await desk.client.ledger.tally(run_id=desk.run_id, story_id=desk.story_id)
        story, batches = self._story(), desk.client.batches
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
            estimate_usd=likely_usd(desk, self.planned),
            prices_of=desk.client.prices.said,
            rungs=Counter(scene.written_by.rung for scene in story.scenes),
            missing_usd=missing_usd(
                self.growth, self.planned, self.written, tallies.total.cost_usd
            ),
            refused=[_listed(*one) for one in story.refused()],
            refused_drafts=[
                f"{scene.scene_id}: {why}" for scene in story.scenes for why in scene.refused_drafts
            ],
            under_review=[_listed(*one) for one in story.reviewed()],
            missing=[f"{missing.scene_id}: {missing.reason}" for missing in story.missing],
            notes=[*([error] if error else []), *(batches.notes if batches else [])],
        )


SWITCH = 0.0005
"""Seconds after which the thread of exports gives Python's lock to the event loop, which would
wait Python's own 5 ms each time it has looked at its sockets."""

_ASIDE = ThreadPoolExecutor(1, "exports", partial(sys.setswitchinterval, SWITCH))


async def _aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what takes CPU in one thread for all stories, beside their calls."""
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, partial(work, *args, **kwargs))


def _listed(scene: Scene, branch: Branch) -> RefusedBranch:
    verdict = branch.verdict
    reason = verdict.reason or (verdict.judge_error and f"not judged: {verdict.judge_error}")
    return RefusedBranch(scene_id=scene.scene_id, choice=branch.choice[:500], reason=reason)


def _numbers(scene_id: str) -> list[int]:
    return [int(part) for part in scene_id.split(".")]
