"""What a world or a brief says about itself that cannot be so: every id must lead somewhere."""

import re
from collections.abc import Collection, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from tasks.core.validation import Problem, did_you_mean, spell_path
from tasks.core.yaml import FieldPath
from tasks.story.brief import Brief
from tasks.story.world import Character, Event, ForbidEffect, ForbidTerms, Item, Place, World


def world_problems(world: World) -> Iterator[Problem]:
    """Everything that does not hold together in a world, found as it is asked for."""
    ids = _Ids(world)
    yield from _same_ids(world)
    yield from _same_names("characters", world.characters)
    yield from _same_names("places", world.places)
    yield from _same_names("items", world.items)
    for at, character in enumerate(world.characters):
        yield from _character(("characters", at), character, ids)
    yield from _places(world, ids)
    yield from _items(world, ids)
    yield from _facts(world, ids)
    yield from _rules(world, ids)
    yield from _timeline(world, ids)


def brief_problems(brief: Brief, world: World) -> Iterator[Problem]:
    """Everything in a brief that the world cannot give it."""
    ids = _Ids(world)
    yield from _unknown(("protagonist",), brief.protagonist, ids.characters, "character")
    yield from _unknown(("place",), brief.place, ids.places, "place")
    yield from _unknown_all(("cast",), brief.cast, ids.characters, "character")
    lead = next((c for c in world.characters if c.id == brief.protagonist), None)
    if lead and lead.status != "alive":
        message = f"'{lead.id}' is {lead.status} when the story opens and cannot lead it"
        yield Problem(("protagonist",), message)
    elif lead and not (brief.place or lead.place):
        yield Problem(("place",), f"is needed: '{lead.id}' has no place in the world")
    opening = next((p for p in world.places if p.id == brief.place), None)
    if opening and opening.status == "destroyed":
        yield Problem(("place",), f"'{opening.id}' is destroyed when the story opens")


class _Ids:
    """The ids of a world, by kind, in the order of the file."""

    def __init__(self, world: World) -> None:
        self.characters = dict.fromkeys(c.id for c in world.characters)
        self.places = dict.fromkeys(p.id for p in world.places)
        self.items = dict.fromkeys(i.id for i in world.items)
        self.facts = dict.fromkeys(f.id for f in world.facts)
        self.events = dict.fromkeys(e.id for e in world.timeline)


def _unknown(
    path: FieldPath, one: str | None, known: Collection[str], kind: str
) -> Iterator[Problem]:
    if one is not None and one not in known:
        yield Problem(path, f"there is no {kind} '{one}'{did_you_mean(one, known)}")


def _unknown_all(
    path: FieldPath, several: Sequence[str], known: Collection[str], kind: str
) -> Iterator[Problem]:
    for at, one in enumerate(several):
        yield from _unknown((*path, at), one, known, kind)


def _same_ids(world: World) -> Iterator[Problem]:
    # Effects name 'a place or item', 'a fact or event': so an id means one thing only.
    things = ("characters", "places", "items", "facts", "timeline")
    for names in (things, ("rules",)):
        first: dict[str, str] = {}
        for name in names:
            for at, one in enumerate(getattr(world, name)):
                if one.id in first:
                    message = f"'{one.id}' is the id of {first[one.id]} already"
                    yield Problem((name, at, "id"), message)
                else:
                    first[one.id] = spell_path((name, at))


def _same_names(kind: str, named: Sequence[Character | Place | Item]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for at, one in enumerate(named):
        fields: list[tuple[FieldPath, str]] = [((kind, at, "name"), one.name)]
        fields += [((kind, at, "aliases", n), alias) for n, alias in enumerate(one.aliases)]
        for path, name in fields:
            bare = re.sub(r"^(the|an?)\s+", "", name.casefold())
            owner = owners.setdefault(bare, one.id)
            if owner != one.id:
                yield Problem(path, f"'{name}' is a name of '{owner}' too; prose could mean either")


def _character(path: FieldPath, character: Character, ids: _Ids) -> Iterator[Problem]:
    yield from _unknown((*path, "place"), character.place, ids.places, "place")
    yield from _unknown_all((*path, "items"), character.items, ids.items, "item")
    known = {**ids.facts, **ids.events}
    yield from _unknown_all((*path, "knowledge"), character.knowledge, known, "fact or event")
    seen: set[str] = set()
    for at, relationship in enumerate(character.relationships):
        whom, field = relationship.whom, (*path, "relationships", at, "whom")
        yield from _unknown(field, whom, ids.characters, "character")
        if whom == character.id:
            yield Problem(field, f"'{whom}' is the character itself")
        elif whom in seen:
            yield Problem(field, f"has a relationship to '{whom}' already")
        seen.add(whom)


def _places(world: World, ids: _Ids) -> Iterator[Problem]:
    for at, place in enumerate(world.places):
        yield from _unknown(("places", at, "within"), place.within, ids.places, "place")
    within = {p.id: [p.within] for p in world.places if p.within}
    if cycle := _cycle(within):
        at = next(n for n, p in enumerate(world.places) if p.id == cycle[1])
        yield Problem(("places", at, "within"), f"places within each other: {' -> '.join(cycle)}")
    for at, road in enumerate(world.roads):
        for end, place_id in enumerate(road.between):
            yield from _unknown(("roads", at, "between", end), place_id, ids.places, "place")
        if road.between[0] == road.between[1]:
            yield Problem(("roads", at, "between"), f"leads from '{road.between[0]}' to itself")


def _items(world: World, ids: _Ids) -> Iterator[Problem]:
    holders: dict[str, str] = {}
    for at, character in enumerate(world.characters):
        for n, item_id in enumerate(character.items):
            if item_id in holders:
                message = f"'{item_id}' is held by '{holders[item_id]}' already"
                yield Problem(("characters", at, "items", n), message)
            holders.setdefault(item_id, character.id)
    for at, item in enumerate(world.items):
        yield from _unknown(("items", at, "place"), item.place, ids.places, "place")
        if item.place and item.id in holders:
            message = f"cannot lie at '{item.place}': '{holders[item.id]}' holds it"
            yield Problem(("items", at, "place"), message)


def _facts(world: World, ids: _Ids) -> Iterator[Problem]:
    values: dict[tuple[str, str], tuple[str, str]] = {}
    known = {**ids.characters, **ids.places, **ids.items}
    for at, fact in enumerate(world.facts):
        yield from _unknown(("facts", at, "about"), fact.about, known, "character, place or item")
        if fact.attribute is None and fact.value is None:
            continue
        if fact.about is None or fact.attribute is None or fact.value is None:
            missing = next(n for n in ("about", "attribute", "value") if getattr(fact, n) is None)
            yield Problem(("facts", at, missing), "is missing: an attribute needs all three")
            continue
        first, value = values.setdefault(
            (fact.about, fact.attribute.casefold()), (fact.id, fact.value)
        )
        if value.casefold() != fact.value.casefold():
            message = f"'{fact.value}' contradicts fact '{first}', where it is '{value}'"
            yield Problem(("facts", at, "value"), message)


def _rules(world: World, ids: _Ids) -> Iterator[Problem]:
    things = {**ids.items, **ids.places, **ids.facts, **ids.events}
    for at, rule in enumerate(world.rules):
        path, form = ("rules", at, "form"), rule.form
        if form is None or isinstance(form, ForbidTerms):
            continue
        yield from _unknown_all((*path, "who"), form.who, ids.characters, "character")
        yield from _unknown_all((*path, "what"), form.what, things, "item, place, fact or event")
        if isinstance(form, ForbidEffect):
            allowed = form.except_who
            yield from _unknown_all((*path, "except_who"), allowed, ids.characters, "character")
            yield from _unknown_all((*path, "at"), form.at, ids.places, "place")


def _timeline(world: World, ids: _Ids) -> Iterator[Problem]:
    events = {e.id: e for e in world.timeline}
    for at, event in enumerate(world.timeline):
        path = ("timeline", at)
        yield from _unknown_all((*path, "who"), event.who, ids.characters, "character")
        yield from _unknown((*path, "where"), event.where, ids.places, "place")
        yield from _unknown_all((*path, "causes"), event.causes, ids.events, "event")
        for n, cause in enumerate(event.causes):
            if cause in events and (message := _untimely(events[cause], event, world)):
                yield Problem((*path, "causes", n), message)
    if cycle := _cycle({e.id: e.causes for e in world.timeline}):
        at = next(n for n, e in enumerate(world.timeline) if e.id == cycle[1])
        message = f"events that cause each other: {' -> '.join(cycle)}"
        yield Problem(("timeline", at, "causes"), message)


def _untimely(cause: Event, effect: Event, world: World) -> str:
    if effect.when is None or cause.id == effect.id:
        return ""
    if cause.when and cause.when > effect.when:
        return f"'{cause.id}' is later ({cause.when}) than what it causes ({effect.when})"
    if cause.when is None and effect.when <= world.opens_at:
        return f"'{cause.id}' lies in the past, for it caused a past event, and needs a `when`"
    return ""


def _cycle(before: dict[str, list[str]]) -> list[str]:
    """One cycle, from an id back to it, each causing or containing the next; or nothing."""
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []
