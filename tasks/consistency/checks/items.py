"""Items are in one hand, used by who holds them, and gone when they are destroyed."""

from collections.abc import Iterator

from tasks.consistency.claims import Claim
from tasks.consistency.examination import Case, Check, Finding, Step, field_of, sentence
from tasks.story.state import ItemState, PathState
from tasks.story.verdict import Severity


def not_held(case: Case) -> Iterator[Finding]:
    """Nobody uses, gives or loses what they do not have."""
    for step in case.steps:
        effect = step.effect
        if effect.kind not in ("uses", "loses") or step.mode == "dreamt":
            continue
        item = step.state.items.get(effect.item)
        if item and not item.destroyed and not _at_hand(case, step.state, effect.who, item):
            if effect.kind == "loses" and (_gained_here(case, step) or _passed_on(case, step)):
                continue
            yield _missing(case, effect.who, effect.item, item, effect.quote)
    got: set[str] = {e.item for e in case.effects if e.kind == "gains"}
    declared: set[str] = {e.item for e in case.effects if e.kind in ("uses", "loses")}
    for claim in case.claims:
        item = case.before.items.get(claim.what)
        if item is None or item.destroyed or claim.mode not in ("asserted",):
            continue
        if claim.kind in ("gains", "holds") and claim.who == case.lead and claim.kind == "gains":
            got.add(claim.what)
        if claim.kind not in ("uses", "loses", "holds") or claim.what in got | declared:
            continue
        if (not claim.firm or not _at_hand_in_prose(case, claim, item)) and claim.strong:
            yield _missing(case, claim.who, claim.what, item, claim.quote, inferred=True)


def _gained_here(case: Case, step: Step) -> bool:
    """Whether who loses an item gains it in the same text."""
    effect = step.effect
    return any(
        s.effect.kind == "gains"
        and s.effect.item == field_of(effect, "item")
        and s.effect.who == field_of(effect, "who")
        for s in case.steps
        if s is not step
    )


def _passed_on(case: Case, step: Step) -> bool:
    """Whether the item was taken from who loses it by somebody's 'gains' in the same text."""
    what = field_of(step.effect, "item")
    held = case.before.items.get(what)
    held_it = held and held.holder == field_of(step.effect, "who")
    return bool(held_it) and case.declares("gains", item=what)


def _at_hand(case: Case, state: PathState, who: str, item: ItemState) -> bool:
    """Whether somebody holds an item, or it has lain where they are from the start."""
    if item.holder:
        return item.holder == who
    place = case.place_of(state, who)
    if item.place and place and item.since.source == "world":
        return case.atlas.roads.inside(place, item.place) or case.atlas.roads.inside(
            item.place, place
        )
    return item.since.source == "world" and not item.place


def _at_hand_in_prose(case: Case, claim: Claim, item: ItemState) -> bool:
    if _at_hand(case, case.before, claim.who, item) or _at_hand(case, case.after, claim.who, item):
        return True
    # Somebody who is there and named may lend it, or use it beside you.
    return bool(item.holder and case.mentions(item.holder))


def _missing(
    case: Case, who: str, what: str, item: ItemState, quote: str, *, inferred: bool = False
) -> Finding:
    thing = case.name(what)
    if item.holder:
        holder = case.name(item.holder)
        where, fact = f"which {holder} has", f"{holder} has {thing}."
    elif item.place:
        place = case.name(item.place)
        where, fact = f"left at {place}", f"At {place}: {thing}."
    else:
        where, fact = "which nobody has", f"Nobody has {thing}."
    return Finding(
        f"{case.name(who)} does not have {thing}, {where}.",
        quote=quote,
        fact=item.since.quote or sentence(fact),
        source=item.since.source,
        fix=f"Let {case.name(who)} come by {thing} first, or use something they hold.",
        found_by="inferred" if inferred else "rule",
        confidence=0.9 if inferred else 1.0,
        key=what,
    )


def two_hands(case: Case) -> Iterator[Finding]:
    """Nobody finds what somebody else holds elsewhere."""
    for step in case.steps:
        effect = step.effect
        if effect.kind == "gains" and step.mode != "dreamt":
            item = step.state.items.get(effect.item)
            yield from _taken(case, step.state, effect.who, effect.item, item, effect.quote)
    if any(e.kind in ("gains", "loses", "moves") for e in case.effects):
        return
    for claim in case.claims:
        if claim.kind == "gains" and claim.strong and claim.who:
            item = case.before.items.get(claim.what)
            yield from _taken(
                case, case.before, claim.who, claim.what, item, claim.quote, inferred=True
            )


def _taken(
    case: Case, state: PathState, who: str, what: str, item: ItemState | None, quote: str,
    *, inferred: bool = False,
) -> Iterator[Finding]:  # fmt: skip
    if item is None or item.destroyed or item.holder == who:
        return
    thing = case.name(what)
    severity: Severity | None = None
    if item.holder:
        here, there = case.place_of(state, who), case.place_of(state, item.holder)
        apart = here and there and not _same(case, here, there)
        if case.mentions(item.holder) and not (apart and not inferred and not _travels(case)):
            return
        if not apart and ((here and there) or _hinted(case, item.holder)):
            return
        holder = case.name(item.holder)
        where, fact = f"which {holder} holds", f"{holder} holds {thing}."
    elif item.place and (item.since.source == "world" or not inferred):
        place = case.place_of(state, who)
        if not place or _same(case, place, item.place) or _travels(case):
            return
        # What somebody lost on the way may have been carried on: by a tide, by a thief.
        severity = None if item.since.source == "world" else Severity.WARNING
        place = case.name(item.place)
        where, fact = f"to be found at {place}", f"At {place}: {thing}."
    else:
        return
    yield Finding(
        f"{case.name(who)} cannot come by {thing}, {where}.",
        quote=quote,
        fact=item.since.quote or sentence(fact),
        source=item.since.source,
        fix=f"Say how {thing} came there, or take something that is at hand.",
        severity=severity,
        found_by="inferred" if inferred else "rule",
        confidence=0.9 if inferred else 1.0,
        key=what,
    )


def _same(case: Case, a: str, b: str) -> bool:
    return case.atlas.roads.inside(a, b) or case.atlas.roads.inside(b, a)


def _travels(case: Case) -> bool:
    return any(e.kind == "moves" for e in case.effects) or any(
        c.kind in ("moves", "enters") and c.asserted for c in case.claims
    )


def _hinted(case: Case, holder: str) -> bool:
    """Whether the prose may mean the holder without naming them: 'his pocket', 'the body'."""
    pronoun = case.atlas.names.pronouns.get(holder, "")
    words = {"*he*": {"he", "him", "his"}, "*she*": {"she", "her"}}.get(
        pronoun, {"they", "them", "their"}
    )
    if holder == case.lead:
        words = words | {"you", "your", "i", "me", "my"}
    if case.before.status(holder) == "dead" and case.grave(-1):
        return True
    return any(w.low in words for p in case.passages for row in p.words for w in row)


def destroyed(case: Case) -> Iterator[Finding]:
    """What is destroyed is not used, held, found or destroyed again."""
    for step in case.steps:
        effect = step.effect
        what = field_of(effect, "item", "what")
        item = step.state.items.get(what)
        if item and item.destroyed and step.mode != "dreamt" and not _parted(case, step):
            yield _gone(case, what, item, effect.quote)
    for claim in case.claims:
        item = case.before.items.get(claim.what)
        handled = claim.strong and claim.kind in ("uses", "gains", "holds")
        if item and item.destroyed and handled:
            yield _gone(case, claim.what, item, claim.quote, inferred=True)


def _parted(case: Case, step: Step) -> bool:
    """Whether this only says that what is destroyed in this text is no longer held."""
    held = case.before.items.get(field_of(step.effect, "item"))
    return step.effect.kind == "loses" and held is not None and not held.destroyed


def _gone(case: Case, what: str, item: ItemState, quote: str, *, inferred: bool = False) -> Finding:
    return Finding(
        f"Nobody can use {case.name(what)}, destroyed before.",
        quote=quote,
        fact=item.since.quote or f"Destroyed: {case.name(what)}.",
        source=item.since.source,
        fix=f"Use something else instead of {case.name(what)}.",
        found_by="inferred" if inferred else "rule",
        confidence=0.9 if inferred else 1.0,
        key=what,
    )


CHECKS = (
    Check(
        "D4",
        "used but not held",
        "world_rules",
        Severity.ERROR,
        not_held,
        "Mira dropped the lamp into the sea. 'You light the lamp.'",
        "Mira dropped the lamp into the sea. 'You wish you still had the lamp.'",
        lambda case: bool(case.world.items),
    ),
    Check(
        "D4b",
        "in two hands",
        "world_rules",
        Severity.ERROR,
        two_hands,
        "Isolde, far away, holds the key. 'You find the key under a stone.'",
        "Isolde holds the key. 'You take the key from Isolde.'",
        lambda case: bool(case.world.items),
    ),
    Check(
        "D4c",
        "destroyed but used",
        "world_rules",
        Severity.ERROR,
        destroyed,
        "The map burned. 'You unfold the map.'",
        "The map burned. 'You try to remember the map.'",
        lambda case: (
            any(i.destroyed for i in case.before.items.values())
            or any(e.kind == "destroys" for e in case.effects)
        ),
    ),
)
