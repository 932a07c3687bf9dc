"""Calls in flight, over all processes on the same Prefect API: a global concurrency limit.

A process leases a few slots at a time, uses them for call after call, and returns those it does not
need. One whose calls wait says so in a second limit. While the first is full, those who hold more
than an equal share return the rest every few seconds: nobody starves, and who is alone keeps all.
The slots of a process that died come back when their lease ends.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self
from uuid import UUID

from httpx import HTTPError, HTTPStatusError
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse

from tasks.core.errors import UserError
from tasks.core.run_all import run_all
from tasks.llm.limits import global_limit

LEASE_SECONDS = 60.0
"""The shortest lease Prefect grants."""

RENEWAL = 20.0
"""Age of a lease in seconds from which it is renewed."""

TURN = 1.0
"""Seconds between two looks at the leases."""

SHARING = 5.0
"""Seconds after which slots that were not needed go back, or some of a full limit for whoever
waits."""

MOST_WAITING = 10_000
"""Processes that may say that their calls wait."""

PARTS = 10
"""Part of a limit that is the smallest lease."""

POLL = 0.2
"""Seconds between two looks at a limit that is full."""


@dataclass(eq=False)
class _Lease:
    name: str
    id: UUID
    slots: int
    renewed: float


class SharedSlots:
    """At most `limit` calls at once."""

    def __init__(self, client: PrefectClient, name: str, limit: int) -> None:
        self.name = name
        self.line = f"{name}.waiting"
        self.limit = limit
        self._client = client
        self._size = math.ceil(limit / PARTS)
        self._leases: list[_Lease] = []
        self._in_use = 0
        self._returning: list[_Lease] = []
        self._leasing: asyncio.Task[None] | None = None
        self._spare = 0
        self._waiting: _Lease | None = None
        self._waits = False
        self._share_of_all = limit
        self._ask_from = self._share_from = 0.0
        self._closing = False
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Create the limit, renew leases while calls are under way, and return them at the end.

        Raises UserError if there is no Prefect API.
        """
        await global_limit.create(self._client, self.name, self.limit)
        await global_limit.create(self._client, self.line, MOST_WAITING)
        keeper = asyncio.create_task(self._keep(), name=f"leases of {self.name}")
        try:
            yield self
        finally:
            if self._leasing:
                await asyncio.wait({self._leasing})
            self._closing = True
            self._wake.set()
            await asyncio.shield(keeper)

    async def lease(self, wanted: int) -> int:
        """How many of the calls may go now; slots for the others are leased meanwhile."""
        if self._free < wanted and not self._leasing and time.monotonic() >= self._ask_from:
            self._leasing = asyncio.create_task(self._more(wanted - self._free))
            self._leasing.add_done_callback(lambda _: self._changed.set())
        if self._free <= 0 and self._leasing:
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), POLL)
        if self._leasing and self._leasing.done():
            leasing, self._leasing = self._leasing, None
            await leasing
        return max(0, min(wanted, self._free))

    def begin(self, calls: int) -> None:
        """Use slots that were leased."""
        self._in_use += calls
        self._spare = min(self._spare, self._free)

    def end(self) -> None:
        """A call is over: its slot is for the next."""
        self._in_use -= 1
        self._changed.set()
        if self._returning and self._free >= 0:
            self._wake.set()

    @property
    def _free(self) -> int:
        return _slots(self._leases) - _slots(self._returning) - self._in_use

    async def _more(self, slots: int) -> None:
        """Lease up to so many slots and, as calls come in bursts, as many again or half of what is
        left of the limit; what of it is not needed goes back. A busy server takes 0.3 s a lease, so
        they are few: each half of the rest."""
        limit = await global_limit.read(self._client, self.name)
        left = limit.limit - limit.active_slots
        rest = min(max(2 * slots, left // 2), left, self._share_of_all - _slots(self._leases))
        sizes = []
        while rest > 0:
            sizes.append(min(rest, math.ceil(rest / 2 / self._size) * self._size))
            rest -= sizes[-1]
        await run_all(*(self._leased(size) for size in sizes))
        if sum(sizes) < slots:
            self._waits = True
            self._ask_from = time.monotonic() + POLL

    async def _leased(self, slots: int) -> None:
        """Take a lease, if no other process was faster."""
        lease = await self._taken(self.name, slots)
        if lease is not None:
            self._leases.append(lease)

    async def _taken(self, name: str, slots: int) -> _Lease | None:
        now = time.monotonic()
        try:
            answer = await self._client.increment_concurrency_slots_with_lease(
                [name], slots, "concurrency", LEASE_SECONDS
            )
        except HTTPStatusError as error:
            if error.response.status_code == HTTPStatus.LOCKED:
                return None
            raise
        granted = ConcurrencyLimitWithLeaseResponse.model_validate(answer.json())
        if not granted.limits:
            raise global_limit.gone(name)
        return _Lease(name, granted.lease_id, slots, now)

    async def _keep(self) -> None:
        while not self._closing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TURN)
            self._wake.clear()
            # The server may be away for a while; what is wrong for long, callers are told.
            with suppress(HTTPError, UserError):
                await self._turn()
        self._returning, self._waits = list(self._leases), False
        with suppress(HTTPError, UserError):
            await self._return()
            await self._stand_in_line()

    async def _turn(self) -> None:
        for lease in list(self._leases):
            if not await self._renewed(lease):
                self._drop(lease)
        await self._stand_in_line()
        if not self._returning and time.monotonic() >= self._share_from:
            self._share_from = time.monotonic() + SHARING
            self._returning = self._surplus() or await self._share()
            self._spare = self._free
        if self._free >= 0:
            await self._return()

    def _surplus(self) -> list[_Lease]:
        """The leases that were not needed since the last time."""
        return self._largest(min(self._spare, self._free))

    async def _share(self) -> list[_Lease]:
        """The leases beyond an equal share, one at least, if others wait for a full limit. Until
        the next time no more than that share is leased."""
        self._share_of_all = self.limit
        if not self._leases:
            return []
        limit = await global_limit.read(self._client, self.name)
        if limit.active_slots < limit.limit:
            return []
        line = await global_limit.read(self._client, self.line)
        claims = 1 + max(0, line.active_slots - (self._waiting is not None))
        self._share_of_all = math.ceil(limit.limit / claims)
        beyond = _slots(self._leases) - limit.limit // claims
        if beyond <= 0:
            return []
        return self._largest(beyond) or [min(self._leases, key=lambda lease: lease.slots)]

    def _largest(self, slots: int) -> list[_Lease]:
        """The largest leases that have so many slots together at most."""
        found: list[_Lease] = []
        for lease in sorted(self._leases, key=lambda lease: -lease.slots):
            if _slots(found) + lease.slots <= slots:
                found.append(lease)
        return found

    async def _stand_in_line(self) -> None:
        """Say that calls of this process wait, or no longer."""
        waits, self._waits = self._waits, False
        if self._waiting is not None and not await self._renewed(self._waiting):
            self._waiting = None
        if waits and self._waiting is None:
            self._waiting = await self._taken(self.line, 1)
        elif self._waiting is not None and not waits:
            await self._client.release_concurrency_slots_with_lease(self._waiting.id)
            self._waiting = None

    async def _renewed(self, lease: _Lease) -> bool:
        """Renew a lease when it is time; False if the server does not know it any more."""
        now = time.monotonic()
        if lease.renewed + RENEWAL >= now:
            return True
        try:
            await self._client.renew_concurrency_lease(lease.id, LEASE_SECONDS)
        except HTTPStatusError as error:
            if error.response.status_code != HTTPStatus.GONE:
                raise
            if now - lease.renewed < LEASE_SECONDS:
                # It cannot have ended: the server was started anew and remembers only its slots.
                await self._client.release_concurrency_slots([lease.name], lease.slots, 1.0)
            return False
        lease.renewed = now
        return True

    async def _return(self) -> None:
        while self._returning:
            lease = self._returning[0]
            await self._client.release_concurrency_slots_with_lease(lease.id)
            self._drop(lease)
            self._ask_from = time.monotonic() + 2 * POLL  # after whoever polls

    def _drop(self, lease: _Lease) -> None:
        for leases in (self._leases, self._returning):
            if lease in leases:
                leases.remove(lease)


def _slots(leases: list[_Lease]) -> int:
    return sum(lease.slots for lease in leases)
