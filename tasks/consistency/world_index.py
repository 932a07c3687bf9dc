"""What can be worked out once about a world: its names, roads, rules and facts."""

from collections import Counter
from functools import cached_property

from tasks.consistency.language.names import Names
from tasks.consistency.language.tokens import terms
from tasks.core.cache_by_identity import cache_by_identity
from tasks.story.roads import Roads
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
        self.roads = Roads(world)

    def name(self, one: str) -> str:
        """The name the prose uses for an id."""
        found = self.characters.get(one) or self.places.get(one) or self.items.get(one)
        return found.name if found else one

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
