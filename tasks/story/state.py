"""What holds at one point of one path: the world's opening folded over the effects since.

Folding believes every effect it can carry out and passes over the rest; whether an effect was
allowed is for the checks to say. A fork shares everything it did not change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field

from tasks.story import effects as fx
from tasks.story.base import Model
from tasks.story.brief import Brief
from tasks.story.effects import Effect
from tasks.story.world import World

Life = Literal["alive", "dead", "absent"]


class Held(Model):
    """A part of what holds."""

    def substance(self) -> object:
        """All of it that a check can tell apart; two equal ones change no finding."""
        return tuple(_substance(getattr(self, name)) for name in type(self).model_fields)


def _substance(value: object) -> object:
    if isinstance(value, Held):
        return value.substance()
    if isinstance(value, Mapping):
        return {key: _substance(one) for key, one in value.items()}
    return value


class Evidence(Held):
    """Why something holds: where it was said, in which words, at which story time."""

    source: str = Field("world", description="'world', or the id of a scene or branch.")
    quote: str = ""
    at: datetime

    def substance(self) -> object:
        """Whether it held from the start: who said it, and in which words, is for reports."""
        return self.source == "world"


class LifeState(Held):
    """Whether a character can act."""

    value: Life
    since: Evidence


class Whereabouts(Held):
    """Where a character was last said to be; None if nobody said."""

    place: str | None
    since: Evidence
    came_from: str | None = None
    left: datetime | None = None
    """When they were last said to be where they came from, if they came from somewhere."""

    def substance(self) -> object:
        """Also since when: a journey takes time."""
        return super().substance(), self.since.at


class ItemState(Held):
    """Who holds an item, or where it lies. A destroyed item is nowhere."""

    holder: str | None = None
    place: str | None = None
    destroyed: bool = False
    since: Evidence


class PlaceState(Held):
    """Whether a place can be entered."""

    value: Literal["open", "closed", "destroyed"]
    since: Evidence


class Knowledge(Held):
    """That somebody knows a fact, and who told them, if somebody did."""

    told_by: str | None = None
    since: Evidence


class Feeling(Held):
    """How one character stands to another, -1 to 1."""

    value: float = Field(ge=-1, le=1)
    since: Evidence


class Promise(Held):
    """A promise, and what became of it."""

    who: str
    whom: str
    value: Literal["open", "kept", "broken"]
    since: Evidence


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that holds, as a sentence, with where it comes from."""

    id: str
    text: str
    source: str = "world"
    quote: str = ""
    about: Sequence[str] = ()


class PathState(Held):
    """Everything that holds at one point of one path. Immutable; `after` makes the next one."""

    protagonist: str
    clock: datetime
    clock_since: Evidence
    life: Mapping[str, LifeState] = {}
    whereabouts: Mapping[str, Whereabouts] = {}
    items: Mapping[str, ItemState] = {}
    places: Mapping[str, PlaceState] = {}
    knows: Mapping[str, Mapping[str, Knowledge]] = {}
    met: Mapping[str, Mapping[str, Evidence]] = {}
    feelings: Mapping[str, Mapping[str, Feeling]] = {}
    promises: Mapping[str, Promise] = {}
    events: Mapping[str, Evidence] = {}
    counts: Mapping[str, Mapping[str, int]] = Field(
        {}, description="Effects so far: by kind, then by 'who|what'."
    )

    @classmethod
    def opening(cls, world: World, brief: Brief | None = None) -> Self:
        """The state before the first scene. The brief decides where its protagonist begins."""
        now = Evidence(at=world.opens_at)
        lead = brief.protagonist if brief else world.characters[0].id
        places = {c.id: c.place for c in world.characters}
        if brief and brief.place:
            places[lead] = brief.place
        holder = {item: c.id for c in world.characters for item in c.items}
        met: dict[str, dict[str, Evidence]] = {}
        for character in world.characters:
            for other in character.relationships:
                met.setdefault(character.id, {})[other.whom] = now
                met.setdefault(other.whom, {})[character.id] = now
        return cls(
            protagonist=lead,
            clock=world.opens_at,
            clock_since=now,
            life={c.id: LifeState(value=c.status, since=now) for c in world.characters},
            whereabouts={who: Whereabouts(place=at, since=now) for who, at in places.items()},
            items={
                i.id: ItemState(
                    holder=holder.get(i.id),
                    place=None if i.id in holder else i.place,
                    since=now,
                )
                for i in world.items
            },
            places={p.id: PlaceState(value=p.status, since=now) for p in world.places},
            knows={
                c.id: {fact: Knowledge(since=now) for fact in c.knowledge} for c in world.characters
            },
            met=met,
            feelings={
                c.id: {r.whom: Feeling(value=r.value, since=now) for r in c.relationships}
                for c in world.characters
            },
            events={
                e.id: Evidence(quote=e.text, at=e.when)
                for e in world.timeline
                if e.when and e.when <= world.opens_at
            },
        )

    def after(self, effects: Iterable[Effect], source: str = "") -> Self:
        """The state once these effects have happened, in order. Never raises: what cannot be
        carried out (an unknown id, a destroyed item) changes nothing."""
        fork = _Fork(self, source)
        for effect in effects:
            getattr(fork, effect.kind)(effect)
            fork.count(effect)
        return self.model_copy(update=fork.changed)

    def same(self, other: Self) -> bool:
        """Whether the same holds in another state, whatever made it so."""
        return self.clock == other.clock and self.substance() == other.substance()

    def status(self, who: str) -> Life | None:
        """Alive, dead or absent; None for somebody the world does not know."""
        found = self.life.get(who)
        return found.value if found else None

    def place_of(self, who: str) -> str | None:
        """Where a character is, as far as anybody said."""
        found = self.whereabouts.get(who)
        return found.place if found else None

    def held_by(self, who: str) -> list[str]:
        """Ids of the items a character holds."""
        return [item for item, state in self.items.items() if state.holder == who]

    def knows_fact(self, who: str, fact: str) -> bool:
        """Whether a character knows a fact."""
        return fact in self.knows.get(who, {})

    def have_met(self, who: str, whom: str) -> bool:
        """Whether two characters are known to have met."""
        return whom in self.met.get(who, {})

    def sentences(self, world: World, limit: int = 60) -> list[str]:
        """What holds, in plain sentences, what matters most to the protagonist first."""
        return [statement.text for statement in self.statements(world)][:limit]

    def statements(self, world: World) -> list[Statement]:
        """Everything that holds, each with its source, what matters most first."""
        from tasks.story.statements import statements

        return statements(self, world)


class _Fork:
    """The changes of one fold: tables are copied when first written."""

    def __init__(self, state: PathState, source: str) -> None:
        self.state = state
        self.source = source
        self.changed: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        return self.changed[name] if name in self.changed else getattr(self.state, name)

    def table(self, name: str) -> dict[str, Any]:
        if name not in self.changed:
            self.changed[name] = dict(getattr(self.state, name))
        table: dict[str, Any] = self.changed[name]
        return table

    def row(self, name: str, key: str) -> dict[str, Any]:
        table = self.table(name)
        table[key] = dict(table.get(key, {}))
        row: dict[str, Any] = table[key]
        return row

    def since(self, effect: Effect) -> Evidence:
        return Evidence.model_construct(
            source=self.source, quote=effect.quote, at=self.get("clock")
        )

    def count(self, effect: Effect) -> None:
        row = self.row("counts", effect.kind)
        key = f"{getattr(effect, 'who', '')}|{next(objects(effect), '')}"
        row[key] = row.get(key, 0) + 1

    def is_character(self, *ids: str) -> bool:
        return all(one in self.state.life for one in ids)

    def put(self, who: str, place: str | None, effect: Effect) -> None:
        before = self.get("whereabouts").get(who)
        self.table("whereabouts")[who] = Whereabouts.model_construct(
            place=place,
            since=self.since(effect),
            came_from=before.place if before else None,
            left=before.since.at if before else None,
        )

    def live(self, who: str, value: Life, effect: Effect) -> None:
        self.table("life")[who] = LifeState.model_construct(value=value, since=self.since(effect))

    def hold(self, item: str, effect: Effect, **where: Any) -> None:
        held = {"holder": None, "place": None, "destroyed": False} | where
        self.table("items")[item] = ItemState.model_construct(since=self.since(effect), **held)

    def acquaint(self, who: str, whom: str, effect: Effect) -> None:
        if not self.is_character(who, whom) or who == whom:
            return
        for one, other in ((who, whom), (whom, who)):
            if other not in self.get("met").get(one, {}):
                self.row("met", one)[other] = self.since(effect)

    def moves(self, effect: fx.Moves) -> None:
        if self.is_character(effect.who) and effect.to in self.state.places:
            self.put(effect.who, effect.to, effect)

    def gains(self, effect: fx.Gains) -> None:
        item = self.get("items").get(effect.item)
        if self.is_character(effect.who) and item and not item.destroyed:
            self.hold(effect.item, effect, holder=effect.who)

    def loses(self, effect: fx.Loses) -> None:
        item = self.get("items").get(effect.item)
        if item and item.holder == effect.who:
            at = self.get("whereabouts").get(effect.who)
            self.hold(effect.item, effect, place=at.place if at else None)

    def uses(self, effect: fx.Uses) -> None:
        """Using changes nothing but the count."""

    def dies(self, effect: fx.Dies) -> None:
        if self.is_character(effect.who) and self.get("life")[effect.who].value != "dead":
            self.live(effect.who, "dead", effect)

    def departs(self, effect: fx.Departs) -> None:
        if self.is_character(effect.who) and self.get("life")[effect.who].value == "alive":
            self.live(effect.who, "absent", effect)
            self.put(effect.who, None, effect)

    def returns(self, effect: fx.Returns) -> None:
        # Also the dead: the checks refuse that, unless a person said it is intended.
        if self.is_character(effect.who):
            self.live(effect.who, "alive", effect)
            if effect.to in self.state.places:
                self.put(effect.who, effect.to, effect)

    def learns(self, effect: fx.Learns, who: str = "", told_by: str | None = None) -> None:
        who = who or effect.who
        if self.is_character(who) and effect.fact not in self.get("knows").get(who, {}):
            self.row("knows", who)[effect.fact] = Knowledge.model_construct(
                told_by=told_by or effect.source, since=self.since(effect)
            )

    def tells(self, effect: fx.Tells) -> None:
        if self.is_character(effect.whom) and effect.fact not in self.get("knows").get(
            effect.whom, {}
        ):
            self.row("knows", effect.whom)[effect.fact] = Knowledge.model_construct(
                told_by=effect.who, since=self.since(effect)
            )
        self.acquaint(effect.who, effect.whom, effect)

    def meets(self, effect: fx.Meets) -> None:
        self.acquaint(effect.who, effect.whom, effect)

    def feels(self, effect: fx.Feels) -> None:
        if not self.is_character(effect.who, effect.whom):
            return
        row = self.row("feelings", effect.who)
        before = row[effect.whom].value if effect.whom in row else 0.0
        row[effect.whom] = Feeling.model_construct(
            value=max(-1.0, min(1.0, before + effect.change)), since=self.since(effect)
        )

    def promises(self, effect: fx.Promises) -> None:
        if self.is_character(effect.who, effect.whom):
            self.table("promises")[effect.promise] = Promise.model_construct(
                who=effect.who, whom=effect.whom, value="open", since=self.since(effect)
            )
            self.acquaint(effect.who, effect.whom, effect)

    def keeps(self, effect: fx.Keeps) -> None:
        self._settle(effect, "kept")

    def breaks(self, effect: fx.Breaks) -> None:
        self._settle(effect, "broken")

    def _settle(self, effect: fx.Keeps | fx.Breaks, value: Literal["kept", "broken"]) -> None:
        promise = self.get("promises").get(effect.promise)
        if promise and promise.value == "open":
            self.table("promises")[effect.promise] = promise.model_copy(
                update={"value": value, "since": self.since(effect)}
            )

    def destroys(self, effect: fx.Destroys) -> None:
        if effect.what in self.state.items:
            self.hold(effect.what, effect, destroyed=True)
        elif effect.what in self.state.places:
            self._set_place(effect.what, "destroyed", effect)

    def closes(self, effect: fx.Closes) -> None:
        self._set_place(effect.place, "closed", effect)

    def opens(self, effect: fx.Opens) -> None:
        self._set_place(effect.place, "open", effect)

    def _set_place(
        self, place: str, value: Literal["open", "closed", "destroyed"], effect: Effect
    ) -> None:
        known = self.get("places").get(place)
        if known and known.value not in (value, "destroyed"):
            self.table("places")[place] = PlaceState.model_construct(
                value=value, since=self.since(effect)
            )

    def time_passes(self, effect: fx.TimePasses) -> None:
        clock: datetime = self.get("clock")
        step = timedelta(minutes=max(0, effect.minutes))
        later = clock + step if step <= datetime.max - clock else datetime.max
        self.changed["clock"] = later
        self.changed["clock_since"] = self.since(effect)

    def happens(self, effect: fx.Happens) -> None:
        if effect.event not in self.get("events"):
            self.table("events")[effect.event] = self.since(effect)


_OBJECTS = frozenset({"item", "to", "fact", "promise", "what", "place", "event"})


def objects(effect: Effect) -> Iterator[str]:
    """Ids of the items, places, facts, promises and events an effect is about."""
    return (value for field, value in vars(effect).items() if field in _OBJECTS)
