"""How the places of a world lie: what is part of what, and how long the ways take."""

import heapq
from collections import defaultdict

from tasks.story.world import World


class Roads:
    """The places and roads of a world, ready to be looked up.

    A place borders on the one it is within. In a world without roads every place borders on every
    other. How long these two kinds of ways take, the world does not say: None.
    """

    def __init__(self, world: World) -> None:
        self._within = {place.id: place.within for place in world.places}
        self._legs: dict[str, dict[str, int | None]] = defaultdict(dict)
        for road in world.roads:
            a, b = road.between
            if a != b:
                self._add(a, b, road.minutes)
        for place in world.places:
            if place.within and place.within != place.id:
                self._add(place.id, place.within, None)
        if not world.roads:
            for place in world.places:
                for other in world.places:
                    if other.id != place.id:
                        self._add(place.id, other.id, None)
        self._least: dict[tuple[str, int], dict[str, int]] = {}

    def _add(self, a: str, b: str, minutes: int | None) -> None:
        for start, end in ((a, b), (b, a)):
            known = self._legs[start].get(end)
            if known is None or (minutes is not None and minutes < known):
                self._legs[start][end] = minutes

    def inside(self, place: str | None, outer: str) -> bool:
        """Whether a place is another, or part of it."""
        seen: set[str] = set()
        while place and place not in seen:
            if place == outer:
                return True
            seen.add(place)
            place = self._within.get(place)
        return False

    def neighbours(self, place: str) -> dict[str, int | None]:
        """The places one leg away, with the minutes of the leg where the world says them."""
        return self._legs.get(place, {})

    def minutes(self, a: str, b: str, unsaid: int = 0) -> int | None:
        """The shortest time from one place to another in minutes; None if no way leads there.

        `unsaid` is how long a leg takes of which the world does not say it: 0 for the least.
        """
        key = (a, unsaid)
        if key not in self._least:
            self._least[key] = self._reach(a, unsaid)
        return self._least[key].get(b)

    def _reach(self, start: str, unsaid: int) -> dict[str, int]:
        found: dict[str, int] = {}
        queue = [(0, start)]
        while queue:
            minutes, place = heapq.heappop(queue)
            if place in found:
                continue
            found[place] = minutes
            for other, leg in self.neighbours(place).items():
                heapq.heappush(queue, (minutes + (unsaid if leg is None else leg), other))
        return found
