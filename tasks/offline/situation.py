"""Where a scene stands: the state at the end of its path, and the words for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Literal

from pydantic import TypeAdapter

from tasks.offline import grammar
from tasks.offline.deck import Dealer
from tasks.offline.joins import common
from tasks.offline.rules import clear_of_terms, permitted
from tasks.story.ask import SceneAsk
from tasks.story.brief import Brief
from tasks.story.effects import Effect
from tasks.story.roads import Roads
from tasks.story.state import PathState
from tasks.story.statements import spell
from tasks.story.world import Character, Event, Fact, Item, Place, World

_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)

STEP_WITHIN = 5
"""Minutes the writer takes between a place and one within it."""

UNMAPPED = 30
"""Minutes the writer takes between two places of a world that has no roads at all."""

_ENMITY = -0.45
"""A feeling from which on two people are enemies; -1 is hatred."""

Turn = Literal["opening", "moves", "gains", "learns", "clash", "bond", "uses", "other", "join"]


@dataclass
class Situation:
    """Everything a scene is written from. `state` goes on as effects are added to the scene."""

    world: World
    brief: Brief
    ask: SceneAsk
    state: PathState = field(init=False)
    timed: bool = field(init=False, default=True)
    """Whether it is the same time on all paths that lead here."""
    effects: list[Effect] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.state = PathState.opening(self.world, self.brief)
        for step in self.ask.path:
            self.state = self.state.after(step.scene.effects, step.scene_id)
            self.state = self.state.after(step.effects, step.scene_id)
        if self.joins:
            self.timed = f"It is {spell(self.state.clock)}." in self.ask.facts
            self.state = common(self.state, self.world, self.ask.facts)

    @property
    def joins(self) -> bool:
        """Whether several paths lead here."""
        return bool(self.ask.also_from)

    @cached_property
    def seed(self) -> str:
        """What makes this scene differ from every other."""
        ask = self.ask
        return f"{self.world.id}|{self.brief.id}|{ask.scene_id}|{ask.ending}|{ask.seed}"

    @cached_property
    def dealer(self) -> Dealer:
        """The decks, without what the path has told already."""
        told = []
        for step in (*self.ask.path, *self.ask.also_from):
            scene = step.scene
            told += [scene.title, scene.setting_description, scene.narrative_text]
            told += [line.text for line in scene.dialogue]
            told += [step.choice, step.consequence]
        return Dealer(self.seed, "\n".join(told), clear_of_terms(self.world, self.brief))

    @cached_property
    def roads(self) -> Roads:
        """How the places lie."""
        return Roads(self.world)

    def random(self, purpose: str) -> Random:
        """Chance for one purpose, so that one draw more does not change all the others."""
        return Random(f"{self.seed}|{purpose}")

    @cached_property
    def lead(self) -> Character:
        """The protagonist."""
        return self.character(self.brief.protagonist)

    @cached_property
    def place(self) -> Place:
        """Where the scene happens: where the protagonist is, or the first place that stands."""
        here = self.state.place_of(self.lead.id)
        standing = [p for p in self.world.places if self.state.places[p.id].value == "open"]
        fallback = (standing or self.world.places)[0]
        return next((p for p in self.world.places if p.id == here), fallback)

    @property
    def company(self) -> list[Character]:
        """Who else is there and can act; the brief's cast first."""
        here = [
            c
            for c in self.world.characters
            if c.id != self.lead.id
            and self.state.status(c.id) == "alive"
            and self.state.place_of(c.id) == self.place.id
        ]
        return sorted(here, key=lambda c: c.id not in self.brief.cast)

    @cached_property
    def turn(self) -> Turn:
        """What the choice before this scene was; "join" where that depends on the path."""
        if not self.ask.path:
            return "opening"
        first, *others = {_turn(step.effects) for step in (self.ask.path[-1], *self.ask.also_from)}
        return "join" if others else first

    @property
    def sense(self) -> str:
        """The deck of what one feels at this hour, or at any."""
        return f"sense.{grammar.daypart(self.state.clock)}" if self.timed else "sense"

    def character(self, who: str) -> Character:
        """The character of that id; the world's first if there is none."""
        return next((c for c in self.world.characters if c.id == who), self.world.characters[0])

    def name(self, character: Character) -> str:
        """What prose calls somebody after the first time."""
        return grammar.short_name(character, self.world.characters)

    def permits(self, kind: str, fields: Mapping[str, object]) -> bool:
        """Whether the rules permit an effect of that kind, given without its quote."""
        return permitted(self.world, self.roads, self.state, [self.effect(kind, fields, "")])

    @staticmethod
    def effect(kind: str, fields: Mapping[str, object], quote: str) -> Effect:
        """An effect from its kind, its fields and its quote."""
        return _EFFECT.validate_python({"kind": kind, "quote": quote, **fields})

    def try_effects(self, *effects: Effect) -> bool:
        """Add effects to the scene if the rules permit them."""
        if not permitted(self.world, self.roads, self.state, effects):
            return False
        self.effects += effects
        self.state = self.state.after(effects, self.ask.scene_id)
        return True

    @cached_property
    def values(self) -> dict[str, str]:
        """The words for the place, the hour (if all paths agree) and the protagonist, by gap."""
        wish = next(filter(None, map(grammar.wish, self.lead.goals)), None)
        theme = next(iter([*self.brief.themes, *self.world.themes]), None)
        words = {
            "place": grammar.the_place(self.place.name),
            "hour": grammar.hour(self.state.clock) if self.timed else None,
            "lead": self.name(self.lead),
            "lead_full": grammar.clip(self.lead.name),
            "lead_traits": grammar.traits_of(self.lead),
            "wish": wish,
            "theme": grammar.clip(theme).rstrip(".").lower() if theme else None,
        }
        return {gap: text for gap, text in words.items() if text}

    def of(self, character: Character, gap: str = "o") -> dict[str, str]:
        """The words for somebody else, by gap: `{o}`, `{o_full}`, `{o_sub}`, `{o_traits}`."""
        words = {gap: self.name(character), f"{gap}_full": grammar.clip(character.name)}
        words |= {f"{gap}_{case}": word for case, word in grammar.pronouns(character).items()}
        if traits := grammar.traits_of(character):
            words[f"{gap}_traits"] = traits
        return words

    def hostile(self, character: Character) -> bool:
        """Whether somebody and the protagonist are enemies."""
        pairs = ((self.lead.id, character.id), (character.id, self.lead.id))
        felt = [self.state.feelings.get(a, {}).get(b) for a, b in pairs]
        return any(feeling is not None and feeling.value <= _ENMITY for feeling in felt)

    def news_for(self, who: str, by: str | None = None) -> list[Fact]:
        """Facts somebody does not know yet and `by` does (or anyone may find, without `by`).

        What everybody may know comes before what is kept secret, and nothing that has been
        told in so many words comes again.
        """
        return sorted(
            (
                fact
                for fact in self.world.facts
                if not self.state.knows_fact(who, fact.id)
                and (self.state.knows_fact(by, fact.id) if by else not fact.secret)
                and self.sayable(fact.text)
            ),
            key=lambda fact: (fact.about == by, fact.secret != (len(self.ask.path) > 1)),
        )

    def sayable(self, text: str) -> bool:
        """Whether a text of the world may be quoted here: allowed, and new on this path."""
        return self.dealer.allowed(text) and self.dealer.new(grammar.closed(text))

    def lying_here(self) -> list[Item]:
        """Items at the place that nobody holds."""
        return [i for i in self.world.items if self.state.items[i.id].place == self.place.id]

    def held(self) -> list[Item]:
        """Items the protagonist holds."""
        mine = self.state.held_by(self.lead.id)
        return [item for item in self.world.items if item.id in mine]

    def due(self) -> Event | None:
        """An event of the timeline that has not happened and could happen now, here."""
        if self.joins:
            return None  # It may have happened on another path.
        for event in self.world.timeline:
            if event.id in self.state.events or not set(event.causes) <= set(self.state.events):
                continue
            in_time = event.when is None or event.when <= self.state.clock
            there = {self.lead.id, *(c.id for c in self.company)}
            in_place = event.where in (None, self.place.id) and set(event.who) <= there
            if in_time and in_place and self.sayable(event.text):
                return event
        return None

    def comer(self) -> Character | None:
        """Somebody elsewhere who has had the time to come here."""
        people = [c for c in self.world.characters if c.id != self.lead.id]
        self.random("comer").shuffle(people)
        for character in people:
            minutes = self.minutes_away(character)
            if minutes is not None and minutes <= 0:
                return character
        return None

    def minutes_away(self, character: Character) -> float | None:
        """Minutes until somebody who set out when last seen could be here; None for those who
        are here, cannot come, or have no way to."""
        at = self.state.whereabouts[character.id]
        alive = self.state.status(character.id) == "alive"
        if not alive or at.place is None or at.place == self.place.id:
            return None
        minutes = self.roads.minutes(at.place, self.place.id, self.unsaid)
        past = (self.state.clock - at.since.at).total_seconds() / 60
        return None if minutes is None else minutes - past

    @property
    def unsaid(self) -> int:
        """Minutes a way takes of which the world does not say it."""
        return STEP_WITHIN if self.world.roads else UNMAPPED

    def near(self) -> dict[str, int]:
        """The places next to this one, with the minutes to each."""
        legs = self.roads.neighbours(self.place.id).items()
        return {place: self.unsaid if leg is None else leg for place, leg in legs}

    def ways(self) -> Sequence[tuple[Place, int]]:
        """The places one can go to, with minutes; new ones and those with people first."""
        seen = {step.scene.place for step in self.ask.path} | {self.place.id}
        open_ways = {
            place: minutes
            for place, minutes in self.near().items()
            if place in self.state.places and self.state.places[place].value == "open"
        }
        places = [p for p in self.world.places if p.id in open_ways]
        self.random("ways").shuffle(places)
        living = [w for w, life in self.state.life.items() if life.value == "alive"]
        peopled = {self.state.place_of(who) for who in living}
        places.sort(key=lambda p: (p.id in seen) + (p.id not in peopled))
        return [(place, open_ways[place.id]) for place in places]


def _turn(effects: Sequence[Effect]) -> Turn:
    """What a choice was, by what it changed."""
    kinds = {effect.kind for effect in effects}
    if "moves" in kinds:
        return "moves"
    if "uses" in kinds:
        return "uses"
    if any(e.kind == "feels" and e.change < 0 for e in effects):
        return "clash"
    if "learns" in kinds or "tells" in kinds:
        return "learns"
    if kinds & {"promises", "feels"}:
        return "bond"
    return "gains" if "gains" in kinds else "other"
