"""The limits of one model that all processes share, as far as settings name them.

They are global concurrency limits on the Prefect server, so the UI shows them, too.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from prefect.client.orchestration import PrefectClient
from slugify import slugify

from tasks.calls.errors import QuotaGone
from tasks.calls.prompt import Provider
from tasks.core.count import counted
from tasks.core.settings import Settings
from tasks.llm.limits.local_rate import LocalRate
from tasks.llm.limits.shared_rate import DayQuota, SharedRate
from tasks.llm.limits.shared_slots import POLL, SharedSlots

LEASE = 0.2
"""Seconds between two leases while callers wait: each takes all that has come free since."""

LONGEST_SLEEP = 10.0
"""Seconds after which to look again, as somebody may have changed the limit."""

MARGIN = 0.05
"""Part of the burst left unused, as calls that left in order may arrive out of it."""


@dataclass(frozen=True)
class Grant:
    """How many of the callers may go, and what the next of them waits for."""

    count: int
    wait: float = 0.0
    """Seconds until it is worth asking again."""
    limit: str = ""
    """What is waited for, for people."""
    clear: float | None = 0.0
    """Seconds until the last of the callers may go; None: when others are done."""


class SharedLimits:
    """Requests and tokens a minute, requests a day, and calls in flight."""

    def __init__(self, client: PrefectClient, settings: Settings, provider: Provider) -> None:
        name = f"{provider.name}.{slugify(provider.model)}"
        self.requests: SharedRate | LocalRate | None = None
        self.tokens: SharedRate | LocalRate | None = None
        self.day: DayQuota | None = None
        self.slots: SharedSlots | None = None
        self._provider = provider
        self._owed = 0.0
        if (rate := settings.llm_rate_limit) is not None:
            burst = settings.llm_burst or max(1, rate // 10)
            self.requests = SharedRate(client, f"{name}.requests", rate, _less(burst))
        if (rate := settings.llm_tokens_per_minute) is not None:
            self.tokens = SharedRate(client, f"{name}.tokens", rate, rate / 10 * (1 - MARGIN))
        if (per_day := settings.llm_requests_per_day) is not None:
            self.day = DayQuota(client, f"{name}.day", per_day, provider.name)
        if settings.llm_concurrency is not None:
            self.slots = SharedSlots(client, f"{name}.in-flight", settings.llm_concurrency)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Create them, or bring them up to date, and return in the end what is held of them.

        Raises UserError if there is no Prefect API.
        """
        async with AsyncExitStack() as stack:
            for rate in (self.requests, self.tokens):
                if isinstance(rate, SharedRate):
                    await rate.create()
            if self.slots is not None:
                await stack.enter_async_context(self.slots.open())
            yield self

    @property
    def names(self) -> list[str]:
        """The names of the limits that are made when it is opened."""
        limits = (self.requests, self.tokens, self.slots)
        names = [limit.name for limit in limits if isinstance(limit, SharedRate | SharedSlots)]
        return names + ([self.slots.line] if self.slots else [])

    def keep_here(self) -> str:
        """Keep the rates in this process alone from now on, as their server is away; they are
        returned for the log. A day's quota and calls of other processes are not known then."""
        self.requests = _here(self.requests)
        self.tokens = _here(self.tokens)
        self.day = self.slots = None
        units = ((self.requests, "requests"), (self.tokens, "tokens"))
        kept = [f"{rate.per_second * 60:.0f} {unit} a minute" for rate, unit in units if rate]
        return " and ".join(kept) or "no limit"

    @property
    def rated(self) -> bool:
        """Whether settings say how fast calls may leave."""
        return self.requests is not None or self.tokens is not None

    def charge(self, tokens: float) -> float:
        """What a call of so many tokens takes before it: what is beyond the burst is owed when it
        leaves."""
        return 0.0 if self.tokens is None else min(tokens, self.tokens.burst)

    def owe(self, tokens: float) -> None:
        """Correct for a call that took other than its charge; less than it is negative."""
        self._owed += tokens

    def begin(self, calls: int) -> None:
        """So many calls leave that were granted."""
        if self.slots is not None:
            self.slots.begin(calls)

    def end(self) -> None:
        """One of them is over."""
        if self.slots is not None:
            self.slots.end()

    async def take(self, charges: Sequence[float]) -> Grant:
        """Take a lease for the first callers, by their charges.

        Raises QuotaGone when the day's requests are used up.
        """
        asks = self.rated or self.day is not None
        grant = Grant(await self._today(len(charges)), LEASE if asks else 0.0)
        if self.requests is not None:
            free = await self.requests.free()
            grant = _within(grant, self.requests, "requests", [1.0] * len(charges), free)
        if self.tokens is not None:
            free = await self._squared(self.tokens)
            grant = _within(grant, self.tokens, "tokens", charges, free)
        if self.slots is not None:
            leased = await self.slots.lease(grant.count)
            if leased < grant.count:
                limit = f"the limit of {counted(self.slots.limit, 'call')} in flight"
                grant = Grant(leased, POLL, limit, None)
        if grant.count and not await self._taken(grant.count, sum(charges[: grant.count])):
            limit = grant.limit or "a limit that other processes take from, too"
            grant = Grant(0, LEASE, limit, None)
        return grant

    async def hold(self, seconds: float) -> None:
        """Let no process go on for so long."""
        for rate in (self.requests, self.tokens):
            if rate is not None:
                await rate.hold(seconds)

    async def _today(self, wanted: int) -> int:
        """How many of the calls the day's quota has room for."""
        if self.day is None:
            return wanted
        room = min(wanted, int(await self.day.free()))
        if room <= 0:
            raise QuotaGone(
                f"Today's requests to {self._provider.name} {self._provider.model} "
                "(LLM_REQUESTS_PER_DAY) are used up; the next day begins at "
                f"{self.day.begins}.",
                provider=self._provider.name,
            )
        return room

    async def _squared(self, tokens: SharedRate | LocalRate) -> float:
        """Settle what is owed, as far as there is room; what is free then."""
        owed, self._owed = self._owed, 0.0
        if owed < 0:
            await tokens.give_back(-owed)
            owed = 0.0
        free = await tokens.free()
        pay = min(owed, max(0.0, free))
        if pay >= 1 and await tokens.take(pay):
            owed -= pay
            free -= pay
        self._owed += owed
        return free - self._owed

    async def _taken(self, requests: int, tokens: float) -> bool:
        """Take all or, where another process was faster, none."""
        if self.tokens is not None and tokens and not await self.tokens.take(tokens):
            return False
        if self.requests is not None and not await self.requests.take(requests):
            self._owed -= tokens
            return False
        if self.day is None or await self.day.take(requests):
            return True
        self._owed -= tokens
        if self.requests is not None:
            await self.requests.give_back(requests)
        return False


def _here(rate: SharedRate | LocalRate | None) -> LocalRate | None:
    return LocalRate(rate.per_second, rate.burst) if isinstance(rate, SharedRate) else rate


def _within(
    grant: Grant, rate: SharedRate | LocalRate, unit: str, charges: Sequence[float], free: float
) -> Grant:
    """As much of the grant as the rate has room for."""
    count, taken = 0, 0.0
    while count < grant.count and taken + charges[count] <= free:
        taken += charges[count]
        count += 1
    if count == grant.count:
        return grant
    wait = max(grant.wait, rate.seconds_until(taken + charges[count], free))
    clear = max(grant.clear or 0.0, rate.seconds_until(sum(charges), free))
    limit = f"the limit of {rate.per_second * 60:.0f} {unit} a minute"
    return Grant(count, min(wait, LONGEST_SLEEP), limit, clear)


def _less(burst: int) -> float:
    return max(1.0, burst * (1 - MARGIN))
