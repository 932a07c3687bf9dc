"""Pace: when a call may leave, so that a server has no reason to refuse it.

One gate for each provider and model. Callers pass it in the order they came. Where settings name a
limit it is shared with all processes (tasks.llm.shared_limits); where they name none it is found
from refusals (tasks.llm.found_rate). A refusal closes the gate for everybody, for as long as the
server asks. Without a limit and without a refusal nobody waits, and nothing is asked.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from httpx import HTTPError
from prefect.client.orchestration import get_client

from tasks.errors import UserError
from tasks.llm.errors import QuotaGone, RateLimited
from tasks.llm.found_rate import FoundRate
from tasks.llm.log import logger
from tasks.llm.prompt import Prompt, Provider, Usage
from tasks.llm.shared_limits import SharedLimits
from tasks.llm.token_guess import TokenGuess
from tasks.settings import Settings

PAUSE = 2.0
"""Seconds to close after a refusal that does not say for how long."""

LITTLE = 0.05
"""Seconds by which pauses may differ and be the same."""

SAID_AGAIN = 15.0
"""Seconds between two lines in the log about waiting."""


@dataclass(eq=False)
class _Caller:
    charge: float
    passed: asyncio.Future[None]


class Slot:
    """One call that passed the gate."""

    def __init__(self, prompt: Prompt, guess: TokenGuess, charge: float) -> None:
        self.left = time.monotonic()
        self.owed = -charge
        self._prompt, self._guess = prompt, guess

    def note(self, usage: Usage) -> None:
        """Say what the call took; a call that failed took nothing."""
        self.owed += self._guess.learn(self._prompt, usage)


class Pace:
    """The gate of one provider and model."""

    def __init__(
        self, settings: Settings, provider: Provider, shared: SharedLimits | None = None
    ) -> None:
        self.name = f"{provider.name} {provider.model}"
        self._provider = provider.name
        self._in_flight = asyncio.Semaphore(settings.llm_concurrency)
        self._shared = shared
        self._found = FoundRate()
        self._tokens = TokenGuess(provider.name)
        self._queue: deque[_Caller] = deque()
        self._feeder: asyncio.Task[None] | None = None
        self._closed_at = self._closed_until = 0.0
        self._held_until = 0.0
        self._said = 0.0

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, provider: Provider) -> AsyncIterator[Self]:
        """With the limits the settings name, created on the Prefect server.

        Raises UserError if there are some and the server does not answer.
        """
        named = (
            settings.llm_rate_limit,
            settings.llm_tokens_per_minute,
            settings.llm_requests_per_day,
        )
        if provider.name == "offline" or not any(named):
            yield cls(settings, provider)
            return
        async with get_client() as client:
            shared = SharedLimits(client, settings, provider)
            await shared.create()
            pace = cls(settings, provider, shared)
            try:
                yield pace
            finally:
                if pace._feeder is not None:
                    pace._feeder.cancel()
                    await asyncio.gather(pace._feeder, return_exceptions=True)

    @asynccontextmanager
    async def slot(self, prompt: Prompt) -> AsyncIterator[Slot]:
        """Hold a place among the calls in flight, from the moment the call may leave.

        Raises QuotaGone when the day's requests are used up.
        """
        if self._provider == "offline":
            yield Slot(prompt, self._tokens, 0.0)
            return
        async with self._in_flight:
            charge = 0.0
            if self._shared is not None:
                charge = self._shared.charge(self._tokens.of(prompt))
            if self._shared or self._found.known or self._queue or self._closed_for > 0:
                await self._passed(charge)
            slot = Slot(prompt, self._tokens, charge)
            self._found.left()
            try:
                yield slot
            except RateLimited as error:
                self._refused(slot, PAUSE if error.delay is None else error.delay)
                raise
            finally:
                if self._shared is not None:
                    self._shared.owe(slot.owed)

    @property
    def _closed_for(self) -> float:
        return self._closed_until - time.monotonic()

    async def _passed(self, charge: float) -> None:
        caller = _Caller(charge, asyncio.get_running_loop().create_future())
        self._queue.append(caller)
        self._feed()
        try:
            await caller.passed
        except asyncio.CancelledError:
            if caller in self._queue:
                self._queue.remove(caller)
            elif self._shared is not None:
                self._shared.owe(-charge)
            raise

    def _feed(self) -> None:
        """Have a task that lets callers pass for as long as there are some."""
        if self._feeder is None or self._feeder.done():
            self._feeder = asyncio.create_task(self._let_pass(), name=f"pace of {self.name}")

    async def _let_pass(self) -> None:
        try:
            while self._queue or self._held_until < self._closed_until:
                closed = self._closed_for
                if closed > 0:
                    await self._stay_closed(closed)
                    continue
                self._held_until = self._closed_until
                count, wait = await self._take()
                for caller in [self._queue.popleft() for _ in range(min(count, len(self._queue)))]:
                    if not caller.passed.done():
                        caller.passed.set_result(None)
                if wait == math.inf:
                    self._fail(
                        QuotaGone(
                            f"Today's requests to {self.name} (LLM_REQUESTS_PER_DAY) are used up; "
                            "the next day begins at midnight Pacific time.",
                            provider=self._provider,
                        )
                    )
                elif self._queue:
                    self._say(wait)
                    await asyncio.sleep(wait)
        except HTTPError as error:
            self._fail(
                UserError(
                    f"The Prefect server that keeps the rate limit of {self.name} does not answer "
                    f"({type(error).__name__}). Start it and run the same command again."
                )
            )
        except Exception as error:
            self._fail(error)

    async def _take(self) -> tuple[int, float]:
        if self._shared is not None:
            return await self._shared.take([caller.charge for caller in self._queue])
        return self._found.take(len(self._queue)) if self._found.known else (len(self._queue), 0.0)

    async def _stay_closed(self, seconds: float) -> None:
        """Sit a refusal out, with the other processes; their return is spread."""
        if self._shared is not None and self._closed_until > self._held_until + LITTLE:
            self._held_until = self._closed_until
            await self._shared.hold(seconds)
        self._say(seconds)
        await asyncio.sleep(seconds + random.uniform(0, LITTLE))

    def _refused(self, slot: Slot, delay: float) -> None:
        now = time.monotonic()
        # Calls that left before the gate was closed are refused for the same reason.
        if slot.left > self._closed_at:
            self._closed_at = now
            if self._shared is None:
                self._found.refused(delay)
        self._closed_until = max(self._closed_until, now + delay)
        self._feed()

    def _fail(self, error: Exception) -> None:
        while self._queue:
            caller = self._queue.popleft()
            if not caller.passed.done():
                caller.passed.set_exception(error)

    def _say(self, seconds: float) -> None:
        now = time.monotonic()
        if now - self._said < SAID_AGAIN:
            return
        self._said = now
        why = "refused; it asks to wait" if self._closed_for > 0 else "at its rate limit"
        logger().info(
            "%s is %s: %d calls wait, the next may go in %.1f s.",
            self.name,
            why,
            len(self._queue),
            seconds,
        )
