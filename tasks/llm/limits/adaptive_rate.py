"""A rate nobody told us: found from refusals, by additive increase and multiplicative decrease
(Chiu and Jain, 1989), which also shares it fairly among processes that do the same."""

import time

SLOWEST = 1.0
"""Requests a second; a server that allows fewer says how long to wait."""
DECREASE = 0.5
INCREASE = 0.1
"""For each second since the last refusal: requests a second, and part of the rate after it."""


class FoundRate:
    """Free until the first refusal; then half the rate that was refused, and slowly more."""

    def __init__(self) -> None:
        self._base: float | None = None
        self._left = 0
        self._since = 0.0
        self._room = 0.0
        self._filled = 0.0

    @property
    def known(self) -> bool:
        """Whether there was a refusal."""
        return self._base is not None

    @property
    def per_second(self) -> float:
        """Requests a second at this moment."""
        if self._base is None:
            return float("inf")
        return self._base + (1 + self._base) * INCREASE * max(0.0, time.monotonic() - self._since)

    def left(self) -> None:
        """Count a call that left."""
        self._since = self._since or time.monotonic()
        self._left += 1

    def refused(self, pause: float) -> None:
        """Slow down, from the end of the pause on. Call it once for the refusals of one moment."""
        now = time.monotonic()
        seen = self._left / max(1.0, now - self._since) if self._base is None else self.per_second
        self._base = max(SLOWEST, seen * DECREASE)
        self._room = 0.0
        self._since = self._filled = now + pause

    def room(self, wanted: int) -> tuple[int, float]:
        """How many of the calls may go now, and the seconds until more may."""
        now = time.monotonic()
        rate = self.per_second
        self._room = min(max(1.0, rate), self._room + max(0.0, now - self._filled) * rate)
        self._filled = max(self._filled, now)
        count = min(wanted, int(self._room))
        return count, max(0.0, 1 - (self._room - count)) / rate

    def take(self, count: int) -> None:
        """Let so many go."""
        self._room -= count
