"""Turns: what many stories wait for goes on in one after the other, not in all at once.

An answer is followed by tens of milliseconds of work in steps. When a hundred answers come
together and each story takes its first step before any takes its last, no new call leaves until
all of them are through.
"""

import asyncio
import time

BUSY = 0.01
"""Seconds that a round of the event loop takes while somebody still works; another thread alone
takes half of it."""

PATIENCE = 0.25
"""Seconds after which a caller goes all the same."""


class Turns:
    """Lets callers go one by one, each when the event loop is through with those before."""

    def __init__(self) -> None:
        self._next = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for a turn."""
        async with self._next:
            now = time.monotonic()
            until, busy = now + PATIENCE, True
            while busy and now < until:
                began = now
                await asyncio.sleep(0)
                now = time.monotonic()
                busy = now - began > BUSY
