"""A comparison while it runs: scenes by each version, side by side, and looks at what they say."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prefect import get_run_logger

from flows.orders.comparison import CompareOrder
from flows.orders.stories import StoryOrder
from flows.story.scene import Desk, SceneRefused, write_scene_steps
from flows.story.source import Source
from tasks.calls.errors import BadRequest, CutShort, LLMError, Malformed, Refused
from tasks.compare.comparison import Comparison, Ended
from tasks.compare.contrast import contrast, found_at
from tasks.compare.keep import kept
from tasks.compare.outcome import Outcome, Pair, Variant
from tasks.compare.sequential import looks
from tasks.core.settings import Settings
from tasks.ledger.scenes import seconds_of
from tasks.llm.client import Client
from tasks.sandbox import open_sandbox
from tasks.story.ask import SPARE_BRANCHES, SceneAsk
from tasks.story.state import PathState

AT_ONCE = 16
"""Scenes of a comparison in flight; the pace holds them back further."""

PROMISE = 0.05
"""The error rate of one plan that the report states."""


@dataclass
class Comparing:
    """A comparison while it runs. `desks` are the settings and the client of each variant."""

    order: CompareOrder
    variants: list[Variant]
    pairs: list[StoryOrder]
    sources: list[Source]
    desks: dict[str, tuple[Settings, Client]]
    run_id: str
    done: dict[int, dict[str, Outcome]] = field(default_factory=dict)
    unmeasured: list[str] = field(default_factory=list)
    stopped_by: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(AT_ONCE)
        self.log = get_run_logger()

    async def compare(self) -> Comparison:
        """Look after each part of the pairs; versions with a clear answer drop out."""
        first, *rest = [variant.name for variant in self.variants]
        planned = len(self.pairs)
        open_ = list(rest)
        begun = 0
        for n in looks(planned):
            part = range(begun, n)
            # Interleaved, and each version begins as often as the other.
            await self._all([(i, name) for i in part for name in _turn([first, *open_], i)])
            begun = n
            open_ = [name for name in open_ if not self._found(first, name, planned)]
            self.log.info("%d of %d pairs, %d still open", n, planned, len(open_))
            if self.stopped_by or not open_:
                break
        return await self._comparison("a clear answer" if begun < planned else "all pairs")

    async def _all(self, trials: Sequence[tuple[int, str]]) -> None:
        """Make trials side by side; one that breaks, or is cancelled, ends the others first."""
        try:
            async with asyncio.TaskGroup() as group:
                for index, name in trials:
                    group.create_task(self._trial(index, name))
        except ExceptionGroup as broken:
            raise broken.exceptions[0] from None

    def _found(self, first: str, second: str, planned: int) -> int:
        contrasts = len(self.variants) - 1
        return found_at(self._whole([first, second]), first, second, planned, contrasts)

    def _whole(self, names: Sequence[str]) -> list[Pair]:
        """The pairs that have all these outcomes."""
        return [
            Pair(brief=self.sources[i].brief.id, seed=self.pairs[i].seed, outcomes=outcomes)
            for i, outcomes in sorted(self.done.items())
            if set(names) <= outcomes.keys()
        ]

    async def _trial(self, index: int, name: str) -> None:
        """One scene by one variant; what has no answer of a model is not measured."""
        async with self.gate:
            if self.stopped_by:
                return
            try:
                outcome = await self._outcome(index, name)
            except BadRequest:
                raise
            except LLMError as error:
                self.stopped_by = self.stopped_by or str(error)
                return
        if outcome.scene is not None and outcome.scene.written_by.stand_in:
            self.unmeasured.append(f"{self._story(index, name)}: the offline writer stood in")
            return
        self.done.setdefault(index, {})[name] = outcome

    async def _outcome(self, index: int, name: str) -> Outcome:
        settings, client = self.desks[name]
        source, story_id = self.sources[index], self._story(index, name)
        scene, error = None, ""
        async with open_sandbox(
            settings, settings.talewright_sandbox, run_id=self.run_id, story_id=story_id
        ) as sandbox:
            desk = Desk(
                world=source.world,
                brief=source.brief,
                breadth=self.order.breadth,
                client=client,
                sandbox=sandbox,
                settings=settings,
                run_id=self.run_id,
                story_id=story_id,
            )
            opening = PathState.opening(source.world, source.brief)
            ask = SceneAsk(
                scene_id="1",
                facts=opening.sentences(source.world),
                branches=self.order.breadth + SPARE_BRANCHES,
                seed=self.pairs[index].seed,
            )
            try:
                scene, _ = await write_scene_steps(desk, ask, [opening])
            except (SceneRefused, Malformed, CutShort, Refused) as failed:
                error = str(failed)
        tally = (await client.ledger.tally(run_id=self.run_id, story_id=story_id)).total
        return Outcome(
            variant=name,
            scene=scene,
            error=error,
            seconds=await seconds_of(client.ledger, self.run_id, story_id),
            cost_usd=tally.cost_usd + tally.saved_usd,
            paid_usd=tally.cost_usd,
        )

    def _story(self, index: int, name: str) -> str:
        return f"{self.sources[index].brief.id}-{self.pairs[index].seed} {name}"[:80]

    async def _comparison(self, ended: Ended) -> Comparison:
        first, *rest = [variant.name for variant in self.variants]
        planned = len(self.pairs)
        pairs = self._whole([first])
        ledger = self.desks[first][1].ledger
        spent = (await ledger.tally(run_id=self.run_id)).total
        plans, votes = await asyncio.to_thread(kept, self.order.folder, self.variants, planned)
        return Comparison(
            title=self.order.title,
            started=self.started,
            variants=self.variants,
            planned=planned,
            plans=plans,
            error_rate=min(1.0, PROMISE * plans),
            margin=self.order.margin,
            ended="stopped early" if self.stopped_by else ended,
            why=self.stopped_by,
            unmeasured=self.unmeasured,
            pairs=pairs,
            contrasts=[
                contrast(
                    pairs,
                    first,
                    name,
                    planned=planned,
                    contrasts=len(rest),
                    margin=self.order.margin,
                )
                for name in rest
            ],
            votes=votes,
            paid_usd=spent.cost_usd,
            cached_usd=spent.saved_usd,
        )


def _turn(names: list[str], index: int) -> list[str]:
    start = index % len(names)
    return [*names[start:], *names[:start]]
