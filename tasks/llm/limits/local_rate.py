"""A rate that one process keeps by itself, while the server of the shared one is away."""

import time


class LocalRate:
    """`per_second` units (requests, tokens), of which `burst` may come at once; none at first, as
    other processes may have taken just now."""

    def __init__(self, per_second: float, burst: float) -> None:
        self.per_second, self.burst = per_second, burst
        self._free, self._at = 0.0, time.monotonic()

    async def free(self) -> float:
        """How many may be taken now; negative while the rate is held."""
        now = time.monotonic()
        self._free = min(self.burst, self._free + (now - self._at) * self.per_second)
        self._at = now
        return self._free

    async def take(self, amount: float) -> bool:
        """Take from the rate; whether there was room."""
        if await self.free() < amount:
            return False
        self._free -= amount
        return True

    async def give_back(self, amount: float) -> None:
        """Return what was taken and not used."""
        self._free += amount

    async def hold(self, seconds: float) -> None:
        """Let nobody take for so long."""
        self._free = min(await self.free(), -self.per_second * seconds)

    def seconds_until(self, amount: float, free: float) -> float:
        """Until `amount` may be taken, when `free` may be now."""
        return max(0.0, (amount - free) / self.per_second)
