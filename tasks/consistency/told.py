"""What the judge read in prose, decided by the arithmetic of the checks.

The judge only says what a text asserts, quoting its words: who dies, who uses what, who speaks, who
is where. Whether that can be is worked out here from the state, as for declared effects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from tasks.consistency.checks import CHECKS
from tasks.consistency.examination import Case, locate, sentence
from tasks.story.base import Model
from tasks.story.effects import Effect
from tasks.story.state import Evidence
from tasks.story.verdict import Category, Issue, Severity

Reading = Literal["speaks", "is_at", "knows", "is_kin", "dated"]
"""What is no effect, and is decided here."""
# One flat list: some servers take no schema that offers a choice of types.
Kind = Literal[
    "moves", "gains", "loses", "uses", "dies", "departs", "returns", "learns", "tells", "meets",
    "promises", "keeps", "breaks", "destroys", "closes", "opens", "time_passes", "happens",
    "speaks", "is_at", "knows", "is_kin", "dated",
]  # fmt: skip
_TIES = (
    "mother father parent son daughter child",
    "brother sister sibling twin",
    "husband wife spouse",
    "grandmother grandfather grandson granddaughter",
    "aunt uncle niece nephew",
    "cousin",
)
"""Words for one and the same tie, from either side."""
_SIDES = [frozenset(tie.split()) for tie in _TIES]
_KIN = frozenset().union(*_SIDES)

_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
_WHAT = {
    "moves": "to", "returns": "to", "gains": "item", "loses": "item", "uses": "item",
    "learns": "fact", "tells": "fact", "promises": "promise", "keeps": "promise",
    "breaks": "promise", "destroys": "what", "closes": "place", "opens": "place",
    "happens": "event",
}  # fmt: skip
"""The field of each effect that `what` stands for."""


class Told(Model):
    """One thing that a text asserts and none of its declared effects says."""

    text: str = Field(description="Id of the text that says it.")
    kind: Kind
    who: str = Field("", description="Character id.")
    whom: str = Field("", description="Another character's id.")
    what: str = Field(
        "", description="Id of the item, place, fact, event or promise; for is_kin the relation."
    )
    minutes: int = Field(0, description="For time_passes.")
    when: str = Field("", description="For dated: YYYY, YYYY-MM or YYYY-MM-DD.")
    quote: str = Field(description="The words that say it, copied exactly.")


def named_by_id(case: Case, told: Told) -> Told | None:
    """The same with ids where names stood; None if the world lacks something it names."""
    atlas = case.atlas
    people = {c.id: c.id for c in case.world.characters}
    people |= {c.name.casefold(): c.id for c in case.world.characters}
    there = [*atlas.places, *atlas.items]
    things = {one: one for one in there}
    things |= {atlas.name(one).casefold(): one for one in there}
    things |= {one: one for one in (*atlas.facts, *atlas.events)}
    loose = told.kind in ("is_kin", "promises", "keeps", "breaks")
    what = told.what.strip("[] ").rpartition(":")[2]
    found = told.model_copy(
        update={
            "who": _in(people, told.who),
            "whom": _in(people, told.whom),
            "what": told.what if loose else _in(things | people, what),
        }
    )
    known = (not told.who or found.who) and (not told.whom or found.whom)
    return found if known and (not told.what or found.what) else None


def _in(names: dict[str, str], said: str) -> str:
    return names.get(said) or names.get(said.strip("[] ").casefold(), "")


def decided(case: Case, told: Sequence[tuple[Told, float]]) -> list[Issue]:
    """What cannot be of what a text tells: errors that its declared effects alone do not raise.
    Each piece comes with the confidence that the text says so."""
    sure = {one.quote: confidence for one, confidence in told}
    effects = [effect for one, _ in told if (effect := as_effect(case, one))]
    new = [effect for effect in effects if not _declared(case, effect)]
    issues = [*_computed(case, new), *(i for one, _ in told for i in _read(case, one))]
    return [
        issue.model_copy(
            update={
                "found_by": "judge",
                "confidence": min(issue.confidence, sure.get(issue.quote, 0.0)),
            }
        )
        for issue in issues
        if issue.quote in sure
    ]


def as_effect(case: Case, told: Told) -> Effect | None:
    """The effect that a piece of telling is; None if it has no such form."""
    kind, what = told.kind, told.what
    if kind == "is_at":
        here = case.place_of(case.before, told.who)
        if (
            not here
            or not what
            or case.atlas.roads.inside(here, what)
            or case.atlas.roads.inside(what, here)
        ):
            return None
        kind = "moves"
    if kind in get_args(Reading):
        return None
    fields: dict[str, object] = {
        "kind": kind,
        "quote": told.quote,
        "who": told.who,
        "whom": told.whom,
    }
    fields |= {"minutes": told.minutes, _WHAT.get(kind, "what"): what}
    if kind == "learns":
        fields["source"] = told.whom or None
    wanted = _FIELDS[kind]
    if any(not fields.get(name) and name not in ("minutes", "source") for name in wanted):
        return None
    try:
        return _EFFECT.validate_python({name: fields.get(name) for name in wanted})
    except ValidationError:
        return None


_FIELDS: dict[str, list[str]] = {
    member.model_fields["kind"].annotation.__args__[0]: list(member.model_fields)
    for member in get_args(get_args(Effect)[0])
    if "change" not in member.model_fields
}
"""The fields of each effect that a piece of telling can fill."""


def _declared(case: Case, effect: Effect) -> bool:
    """Whether the text declares this itself, in whatever words."""
    mine = effect.model_dump(exclude={"quote", "source"})
    return any(mine == other.model_dump(exclude={"quote", "source"}) for other in case.effects)


def _computed(case: Case, new: Sequence[Effect]) -> list[Issue]:
    """Errors of the checks that come only with these effects, in the order of the text."""
    if not new:
        return []
    effects = [*case.effects, *new]
    places = [locate(effect.quote, case.text) for effect in effects]
    order = sorted(range(len(effects)), key=lambda n: (places[n] < 0, places[n]))
    with_new = replace(case, effects=[effects[n] for n in order])
    known = {(issue.check, issue.key or issue.message) for issue in _errors(case)}
    return [i for i in _errors(with_new) if (i.check, i.key or i.message) not in known]


def _errors(case: Case) -> Iterator[Issue]:
    for check in CHECKS:
        if check.eligible(case):
            yield from (issue for issue in check.issues(case) if issue.severity is Severity.ERROR)


def _read(case: Case, told: Told) -> Iterator[Issue]:
    match told.kind:
        case "speaks":
            yield from _speaks(case, told)
        case "knows":
            yield from _knows(case, told)
        case "is_kin":
            yield from _kin(case, told)
        case "dated":
            yield from _dated(case, told)


def _speaks(case: Case, told: Told) -> Iterator[Issue]:
    life = case.before.life.get(told.who)
    back = case.declares("returns", who=told.who)
    if life and life.value != "alive" and not back:
        words = "is dead" if life.value == "dead" else "is away"
        fact = f"{case.name(told.who)} {words}."
        yield _issue(told, f"{fact[:-1]}, yet speaks here.", fact, life.since, "character")


def _knows(case: Case, told: Told) -> Iterator[Issue]:
    fact = case.atlas.facts.get(told.what)
    if fact and fact.secret and not case.after.knows_fact(told.who, fact.id):
        message = f"{case.name(told.who)} cannot know that: {fact.text}"
        yield _issue(told, message, fact.text, None, "character", source=fact.id)


def _kin(case: Case, told: Told) -> Iterator[Issue]:
    """Who is kin in the world is not kin of another sort, or none, in a text."""
    pair = {told.who, told.whom}
    people = case.world.characters
    ties = [(c, r) for c in people for r in c.relationships if {c.id, r.whom} == pair]
    known = {word for _, tie in ties for word in _kin_words(tie.kind)}
    said = _kin_words(told.what)
    if known and not (said & known) and (said or told.what.casefold() in ("none", "strangers")):
        if said and _agree(said, known):
            return
        one, tie = next((c, r) for c, r in ties if _kin_words(r.kind))
        fact = f"What {one.name} and {case.name(tie.whom)} are to each other: {tie.kind}."
        yield _issue(told, f"Kinship is not as the world has it. {fact}", fact, None, "character")


def _kin_words(text: str) -> set[str]:
    return {word for word in text.casefold().replace("-", " ").split() if word in _KIN}


def _agree(said: set[str], known: set[str]) -> bool:
    return any(side & said and side & known for side in _SIDES)


def _dated(case: Case, told: Told) -> Iterator[Issue]:
    event = case.atlas.events.get(told.what)
    if event and event.when and told.when and not f"{event.when:%Y-%m-%d}".startswith(told.when):
        fact = f"{event.when:%Y-%m-%d}: {event.text}"
        message = f"It was another day: {fact}"
        yield _issue(told, message, fact, None, "timeline", source=event.id)


def _issue(
    told: Told,
    message: str,
    fact: str,
    since: Evidence | None,
    category: Category,
    *,
    source: str = "world",
) -> Issue:
    return Issue(
        check="L1",
        name="what the judge read cannot be",
        category=category,
        severity=Severity.ERROR,
        message=sentence(message),
        quote=told.quote,
        fact=(since.quote if since else "") or fact,
        source=since.source if since else source,
        suggested_fix="Change the words quoted so that they agree with the fact.",
        found_by="judge",
    )
