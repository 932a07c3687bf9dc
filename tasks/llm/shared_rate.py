"""A rate shared by every process on the same Prefect API: a global concurrency limit with decay.

The limit is a bucket: taking fills it up to the burst, and it empties at the rate. So no window of
60 s ever holds more than a minute's rate and the burst, whoever takes and whenever it started.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Literal
from zoneinfo import ZoneInfo

from httpx import HTTPError, HTTPStatusError
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from tasks.errors import UserError

THOUSANDTHS = 1000
"""Slots of a limit are thousandths: at each acquisition Prefect rounds down to whole slots what has
decayed, which by whole requests costs a quarter of a rate of 10 a second."""

MOST_SLOTS = 2**31 - 1
"""What the column of a limit holds on PostgreSQL."""

QUOTA_DAY = ZoneInfo("America/Los_Angeles")
"""Gemini's daily quotas begin anew at midnight Pacific time."""


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
        try:
            for _ in range(2):
                try:
                    await self._client.upsert_global_concurrency_limit_by_name(
                        self.name, self._slots(self.burst), self.per_second * self._unit
                    )
                    return
                except ObjectAlreadyExists:
                    continue  # another process was first; what it made may differ
        except HTTPError as error:
            raise UserError(
                f"The rate limit {self.name!r} is kept by the Prefect server at "
                f"{self._client.api_url}, which does not answer ({type(error).__name__}). Start "
                "it, or unset LLM_RATE_LIMIT, LLM_TOKENS_PER_MINUTE and LLM_REQUESTS_PER_DAY."
            ) from None

    async def free(self) -> float:
        """How many may be taken now; negative while the limit is held."""
        try:
            limit = await self._client.read_global_concurrency_limit_by_name(self.name)
        except ObjectNotFound:
            raise self._gone() from None
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
            raise self._gone()
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

    def _gone(self) -> UserError:
        return UserError(
            f"The concurrency limit {self.name!r} is gone from the Prefect server. Run the command "
            "again: it makes the limit anew."
        )


class DayQuota:
    """Requests a day: a limit that does not empty, with a new one every day."""

    def __init__(self, client: PrefectClient, name: str, per_day: int) -> None:
        self._client, self._name, self._per_day = client, name, per_day
        self._today = SharedRate(client, "", 0, per_day)

    async def free(self) -> float:
        """How many may be taken today."""
        name = f"{self._name}.{datetime.now(QUOTA_DAY):%Y-%m-%d}"
        if self._today.name != name:
            old, self._today = self._today.name, SharedRate(self._client, name, 0, self._per_day)
            await self._today.create()
            if old:
                await self._client.delete_global_concurrency_limit_by_name(old)
        return await self._today.free()

    async def take(self, amount: float) -> bool:
        """Take from today's quota; whether there was room."""
        return await self._today.take(amount)
