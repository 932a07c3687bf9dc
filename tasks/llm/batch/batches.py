"""Calls that can wait: gathered until a level is complete, and sent as one job a model.

What goes the ordinary way, at the full price: a level of one call; the calls of a job that missed
LLM_BATCH_DEADLINE, and all that come after it; providers without a batch API. A call whose line is
missing or an error that may pass goes with the next job.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from tasks.calls.prompt import Prompt, Provider, Reply
from tasks.calls.providers import PROVIDERS, with_batch_api
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.prices import Prices
from tasks.llm.batch.call import Call
from tasks.llm.batch.job_runner import Lane
from tasks.llm.batch.jobs import release_unsent
from tasks.llm.batch.readiness import Level
from tasks.llm.chain import load, open_provider

QUIET = 0.5
"""Seconds without a new call after which a level counts as complete."""

Warn = Callable[[Mapping[str, Decimal]], None]


@dataclass
class Batches:
    """The batches of one run."""

    settings: Settings
    ledger: Ledger
    prices: Prices
    level: Level
    warn: Warn
    _lanes: dict[tuple[str, str], Lane] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _gathered: list[tuple[Lane, Call]] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, ledger: Ledger, prices: Prices, level: Level, warn: Warn
    ) -> AsyncIterator[Self]:
        """Gather calls until it is closed; jobs that are then under way are found again by the
        next run."""
        await release_unsent(ledger)
        batches = cls(settings, ledger, prices, level, warn)
        batches._begin(batches._send_levels())
        try:
            yield batches
        finally:
            for task in batches._tasks:
                task.cancel()
            await asyncio.gather(*batches._tasks, return_exceptions=True)
            await asyncio.gather(*(lane.api.close() for lane in batches._lanes.values()))

    @property
    def notes(self) -> list[str]:
        """What the receipt has to say."""
        return [note for lane in self._lanes.values() for note in lane.notes]

    async def lane(self, provider: Provider) -> Lane | None:
        """Where a provider's calls go; None: the ordinary way."""
        if provider.name not in with_batch_api():
            return None
        async with self._opening:
            lane = self._lanes.get((provider.name, provider.model))
            if lane is None:
                lane = self._lanes[provider.name, provider.model] = self._open(provider)
                for job, over in await lane.open_jobs():
                    self._begin(lane.take_up(job, over))
        return None if lane.closed else lane

    async def answer(self, lane: Lane, prompt: Prompt, request: str, attempt: int) -> Reply | None:
        """The answer to an attempt that was set aside for; None sends it the ordinary way. Raises
        LLMError."""
        call = Call(request, prompt, attempt)
        self._gathered.append((lane, call))
        self._arrived.set()
        try:
            return await call.answered
        except asyncio.CancelledError:
            if (lane, call) in self._gathered:
                self._gathered.remove((lane, call))
                await asyncio.shield(self.ledger.release(attempt))
            raise

    async def _send_levels(self) -> None:
        while True:
            await self._arrived.wait()
            gathered, since = len(self._gathered), time.monotonic()
            await asyncio.sleep(QUIET)
            # Woken late, others had no time to add their calls either.
            quiet = time.monotonic() - since < 1.5 * QUIET
            if quiet and len(self._gathered) == gathered and self.level.complete:
                self._arrived.clear()
                level, self._gathered = self._gathered, []
                for lane in dict.fromkeys(lane for lane, _ in level):
                    self._begin(self._send(lane, [call for to, call in level if to is lane]))

    async def _send(self, lane: Lane, calls: list[Call]) -> None:
        try:
            if len(calls) > 1 and not lane.closed:
                return await lane.run(calls)
            for call in calls:
                await self.ledger.release(call.attempt)
                call.answer(None)
        except Exception as error:
            for call in calls:
                if not call.answered.done():
                    call.answered.set_exception(error)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _open(self, provider: Provider) -> Lane:
        row = PROVIDERS[provider.name]
        own = open_provider(row.name, self.settings.with_model(row.name, provider.model))
        return Lane(
            load(row.batch)(own),
            provider.name,
            provider.model,
            self.settings,
            self.ledger,
            self.prices,
            self.warn,
        )
