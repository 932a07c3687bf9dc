"""The rules of a world that can be computed, from the side of someone who wants to keep them."""

import re
from collections.abc import Sequence

from tasks.story.brief import Brief
from tasks.story.effects import Effect
from tasks.story.state import PathState, objects
from tasks.story.world import ForbidEffect, ForbidTerms, LimitEffect, World


def forbidden_terms(world: World, brief: Brief) -> re.Pattern[str] | None:
    """Whole words that no text may contain: of the rules, and of every boundary but 'ok'."""
    terms = [t for r in world.rules if isinstance(r.form, ForbidTerms) for t in r.form.terms]
    for boundary in (*world.boundaries, *brief.boundaries):
        if boundary.level != "ok":
            terms += [boundary.topic, *boundary.terms]
    if not terms:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, terms)) + r")(?!\w)", re.IGNORECASE)


def permitted(world: World, state: PathState, effects: Sequence[Effect]) -> bool:
    """Whether no rule in machine form stands against these effects, one after another."""
    for effect in effects:
        forms = [rule.form for rule in world.rules]
        if any(isinstance(f, ForbidEffect) and _hits(f, effect, state) for f in forms):
            return False
        if any(isinstance(f, LimitEffect) and _spent(f, effect, state) for f in forms):
            return False
        state = state.after([effect])
    return True


def _hits(form: ForbidEffect, effect: Effect, state: PathState) -> bool:
    who = getattr(effect, "who", None)
    if form.effect != effect.kind or who in form.except_who or (form.who and who not in form.who):
        return False
    if form.what and not set(form.what) & set(objects(effect)):
        return False
    here = {state.place_of(who or state.protagonist), getattr(effect, "to", None)}
    return not form.at or bool(set(form.at) & here)


def _spent(form: LimitEffect, effect: Effect, state: PathState) -> bool:
    def counts(kind: str, who: str | None, what: set[str]) -> bool:
        return (
            kind == form.effect
            and (not form.who or who in form.who)
            and (not form.what or bool(what & set(form.what)))
        )

    if not counts(effect.kind, getattr(effect, "who", None), set(objects(effect))):
        return False
    so_far = 0
    for key, times in state.counts.get(form.effect, {}).items():
        who, what = key.split("|", 1)
        so_far += times * counts(form.effect, who, {what})
    return so_far >= form.at_most
