"""A path state in plain sentences: what prompts say and what the judge is given."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime

from tasks.story.state import Evidence, PathState, Statement
from tasks.story.world import World


def statements(state: PathState, world: World) -> list[Statement]:
    """Everything that holds, what matters most first: the clock and the protagonist, then who
    and what is gone, then what changed on the way, then what held from the start."""
    names = {c.id: c.name for c in world.characters}
    names |= {p.id: p.name for p in world.places} | {i.id: i.name for i in world.items}
    facts = {f.id: f.text.rstrip(".") for f in world.facts}
    facts |= {e.id: e.text.rstrip(".") for e in world.timeline}
    writer = _Writer(state, names, facts)
    lead = state.protagonist
    everything = [
        *writer.clock(),
        *writer.person(lead),
        *writer.gone(),
        *(s for who in writer.company() for s in writer.person(who)),
        *(s for who in writer.company() for s in writer.knowledge(who)),
        *writer.feelings_within(writer.company()),
    ]
    rest = [
        *(s for who in state.life if who != lead for s in writer.person(who)),
        *writer.things(),
        *writer.promises(),
        *writer.knowledge(lead),
        *(s for who in state.knows if who != lead for s in writer.knowledge(who)),
        *writer.feelings(),
        *writer.events(),
    ]
    # Later changes before what the world says from the start; sorting is stable.
    rest.sort(key=lambda s: s.source == "world")
    first: dict[str, Statement] = {}
    for statement in (*everything, *rest):
        first.setdefault(statement.id, statement)
    return list(first.values())


class _Writer:
    """Makes the sentences of one state."""

    def __init__(self, state: PathState, names: dict[str, str], facts: dict[str, str]) -> None:
        self.state = state
        self.names = names
        self.facts = facts

    def name(self, one: str | None) -> str:
        return self.names.get(one or "", one or "nobody")

    def make(self, key: str, text: str, since: Evidence, *about: str | None) -> Statement:
        ids = [one for one in about if one]
        text = text[0].upper() + text[1:]
        return Statement(key, text, since.source, since.quote, ids)

    def clock(self) -> Iterator[Statement]:
        yield self.make("clock", f"It is {spell(self.state.clock)}.", self.state.clock_since)

    def person(self, who: str) -> Iterator[Statement]:
        life, at = self.state.life.get(who), self.state.whereabouts.get(who)
        if life is None or life.value != "alive":
            return
        if at and at.place:
            text = f"{self.name(who)} is at {self.name(at.place)}."
            yield self.make(f"place:{who}", text, at.since, who, at.place)
        for item in self.state.held_by(who):
            text = f"{self.name(who)} has {self.name(item)}."
            yield self.make(f"item:{item}", text, self.state.items[item].since, who, item)

    def company(self) -> list[str]:
        here = self.state.place_of(self.state.protagonist)
        return [w for w in self.state.life if here and self.state.place_of(w) == here]

    def gone(self) -> Iterator[Statement]:
        for who, life in self.state.life.items():
            if life.value != "alive":
                word = "dead" if life.value == "dead" else "away and cannot act until they return"
                yield self.make(f"life:{who}", f"{self.name(who)} is {word}.", life.since, who)
        for place, state in self.state.places.items():
            if state.value != "open":
                word = "destroyed" if state.value == "destroyed" else "closed: nobody can enter"
                text = f"{self.name(place)} is {word}."
                yield self.make(f"open:{place}", text, state.since, place)
        for item, thing in self.state.items.items():
            if thing.destroyed:
                text = f"{self.name(item)} is destroyed."
                yield self.make(f"item:{item}", text, thing.since, item)

    def things(self) -> Iterator[Statement]:
        for item, thing in self.state.items.items():
            if thing.holder:
                text = f"{self.name(thing.holder)} has {self.name(item)}."
            elif thing.place:
                text = f"{self.name(item)} lies at {self.name(thing.place)}; nobody holds it."
            else:
                continue
            yield self.make(f"item:{item}", text, thing.since, item, thing.holder, thing.place)

    def promises(self) -> Iterator[Statement]:
        for key, promise in self.state.promises.items():
            who, whom = self.name(promise.who), self.name(promise.whom)
            words = key.replace("_", " ")
            end = {"open": "not yet kept", "kept": "kept", "broken": "broken"}[promise.value]
            text = f"{who} promised {whom}: {words} ({end})."
            yield self.make(f"promise:{key}", text, promise.since, promise.who, promise.whom)

    def knowledge(self, who: str) -> Iterator[Statement]:
        for fact, known in self.state.knows.get(who, {}).items():
            teller = f", told by {self.name(known.told_by)}" if known.told_by else ""
            text = f"{self.name(who)} knows{teller}: {self.facts.get(fact, fact)}."
            yield self.make(f"knows:{who}:{fact}", text, known.since, who, fact)

    def feelings(self) -> Iterator[Statement]:
        for who, row in self.state.feelings.items():
            for whom, feeling in row.items():
                text = f"{self.name(who)} {_feeling(feeling.value)} {self.name(whom)}."
                yield self.make(f"feels:{who}:{whom}", text, feeling.since, who, whom)

    def feelings_within(self, company: Sequence[str]) -> Iterator[Statement]:
        """How people who are together stand to each other."""
        there = set(company)
        yield from (s for s in self.feelings() if set(s.about) <= there)

    def events(self) -> Iterator[Statement]:
        for event, since in self.state.events.items():
            text = f"It has happened: {self.facts.get(event, event)}."
            yield self.make(f"event:{event}", text, since, event)


def spell(moment: datetime) -> str:
    """A story time in words: `Tuesday 14 March 1887, 21:30`."""
    return f"{moment:%A} {moment.day} {moment:%B} {moment.year}, {moment:%H:%M}"


def _feeling(value: float) -> str:
    words = ("hates", "dislikes", "is neutral to", "likes", "loves")
    return words[bisect_left((-0.6, -0.2, 0.2, 0.6), value)]
