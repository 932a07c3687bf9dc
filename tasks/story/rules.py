"""The rules of a world in machine form: whether an effect, at a place, breaks one."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from tasks.story.effects import Effect
from tasks.story.roads import Roads
from tasks.story.state import PathState, objects
from tasks.story.world import ForbidEffect, ForbidTerms, LimitEffect, Rule, World


@lru_cache(256)
def whole_words(terms: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern for any of these terms as whole words in any case, whatever space is in them."""
    longest = sorted(terms, key=len, reverse=True)
    words = "|".join(r"\s+".join(map(re.escape, term.split())) for term in longest)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)" if words else r"(?!)", re.IGNORECASE)


def forbidden_terms(world: World) -> tuple[str, ...]:
    """The terms that the world's rules forbid."""
    forms = [rule.form for rule in world.rules]
    return tuple(term for form in forms if isinstance(form, ForbidTerms) for term in form.terms)


def place_of(effect: Effect, state: PathState) -> str | None:
    """Where an effect happens: where it leads, or where the one who acts is."""
    who: str = getattr(effect, "who", "") or state.protagonist
    to: str | None = getattr(effect, "to", None)
    return to or state.place_of(who)


def forbids(
    form: ForbidEffect, who: str, what: Collection[str], here: str | None, roads: Roads
) -> bool:
    """Whether a rule forbids its effect to `who` on `what` at a place or within a larger one.

    Empty lists of the rule match everybody, everything and everywhere.
    """
    if (form.who and who not in form.who) or who in form.except_who:
        return False
    if form.what and not set(form.what) & set(what):
        return False
    return not form.at or any(roads.inside(here, outer) for outer in form.at)


def counts(form: LimitEffect, who: str, what: Collection[str]) -> bool:
    """Whether what `who` does to `what` counts against a limit."""
    return (not form.who or who in form.who) and (not form.what or bool({*form.what} & {*what}))


def times(form: LimitEffect, counted: Mapping[str, Mapping[str, int]]) -> int:
    """How often a limited effect has happened, by the counts of a path state."""
    total = 0
    for key, number in counted.get(form.effect, {}).items():
        who, what = key.split("|", 1)
        total += number if counts(form, who, {what}) else 0
    return total


def broken(
    world: World, roads: Roads, state: PathState, effect: Effect, here: str | None = None
) -> Iterator[Rule]:
    """The rules an effect would break, done next. `here` is where, if the state does not know."""
    who, what = getattr(effect, "who", ""), set(objects(effect))
    for rule in world.rules:
        form = rule.form
        if isinstance(form, ForbidTerms) or form is None or form.effect != effect.kind:
            continue
        if isinstance(form, ForbidEffect):
            if forbids(form, who, what, here or place_of(effect, state), roads):
                yield rule
        elif counts(form, who, what) and times(form, state.counts) >= form.at_most:
            yield rule
