"""The limits of one model that all processes share, as far as settings name them.

They are global concurrency limits on the Prefect server, so the UI shows them, too.
"""

import math
from collections.abc import Sequence

from prefect.client.orchestration import PrefectClient
from slugify import slugify

from tasks.llm.prompt import Provider
from tasks.llm.shared_rate import DayQuota, SharedRate
from tasks.settings import Settings

LEASE = 0.2
"""Seconds between two leases while callers wait: each takes all that has come free since."""

LONGEST_SLEEP = 10.0
"""Seconds after which to look again, as somebody may have changed the limit."""

MARGIN = 0.05
"""Part of the burst left unused, as calls that left in order may arrive out of it."""


class SharedLimits:
    """Requests and tokens a minute, and requests a day."""

    def __init__(self, client: PrefectClient, settings: Settings, provider: Provider) -> None:
        name = f"{provider.name}.{slugify(provider.model)}"
        self.requests: SharedRate | None = None
        self.tokens: SharedRate | None = None
        self.day: DayQuota | None = None
        self._owed = 0.0
        if (rate := settings.llm_rate_limit) is not None:
            burst = settings.llm_burst or max(1, rate // 10)
            self.requests = SharedRate(client, f"{name}.requests", rate, _less(burst))
        if (rate := settings.llm_tokens_per_minute) is not None:
            self.tokens = SharedRate(client, f"{name}.tokens", rate, rate / 10 * (1 - MARGIN))
        if settings.llm_requests_per_day is not None:
            self.day = DayQuota(client, f"{name}.day", settings.llm_requests_per_day)

    async def create(self) -> None:
        """Create them, or bring them up to date. Raises UserError if there is no Prefect API."""
        for rate in (self.requests, self.tokens):
            if rate is not None:
                await rate.create()

    def charge(self, tokens: float) -> float:
        """What a call of so many tokens takes before it: what is beyond the burst comes after."""
        return 0.0 if self.tokens is None else min(tokens, self.tokens.burst)

    def owe(self, tokens: float) -> None:
        """Correct for a call that took other than its charge; less than it is negative."""
        self._owed += tokens

    async def take(self, charges: Sequence[float]) -> tuple[int, float]:
        """Take a lease for the first callers, by their charges: how many may go, and the seconds
        until it is worth asking again. Zero and infinity: the day's quota is gone."""
        room, wait = len(charges), LEASE
        if self.day is not None:
            room = min(room, int(await self.day.free()))
            if room <= 0:
                return 0, math.inf
        if self.requests is not None:
            free = await self.requests.free()
            room = min(room, max(0, int(free)))
            wait = max(wait, self.requests.seconds_until(room + 1, free))
        total = 0.0
        if self.tokens is not None:
            free = await self._squared(self.tokens)
            count = 0
            while count < room and total + charges[count] <= free:
                total += charges[count]
                count += 1
            if count < room:
                wait = max(wait, self.tokens.seconds_until(total + charges[count], free))
            room = count
        if room and not await self._taken(room, total):
            room = 0
        return room, min(wait, LONGEST_SLEEP)

    async def hold(self, seconds: float) -> None:
        """Let no process go on for so long."""
        for rate in (self.requests, self.tokens):
            if rate is not None:
                await rate.hold(seconds)

    async def _squared(self, tokens: SharedRate) -> float:
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
        return self.day is None or await self.day.take(requests)


def _less(burst: int) -> float:
    return max(1.0, burst * (1 - MARGIN))
