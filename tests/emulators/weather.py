"""Bad weather for llmock: a share of all requests fails, told apart by one seeded draw each."""

import random
from dataclasses import dataclass, field

from llmock.scenarios import Fail, Match, RequestInfo


@dataclass
class _Dice:
    rng: random.Random
    last: RequestInfo | None = None
    value: float = 0.0

    def roll(self, info: RequestInfo) -> float:
        """One number for each request, however many behaviours ask."""
        if info is not self.last:
            self.last, self.value = info, self.rng.random()
        return self.value


@dataclass(frozen=True)
class _Share(Match):
    dice: _Dice = field(default_factory=lambda: _Dice(random.Random(0)))
    low: float = 0.0
    high: float = 0.0

    def accepts(self, info: RequestInfo) -> bool:
        return super().accepts(info) and self.low <= self.dice.roll(info) < self.high


def bad_weather(scale: float = 1.0, seed: int = 1) -> list[Fail]:
    """20 % 429 with Retry-After of 1 to 3 s (times `scale`), 10 % 503, 5 % 500."""
    dice = _Dice(random.Random(seed))
    shares = [
        (0.07, Fail(429, retry_after=1.0 * scale)),
        (0.07, Fail(429, retry_after=2.0 * scale)),
        (0.06, Fail(429, retry_after=3.0 * scale)),
        (0.10, Fail(503)),
        (0.05, Fail(500)),
    ]
    behaviours = []
    low = 0.0
    for share, fail in shares:
        match = _Share(dice=dice, low=low, high=low + share)
        behaviours.append(Fail(fail.status, retry_after=fail.retry_after, times=None, match=match))
        low += share
    return behaviours
