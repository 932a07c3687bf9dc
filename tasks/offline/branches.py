"""Choices that agree with everything that holds on the path."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.offline import grammar
from tasks.offline.deck import BAR
from tasks.offline.rules import permitted
from tasks.offline.situation import Situation
from tasks.story.scene import BranchDraft
from tasks.story.world import Character, Place

_SHORT = 9
"""Minutes up to which a way is no journey."""

Fields = Mapping[str, object]
Change = tuple[str, str, Fields]
"""A mark, the kind of effect whose quote it is, and that effect's other fields."""


@dataclass(frozen=True)
class Option:
    """A thing the protagonist could do: the deck that tells it and the effects it has.

    `effects` are in the order they take hold.
    """

    deck: str
    kind: str
    words: Mapping[str, str] = field(default_factory=dict)
    effects: tuple[Change, ...] = ()

    def draft(self, situation: Situation) -> BranchDraft | None:
        """The branch, or None if no card is left or a rule stands against it."""
        plain = [situation.effect(kind, fields, "") for _, kind, fields in self.effects]
        if not permitted(situation.world, situation.roads, situation.state, plain):
            return None
        return tell(self, situation)


def tell(option: Option, situation: Situation) -> BranchDraft | None:
    """The branch of an option, whether or not it is consistent."""
    passage = situation.dealer.deal(option.deck, {**situation.values, **option.words})
    if passage is None:
        return None
    choice, _, consequence = passage.text.partition(BAR)
    effects = [
        situation.effect(kind, fields, passage.quotes[mark])
        for mark, kind, fields in option.effects
    ]
    consequence = grammar.upper_first(consequence)
    effects = [e.model_copy(update={"quote": _as_told(e.quote, consequence)}) for e in effects]
    return BranchDraft(choice=choice, consequence=consequence, effects=effects)


def propose(
    situation: Situation, count: int, taken: Sequence[BranchDraft] = ()
) -> list[BranchDraft]:
    """Up to `count` branches of different kinds, none of which does what a `taken` one does."""
    drafts: list[BranchDraft] = []
    kinds: set[str] = set()
    options = list(_options(situation))
    waiting = [*_varied(situation, options), *_pastimes(situation, count)]
    for option in waiting:
        if len(drafts) == count:
            break
        if option.kind in kinds:
            continue
        draft = option.draft(situation)
        if draft and not any(_alike(draft, other) for other in taken):
            kinds.add(option.kind)
            drafts.append(draft)
    situation.random("order").shuffle(drafts)
    return drafts


def _varied(situation: Situation, options: list[Option]) -> list[Option]:
    """The options in the order to try them: a way, people, things; what was just done last."""
    chance = situation.random("options")
    chance.shuffle(options)
    last = {"moves": "go", "uses": "use", "gains": "take", "learns": "fact"}.get(situation.turn)
    group = {"go": 0, "fact": 1, "people": 1, "use": 2, "take": 2, "give": 2}
    turns: dict[int, int] = {}
    rank: dict[int, tuple[bool, int, float]] = {}
    for option in options:
        nth = group[option.kind.split(":")[0]]
        turns[nth] = turns.get(nth, -1) + 1
        again = option.kind.split(":")[0] == last and last != "go"
        first_way = nth == 0 and turns[nth] == 0
        turn = -1 if first_way or (nth == 0 and not situation.company) else turns[nth]
        rank[id(option)] = (again, turn, chance.random())
    return sorted(options, key=lambda option: rank[id(option)])


def _options(situation: Situation) -> Iterator[Option]:
    for place, minutes in situation.ways():
        yield going(situation, place, minutes)
    for other in situation.company[:4]:
        yield from _with_somebody(situation, other)
    yield from _with_things(situation)
    lead = situation.lead.id
    people = {c.id for c in situation.world.characters}
    for fact in [f for f in situation.news_for(lead) if f.about not in people][:2]:
        minutes = situation.random(f"seek {fact.id}").choice([20, 35, 45, 50])
        words = {"fact": grammar.closed(fact.text), "span": grammar.span(minutes)}
        learns = ("learns", "learns", {"who": lead, "fact": fact.id})
        passes = ("time_passes", "time_passes", {"minutes": minutes})
        yield Option("seek", "fact", words, (learns, passes))


def going(situation: Situation, place: Place, minutes: int) -> Option:
    """Go somewhere, in the time the way takes; now and then with somebody."""
    lead = situation.lead.id
    words = {"dest": grammar.the_place(place.name), "span": grammar.span(minutes)}
    moves = ("moves", "moves", {"who": lead, "to": place.id})
    if minutes == 0:
        return Option("go_near", f"go:{place.id}", words, (moves,))
    passes = ("time_passes", "time_passes", {"minutes": minutes})
    chance = situation.random(f"go {place.id}")
    friends = [
        c
        for c in situation.company
        if situation.state.have_met(lead, c.id) and not situation.hostile(c)
    ]
    if friends and chance.random() < 0.35:
        other = chance.choice(friends)
        follows = ("moves_o", "moves", {"who": other.id, "to": place.id})
        words |= situation.of(other)
        return Option("go_with", f"go:{place.id}", words, (passes, moves, follows))
    deck = "go_short" if minutes <= _SHORT else "go"
    return Option(deck, f"go:{place.id}", words, (passes, moves))


def _with_somebody(situation: Situation, other: Character) -> Iterator[Option]:
    lead = situation.lead.id
    words = situation.of(other)
    for fact in situation.news_for(lead, by=other.id)[:1]:
        tells = {"who": other.id, "whom": lead, "fact": fact.id}
        with_fact = words | {"fact": grammar.closed(fact.text)}
        yield Option("ask", f"people:ask:{other.id}", with_fact, (("tells", "tells", tells),))
    mine = situation.state.knows.get(lead, {})
    news = [f for f in mine if not situation.state.knows_fact(other.id, f)]
    cools = ("feels", "feels", {"who": other.id, "whom": lead, "change": -0.3})
    warms = ("feels", "feels", {"who": other.id, "whom": lead, "change": 0.3})
    if news:
        tells = {"who": lead, "whom": other.id, "fact": news[-1]}
        yield Option("confront", "people:confront", words, (("tells", "tells", tells), cools))
    else:
        yield Option("defy", "people:confront", words, (cools,))
    if situation.hostile(other):
        return
    yield Option("trust", "people:trust", words, (warms,))
    promised = any(p.whom == other.id for p in situation.state.promises.values())
    if not promised:
        promise = {"who": lead, "whom": other.id, "promise": f"see_it_through_{other.id}"}
        gives = (("promises", "promises", promise),)
        yield Option("promise", "people:promise", words, gives)


def _with_things(situation: Situation) -> Iterator[Option]:
    lead = situation.lead.id
    for item in situation.lying_here():
        words = {"item": grammar.the_item(item.name)}
        gains = ("gains", "gains", {"who": lead, "item": item.id})
        yield Option("take", "take", words, (gains,))
    for item in situation.held():
        words = {"item": grammar.the_item(item.name)}
        uses = ("uses", "uses", {"who": lead, "item": item.id})
        yield Option("use", f"use:{item.id}", words, (uses,))
        friends = [c for c in situation.company if not situation.hostile(c)]
        for other in [] if _bound(situation, item.id) else friends[:1]:
            given = ("gains", "gains", {"who": other.id, "item": item.id})
            glad = ("feels", "feels", {"who": other.id, "whom": lead, "change": 0.2})
            lost = ("gains", "loses", {"who": lead, "item": item.id})
            yield Option("give", "give", words | situation.of(other), (lost, given, glad))


def _bound(situation: Situation, item: str) -> bool:
    """Whether some rule says who may do what with an item."""
    forms = [rule.form for rule in situation.world.rules if rule.form]
    return any(item in getattr(form, "what", []) for form in forms)


def _pastimes(situation: Situation, count: int) -> Iterator[Option]:
    """What can be done anywhere by anybody; every one takes another time."""
    minutes = [20, 35, 50, 75, 90, 120, 150, 25, 40, 180]
    situation.random("pastimes").shuffle(minutes)
    for nth, length in enumerate([*minutes, *minutes]):
        deck = ("search", "wait")[nth % 2]
        passes = ("time_passes", "time_passes", {"minutes": length})
        words = {"span": grammar.span(length)}
        yield Option(deck, f"pastime:{nth}", words, (passes,))
    # Where a rule stops the clock, something is still to be done.
    for nth in range(count):
        yield Option(("search", "wait")[nth % 2], f"still:{nth}", {"span": grammar.span(15)})


def _alike(one: BranchDraft, other: BranchDraft) -> bool:
    def changes(draft: BranchDraft) -> list[dict[str, object]]:
        return [effect.model_dump(exclude={"quote"}) for effect in draft.effects]

    return one.choice == other.choice or changes(one) == changes(other)


def _as_told(quote: str, consequence: str) -> str:
    """The quote as it stands in the text, whose first letter may have become a capital."""
    return quote if quote in consequence else grammar.upper_first(quote)
