"""What can be worked out once about a world: its names, roads, rules and facts."""

import heapq
from collections import Counter, defaultdict
from functools import cached_property

from tasks.consistency.language.names import Names
from tasks.consistency.language.tokens import terms
from tasks.core.cache_by_identity import cache_by_identity
from tasks.story.world import Character, Event, Fact, Item, Place, World


class Atlas:
    """A world, ready to be looked up."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.characters: dict[str, Character] = {c.id: c for c in world.characters}
        self.places: dict[str, Place] = {p.id: p for p in world.places}
        self.items: dict[str, Item] = {i.id: i for i in world.items}
        self.facts: dict[str, Fact] = {f.id: f for f in world.facts}
        self.events: dict[str, Event] = {e.id: e for e in world.timeline}
        self.names = Names(world)
        self._roads: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for road in world.roads:
            a, b = road.between
            self._roads[a].append((b, road.minutes))
            self._roads[b].append((a, road.minutes))
        for place in world.places:
            if place.within:
                self._roads[place.id].append((place.within, 0))
                self._roads[place.within].append((place.id, 0))
        self._travel: dict[str, dict[str, int]] = {}

    def name(self, one: str) -> str:
        """The name the prose uses for an id."""
        found = self.characters.get(one) or self.places.get(one) or self.items.get(one)
        return found.name if found else one

    def inside(self, place: str | None, outer: str) -> bool:
        """Whether a place is another, or part of it."""
        while place:
            if place == outer:
                return True
            place = self.places[place].within if place in self.places else None
        return False

    def minutes(self, a: str, b: str) -> int | None:
        """The shortest time from one place to another in minutes; None if no road leads there."""
        if a not in self._travel:
            self._travel[a] = self._reach(a)
        return self._travel[a].get(b)

    def _reach(self, start: str) -> dict[str, int]:
        found: dict[str, int] = {}
        queue = [(0, start)]
        while queue:
            minutes, place = heapq.heappop(queue)
            if place in found:
                continue
            found[place] = minutes
            for other, more in self._roads.get(place, []):
                heapq.heappush(queue, (minutes + more, other))
        return found

    @cached_property
    def fact_terms(self) -> dict[str, Counter[str]]:
        """Content words of every fact and event, for finding what a sentence is about."""
        texts = {f.id: f.text for f in self.world.facts} | {
            e.id: e.text for e in self.world.timeline
        }
        return {one: Counter(terms(text)) for one, text in texts.items()}

    @cached_property
    def term_rarity(self) -> Counter[str]:
        """In how many facts and events a content word occurs."""
        return Counter(word for counts in self.fact_terms.values() for word in counts)


@cache_by_identity(16)
def atlas(world: World) -> Atlas:
    """The atlas of a world; made once per world object, for the last sixteen."""
    return Atlas(world)
