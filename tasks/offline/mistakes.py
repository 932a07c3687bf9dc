"""Choices that contradict the path, as a model makes them: tempting, and told in good faith.

The writer declares their effects truthfully, so that the checks have something to find.
"""

from collections.abc import Iterator

from tasks.offline import grammar
from tasks.offline.branches import Change, Option, tell
from tasks.offline.rules import permitted
from tasks.offline.situation import Situation
from tasks.story.scene import BranchDraft
from tasks.story.world import Character, ForbidEffect, ForbidTerms, World

SHARE = 1 / 7
"""Of the branches after the opening; with the opening's own about one in six of a tree."""


def mistake(situation: Situation, count: int) -> BranchDraft | None:
    """A contradictory branch to go among `count`, or None where the writer makes no mistake.

    The opening always has one. A scene with a single branch never has, so that a sound one is
    always left.
    """
    chance = situation.random("mistake")
    opening = not situation.ask.path
    if count < 2 or not (opening or chance.random() < SHARE * count):
        return None
    options = list(_options(situation))
    if not opening:
        chance.shuffle(options)
    for option in options:
        if draft := tell(option, situation):
            return draft
    return None


def _options(situation: Situation) -> Iterator[Option]:
    """Every mistake there is to make, the most tempting first."""
    yield from _the_dead(situation)
    yield from _the_absent(situation)
    yield from _shut_places(situation)
    yield from _lost_items(situation)
    yield from _broken_rules(situation)
    yield from _too_fast(situation)
    yield from _somebody_elsewhere(situation)
    yield from _strangers(situation)


def _gone(situation: Situation, character: Character) -> dict[str, str]:
    words = situation.of(character, "gone")
    return words | {"gone": words["gone_full"]}


def _likes(situation: Situation, who: str) -> tuple[Change, ...]:
    effect: dict[str, object] = {"who": who, "whom": situation.lead.id, "change": 0.3}
    return (("feels", "feels", effect),)


def _the_dead(situation: Situation) -> Iterator[Option]:
    for character in situation.world.characters:
        if situation.state.status(character.id) == "dead":
            words = _gone(situation, character)
            for fact in situation.news_for(situation.lead.id, by=character.id)[:1]:
                told = {"who": character.id, "whom": situation.lead.id, "fact": fact.id}
                words |= {"fact": grammar.closed(fact.text)}
                yield Option("dead_counsel", "dead", words, (("tells", "tells", told),))
            yield Option("dead_meets", "dead", words, _likes(situation, character.id))


def _the_absent(situation: Situation) -> Iterator[Option]:
    for character in situation.world.characters:
        if situation.state.status(character.id) == "absent":
            words = _gone(situation, character)
            yield Option("absent", "absent", words, _likes(situation, character.id))


def _shut_places(situation: Situation) -> Iterator[Option]:
    for place in situation.world.places:
        if situation.state.places[place.id].value != "open" and place.id != situation.place.id:
            words = {"dest": grammar.the_place(place.name)}
            moves = {"who": situation.lead.id, "to": place.id}
            yield Option("shut", "shut", words, (("moves", "moves", moves),))


def _lost_items(situation: Situation) -> Iterator[Option]:
    held = situation.held()
    for item in situation.world.items:
        if item not in held and item not in situation.lying_here():
            words = {"item": grammar.the_item(item.name)}
            uses = {"who": situation.lead.id, "item": item.id}
            yield Option("not_held", "not_held", words, (("uses", "uses", uses),))


def _somebody_elsewhere(situation: Situation) -> Iterator[Option]:
    for character in situation.world.characters:
        minutes = situation.minutes_away(character)
        if character.id != situation.lead.id and minutes is not None and minutes >= 10:
            moves = {"who": character.id, "to": situation.place.id}
            words = _gone(situation, character)
            yield Option("elsewhere", "elsewhere", words, (("moves", "moves", moves),))


def _too_fast(situation: Situation) -> Iterator[Option]:
    near = situation.near() if situation.world.roads else {}
    for place in situation.world.places:
        if near.get(place.id, 0) >= 10 and situation.state.places[place.id].value == "open":
            words = {"dest": grammar.the_place(place.name), "quick": grammar.span(2)}
            moves = ("moves", "moves", {"who": situation.lead.id, "to": place.id})
            passes = ("time_passes", "time_passes", {"minutes": 2})
            yield Option("too_fast", "too_fast", words, (passes, moves))
            yield Option("two_places", "too_fast", words, (moves,))


def _broken_rules(situation: Situation) -> Iterator[Option]:
    for rule in situation.world.rules:
        if rule.severity == "error" and isinstance(rule.form, ForbidEffect):
            yield from _breaks(situation, rule.form)
        elif rule.severity == "error" and isinstance(rule.form, ForbidTerms):
            # The dealer lets no forbidden word through, so it goes in as a name would.
            yield Option("breaks_terms", "rule", {"term": grammar.clip(rule.form.terms[0], 60)})


def _breaks(situation: Situation, form: ForbidEffect) -> Iterator[Option]:
    lead, kind = situation.lead.id, form.effect
    for what, name in _objects(situation.world, kind):
        every: dict[str, dict[str, object]] = {
            "moves": {"who": lead, "to": what},
            "gains": {"who": lead, "item": what},
            "uses": {"who": lead, "item": what},
            "destroys": {"what": what},
        }
        fields = every[kind]
        effect = situation.effect(kind, fields, "")
        if not permitted(situation.world, situation.roads, situation.state, [effect]):
            minutes = situation.near().get(what, 30)
            words = {"dest": grammar.the_place(name), "item": grammar.the_item(name)}
            words["span"] = grammar.span(minutes)
            effects: tuple[Change, ...] = ((kind, kind, fields),)
            if kind == "moves":
                effects = (("time_passes", "time_passes", {"minutes": minutes}), *effects)
            yield Option(f"breaks_{kind}", "rule", words, effects)


def _objects(world: World, kind: str) -> list[tuple[str, str]]:
    if kind == "moves":
        return [(place.id, place.name) for place in world.places]
    if kind in {"gains", "uses", "destroys"}:
        return [(item.id, item.name) for item in world.items]
    return []


def _strangers(situation: Situation) -> Iterator[Option]:
    known = {c.id for c in situation.world.characters}
    for who in ("caretaker", "messenger"):
        if who not in known:
            yield Option(f"stranger.{who}", "stranger", {}, _likes(situation, who))
