"""A rate shared by every process on the same Prefect API: a global concurrency limit with decay.

The limit is a bucket: taking fills it up to the burst, and it empties at the rate. So no window of
60 s ever holds more than a minute's rate and the burst, whoever takes and whenever it started.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Literal
from zoneinfo import ZoneInfo

from httpx import HTTPStatusError
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

from tasks.calls.providers import PROVIDERS
from tasks.llm.limits import global_limit

THOUSANDTHS = 1000
"""Slots of a limit are thousandths: at each acquisition Prefect rounds down to whole slots what has
decayed, which by whole requests costs a quarter of a rate of 10 a second."""

MOST_SLOTS = 2**31 - 1
"""What the column of a limit holds on PostgreSQL."""


class SharedRate:
    """`per_minute` units (requests, tokens), of which `burst` may come at once."""

    def __init__(self, client: PrefectClient, name: str, per_minute: float, burst: float) -> None:
        self.name = name
        self.burst = burst
        self.per_second = per_minute / 60
        self._client = client
        self._unit = THOUSANDTHS if burst * THOUSANDTHS <= MOST_SLOTS else 1

    async def create(self) -> None:
        """Create the limit, or bring it up to date. Raises UserError if the API is not there."""
        await global_limit.create(
            self._client, self.name, self._slots(self.burst), self.per_second * self._unit
        )

    async def free(self) -> float:
        """How many may be taken now; negative while the limit is held."""
        limit = await global_limit.read(self._client, self.name)
        return self.burst - limit.active_slots / self._unit

    async def take(self, amount: float) -> bool:
        """Take from the bucket; whether there was room."""
        mode: Literal["rate_limit", "concurrency"] = (
            "rate_limit" if self.per_second else "concurrency"
        )
        slots = max(1, self._slots(amount))
        try:
            taken = await self._client.increment_concurrency_slots([self.name], slots, mode)
        except HTTPStatusError as error:
            if error.response.status_code == HTTPStatus.LOCKED:
                return False
            raise
        if not taken.json():
            raise global_limit.gone(self.name)
        return True

    async def give_back(self, amount: float) -> None:
        """Return what was taken and not used."""
        slots = self._slots(amount)
        if slots > 0:
            await self._client.release_concurrency_slots([self.name], slots, 1.0)

    async def hold(self, seconds: float) -> None:
        """Let nobody take for so long; what comes after it comes at the rate, without a burst."""
        if await self.free() > -self.per_second * seconds:
            full = self._slots(self.burst + self.per_second * seconds)
            await self._client.update_global_concurrency_limit(
                self.name, GlobalConcurrencyLimitUpdate(active_slots=min(full, MOST_SLOTS))
            )

    def seconds_until(self, amount: float, free: float) -> float:
        """Until `amount` may be taken, when `free` may be now."""
        return max(0.0, (amount - free) / self.per_second)

    def _slots(self, amount: float) -> int:
        return int(amount * self._unit)


class DayQuota:
    """Requests a day: a limit that does not empty, with a new one every day of the provider's."""

    def __init__(self, client: PrefectClient, name: str, per_day: int, provider: str) -> None:
        self._client, self._name, self._per_day = client, name, per_day
        self.begins, zone = PROVIDERS[provider].day
        self._zone = ZoneInfo(zone)
        self._today = SharedRate(client, "", 0, per_day)

    async def free(self) -> float:
        """How many may be taken today."""
        name = f"{self._name}.{datetime.now(self._zone):%Y-%m-%d}"
        if self._today.name != name:
            old, self._today = self._today.name, SharedRate(self._client, name, 0, self._per_day)
            await self._today.create()
            if old:
                await self._client.delete_global_concurrency_limit_by_name(old)
        return await self._today.free()

    async def take(self, amount: float) -> bool:
        """Take from today's quota; whether there was room."""
        return await self._today.take(amount)
