"""Nobody is in two places, and nobody is faster than the road."""

from collections import Counter
from collections.abc import Iterator

from tasks.consistency.claims import Claim
from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language.english import pattern, words
from tasks.core.count import counted
from tasks.story.state import PathState, Whereabouts
from tasks.story.verdict import Severity

_SETS_OUT = words("words", "setting_out")

UNSAID = 30
"""Minutes that may go by between two sentences without anybody saying so."""


def too_fast(case: Case) -> Iterator[Finding]:
    """A journey takes at least as long as its road."""
    spent: Counter[str] = Counter()
    for step in case.steps:
        effect = step.effect
        if effect.kind != "moves" or step.mode == "dreamt":
            continue
        start = step.state.place_of(effect.who)
        need = case.atlas.roads.minutes(start, effect.to) if start else None
        if not start or not need:
            continue
        have = max(0, _elapsed(case, effect.who) - spent[effect.who])
        spent[effect.who] += need
        if need > have:
            certain = case.declared_minutes is not None or need > have + UNSAID
            certain = certain or case.span.minutes is not None or case.span.short
            yield _slow(case, effect.who, start, effect.to, need, have, effect.quote, certain)
    moved = {e.who for e in case.effects if e.kind in ("moves", "returns")}
    for claim in case.claims:
        if claim.kind not in ("moves", "enters", "is_at") or not claim.asserted:
            continue
        if claim.who in moved:
            continue
        start = case.before.place_of(claim.who)
        need = case.atlas.roads.minutes(start, claim.what) if start else None
        if not start or not need or not claim.firm:
            continue
        have = _elapsed(case, claim.who)
        # Without a word about time the story may have skipped the journey.
        timed = case.span.minutes is not None or case.span.short
        if need > have and (timed or _arrives(case, claim)):
            yield _slow(case, claim.who, start, claim.what, need, have, claim.quote, True, 0.9)


def _arrives(case: Case, claim: Claim) -> bool:
    """Whether a journey ends within the declared minutes, rather than begins."""
    if case.declared_minutes is None or not claim.sure or claim.verb in _SETS_OUT:
        return False
    return claim.kind in ("moves", "enters") and not pattern("underway").search(claim.quote)


def _elapsed(case: Case, who: str) -> int:
    """Minutes since somebody was last seen, with those that go by here."""
    seen = case.before.whereabouts.get(who)
    before = _stayed(case, seen) if seen else 0
    declared = case.declared_minutes
    return before + (declared if declared is not None else case.span.minutes or 0)


def _stayed(case: Case, seen: Whereabouts) -> int:
    """Minutes somebody has been where they are."""
    stayed = (case.before.clock - seen.since.at).total_seconds() / 60
    if seen.came_from and seen.place and seen.left:
        # The minutes of the way there may have been declared after it.
        way = case.atlas.roads.minutes(seen.came_from, seen.place) or 0
        stayed = min(stayed, (case.before.clock - seen.left).total_seconds() / 60 - way)
    return max(0, int(stayed))


def _slow(
    case: Case, who: str, start: str, to: str, need: int, have: int, quote: str, certain: bool,
    confidence: float = 1.0,
) -> Finding:  # fmt: skip
    seen = case.before.whereabouts[who].since
    return Finding(
        f"{case.name(who)} goes from {case.name(start)} to {case.name(to)} in "
        f"{counted(have, 'minute')}; "
        f"the way takes {need}.",
        quote=quote,
        fact=f"From {case.name(start)} to {case.name(to)} it takes at least "
        f"{counted(need, 'minute')}.",
        source=seen.source,
        fix=f"Let {counted(need - have, 'minute')} more go by at least, or choose a nearer place.",
        severity=None if certain else Severity.WARNING,
        found_by="rule" if confidence == 1 else "inferred",
        confidence=confidence,
        key=f"{who}:{to}",
    )


def two_places(case: Case) -> Iterator[Finding]:
    """Who deals with somebody face to face is where they are."""
    for step in case.steps:
        effect = step.effect
        if effect.kind in ("tells", "meets") and not case.remote(step.at) and step.mode != "dreamt":
            yield from _apart(case, step.state, effect.who, effect.whom, effect.quote)
    if any(e.kind == "moves" for e in case.effects):
        return
    # The choice may lead to them; whoever then is met has been gone to.
    gone_to = {c.what for c in case.claims if c.kind in ("moves", "enters", "is_at")}
    for claim in case.claims:
        face = claim.whom == case.lead and claim.kind in ("addressed", "acts", "touched")
        gives = claim.kind == "gains" and claim.who == case.lead and claim.whom
        if (
            not (claim.strong and (face or gives))
            or case.remote(claim.at)
            or claim.verb in ("follow", "join", "meet")
        ):
            continue
        other = claim.who if face else claim.whom
        if case.before.place_of(other) in gone_to or _comes(case, other) or case.span.long:
            continue
        yield from _apart(case, case.before, case.lead, other, claim.quote, inferred=True)


def _comes(case: Case, who: str) -> bool:
    return any(c.kind in ("moves", "enters", "returns") and c.who == who for c in case.claims)


def _apart(
    case: Case, state: PathState, who: str, whom: str, quote: str, *, inferred: bool = False
) -> Iterator[Finding]:
    here, there = state.place_of(who), state.place_of(whom)
    if not here or not there or state.status(who) != "alive" or state.status(whom) != "alive":
        return
    need = case.atlas.roads.minutes(here, there)
    have = max(_elapsed(case, who), _elapsed(case, whom))
    if need is None or need <= have + UNSAID:
        return
    other = whom if whom != case.lead else who
    seen = state.whereabouts[other].since
    place = case.name(state.place_of(other) or "")
    yield Finding(
        f"{case.name(other)} is at {place}, {counted(need, 'minute')} away, and "
        f"cannot be met here.",
        quote=quote,
        fact=seen.quote or f"{case.name(other)} is at {place}.",
        source=seen.source,
        fix=f"Go to {place} first, or let somebody who is here take the part.",
        found_by="inferred" if inferred else "rule",
        confidence=0.9 if inferred else 1.0,
        key=other,
    )


def elsewhere(case: Case) -> Iterator[Finding]:
    """Who is or speaks in a scene could have come there in time."""
    scene = case.scene
    if scene is None or scene.place not in case.before.places:
        return
    moved = {e.who for e in case.effects if e.kind in ("moves", "returns")}
    heard = [] if case.remote(-1) or case.framed else [line.character_id for line in case.speech]
    for who in dict.fromkeys([*scene.present, *heard]):
        at = case.before.place_of(who)
        if who in moved or not at or case.before.status(who) != "alive":
            continue
        need = case.atlas.roads.minutes(at, scene.place)
        have = _elapsed(case, who)
        if need and need > have:
            certain = need > have + UNSAID
            quote = scene.setting_description
            yield _slow(case, who, at, scene.place, need, have, quote, certain)


CHECKS = (
    Check(
        "D3",
        "faster than the road",
        "timeline",
        Severity.ERROR,
        too_fast,
        "The peak is two hours away. 'Ten minutes later you stand on the peak.'",
        "The peak is two hours away. 'Three hours later you stand on the peak.'",
        lambda case: bool(case.world.roads),
    ),
    Check(
        "D3b",
        "in two places",
        "timeline",
        Severity.ERROR,
        two_places,
        "Isolde is a day's ride away. 'You ask Isolde, and she hands you the map.'",
        "Isolde is a day's ride away. 'You write to Isolde and ask for the map.'",
        lambda case: bool(case.world.roads),
    ),
    Check(
        "D3c",
        "seen elsewhere",
        "timeline",
        Severity.ERROR,
        elsewhere,
        "A scene at the peak shows Isolde, who was in the village a minute ago.",
        "The scene begins three hours later.",
        lambda case: bool(case.scene and case.world.roads),
    ),
)
