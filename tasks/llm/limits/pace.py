"""Pace: when a call may leave, so that a server has no reason to refuse it.

One gate for each provider and model. Callers pass it in the order they came, save where too many of
this process are in flight: then by priority. Where settings name a limit it is shared with all
processes (tasks.llm.limits.shared_limits); where they name none it is found from refusals
(tasks.llm.limits.adaptive_rate). A refusal closes the gate for everybody, for as long as the
server asks; who would wait longer than LLM_DEADLINE for that is refused at once.
Without a limit and without a refusal nobody waits, and nothing is asked. A wait of more than a
moment is said in the log of the run, once for all who wait.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self

from httpx import HTTPError
from prefect.client.orchestration import get_client

from tasks.calls.errors import RateLimited
from tasks.calls.prompt import Prompt, Provider, Usage
from tasks.core.count import counted
from tasks.core.errors import UserError
from tasks.core.run_log import logger
from tasks.core.settings import Settings
from tasks.llm.limits.adaptive_rate import FoundRate
from tasks.llm.limits.priority_semaphore import PrioritySemaphore
from tasks.llm.limits.shared_limits import Grant, SharedLimits
from tasks.llm.limits.token_estimate import TokenGuess

PAUSE = 2.0
"""Seconds to close after a refusal that does not say for how long."""

LITTLE = 0.05
"""Seconds by which pauses may differ and be the same."""

PATIENCE = 2.0
"""Seconds that a call may wait without a word about it."""

SERVER_PATIENCE = 30.0
"""Seconds that the Prefect server which keeps the limits may be away; a busy one takes 13 s."""

SAID_AGAIN = 60.0
"""Seconds between two lines in the log about waiting."""


@dataclass(eq=False)
class _Caller:
    tokens: float
    charge: float
    passed: asyncio.Future[None]
    since: float
    left: bool = False


class Slot:
    """One call that passed the gate."""

    def __init__(self, prompt: Prompt, guess: TokenGuess, tokens: float) -> None:
        self.left = time.monotonic()
        self.owed = -tokens
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
        self._longest = settings.llm_deadline
        self._in_flight = PrioritySemaphore(settings.llm_connections)
        self._shared = shared
        self._log = logger()
        self._found = FoundRate()
        self._tokens = TokenGuess(provider.name)
        self._queue: deque[_Caller] = deque()
        self._feeder: asyncio.Task[None] | None = None
        self._closed_at = self._closed_until = 0.0
        self._held_until = 0.0
        self._said = -SAID_AGAIN
        self._ended = asyncio.Event()

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
            settings.llm_concurrency,
        )
        if provider.name == "offline" or not any(named):
            yield cls(settings, provider)
            return
        async with (
            get_client() as client,
            SharedLimits(client, settings, provider).open() as shared,
        ):
            pace = cls(settings, provider, shared)
            try:
                yield pace
            finally:
                if pace._feeder is not None:
                    pace._feeder.cancel()
                    await asyncio.gather(pace._feeder, return_exceptions=True)

    @asynccontextmanager
    async def slot(self, prompt: Prompt, priority: int = 0) -> AsyncIterator[Slot]:
        """Hold a place among the calls in flight, from the moment the call may leave; the lowest
        `priority` is first.

        Raises QuotaGone when the day's requests are used up, RateLimited when the server asked for
        a longer pause than a call may take.
        """
        if self._provider == "offline":
            yield Slot(prompt, self._tokens, 0.0)
            return
        async with self._in_flight.place(priority):
            tokens = 0.0 if self._shared is None else self._tokens.of(prompt)
            if self._shared or self._found.known or self._queue or self._closed_for > 0:
                await self._passed(tokens)
            slot = Slot(prompt, self._tokens, tokens)
            self._found.left()
            try:
                yield slot
            except RateLimited as error:
                self._refused(slot, PAUSE if error.delay is None else error.delay)
                raise
            finally:
                self._over(slot.owed)

    @property
    def _closed_for(self) -> float:
        return self._closed_until - time.monotonic()

    def _closed_too_long(self) -> RateLimited | None:
        if self._closed_for <= self._longest:
            return None
        said = f"{self.name} asked for a pause of {self._closed_for:.0f} s."
        return RateLimited(said, delay=self._closed_for, provider=self._provider)

    async def _passed(self, tokens: float) -> None:
        if (error := self._closed_too_long()) is not None:
            raise error
        passed = asyncio.get_running_loop().create_future()
        charge = 0.0 if self._shared is None else self._shared.charge(tokens)
        caller = _Caller(tokens, charge, passed, time.monotonic())
        self._queue.append(caller)
        self._feed()
        try:
            await caller.passed
        except asyncio.CancelledError:
            if caller in self._queue:
                self._queue.remove(caller)
            elif caller.left:
                self._over(-tokens)
            raise

    def _over(self, owed: float) -> None:
        """A call that passed has ended."""
        if self._shared is not None:
            self._shared.owe(owed)
            self._shared.end()
            self._ended.set()

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
                self._ended.clear()
                grant = await self._take()
                self._pass(grant.count)
                if self._queue:
                    self._say(grant.limit, grant.clear)
                    await self._rest(grant)
        except HTTPError as error:
            self._fail(
                UserError(
                    f"The Prefect server that keeps the rate limit of {self.name} does not answer "
                    f"({type(error).__name__}). Start it and run the same command again."
                )
            )
        except Exception as error:
            self._fail(error)

    async def _take(self) -> Grant:
        wanted, grant = len(self._queue), Grant(len(self._queue))
        if self._found.known:
            wanted, wait = self._found.room(wanted)
            rate = self._found.per_second
            limit = f"the {rate * 60:.0f} requests a minute it was found to allow"
            grant = Grant(wanted, wait, limit, len(self._queue) / rate)
        if self._shared is not None and wanted:
            charges = [caller.charge for caller in self._queue]
            shared = await self._shared_grant(self._shared, charges[:wanted])
            if shared.count < wanted or not self._found.known:
                grant = shared
        self._found.take(grant.count)
        return grant

    async def _shared_grant(self, shared: SharedLimits, charges: Sequence[float]) -> Grant:
        """A lease of what all processes share; of a rate of this process where the server that
        keeps it has been away for SERVER_PATIENCE."""
        try:
            return await asyncio.wait_for(shared.take(charges), SERVER_PATIENCE)
        except (HTTPError, TimeoutError):
            kept = shared.keep_here()
            self._log.warning(
                "%s: the Prefect server that keeps its limits is away; this process goes on by "
                "itself with %s",
                self.name,
                kept,
            )
            return await shared.take(charges)

    def _pass(self, count: int) -> None:
        for caller in [self._queue.popleft() for _ in range(min(count, len(self._queue)))]:
            if not caller.passed.done():
                caller.left = True
                caller.passed.set_result(None)
                if self._shared is not None:
                    self._shared.owe(caller.tokens - caller.charge)
                    self._shared.begin(1)
            elif self._shared is not None:
                self._shared.owe(-caller.charge)

    async def _rest(self, grant: Grant) -> None:
        """Until it is worth asking again, or a call ended where that is what is waited for."""
        if grant.clear is not None:
            await asyncio.sleep(grant.wait)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), grant.wait)

    async def _stay_closed(self, seconds: float) -> None:
        """Sit a refusal out, with the other processes; their return is spread."""
        if self._shared is not None and self._closed_until > self._held_until + LITTLE:
            self._held_until = self._closed_until
            await self._shared.hold(min(seconds, self._longest))
        self._say("the end of a pause it asked for", seconds)
        await asyncio.sleep(seconds + random.uniform(0, LITTLE))

    def _refused(self, slot: Slot, delay: float) -> None:
        now = time.monotonic()
        # Calls that left before the gate was closed are refused for the same reason.
        if slot.left > self._closed_at:
            self._closed_at = now
            if self._shared is None or not self._shared.rated:
                self._found.refused(delay)
        self._closed_until = max(self._closed_until, now + delay)
        if (error := self._closed_too_long()) is not None:
            self._fail(error)
        self._feed()

    def _fail(self, error: Exception) -> None:
        while self._queue:
            caller = self._queue.popleft()
            if not caller.passed.done():
                caller.passed.set_exception(error)

    def _say(self, limit: str, seconds: float | None) -> None:
        """A line in the log for all who wait, and seconds until the last of them may go."""
        now = time.monotonic()
        waited = now - self._queue[0].since if self._queue else 0.0
        if max(waited, seconds or 0.0) < PATIENCE or now < self._said + SAID_AGAIN:
            return
        self._said = now
        about = "" if seconds is None else f"; about {seconds:.0f} s"
        waiting = counted(len(self._queue), "call waits", "calls wait")
        self._log.info("%s: %s for %s%s", self.name, waiting, limit, about)
