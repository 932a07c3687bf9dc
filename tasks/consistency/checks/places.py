"""Destroyed places stay destroyed; closed places are not entered."""

from collections.abc import Callable, Iterator

from tasks.consistency.claims import Claim, calls_ruin
from tasks.consistency.examination import Case, Check, Finding, field_of, sentence
from tasks.consistency.language.english import pattern
from tasks.story.state import PathState, PlaceState
from tasks.story.verdict import Severity


def gone(case: Case) -> Iterator[Finding]:
    """Nobody goes into, stands in or opens a place that no longer stands."""
    for step in case.steps:
        effect = step.effect
        what = field_of(effect, "to", "place")
        what = what or (effect.what if effect.kind == "destroys" else "")
        place = _outer(case, step.state, what, "destroyed")
        if place and step.mode != "dreamt" and not _ruin(case, what):
            yield _finding(case, what, place, "is destroyed", effect.quote)
    for claim in case.claims:
        place = _outer(case, case.before, claim.what, "destroyed")
        if not place or not claim.asserted or _ruin(case, claim.what):
            continue
        if claim.kind in ("enters", "is_at", "opens", "closes", "moves") and claim.firm:
            sure = claim.kind in ("enters", "is_at")
            yield _finding(case, claim.what, place, "is destroyed", claim.quote, True, sure)
        elif claim.kind == "stands" and claim.firm:
            yield _finding(case, claim.what, place, "is destroyed", claim.quote, True, True)
    if case.scene:
        place = _outer(case, case.before, case.scene.place, "destroyed")
        if place and not _ruin(case, case.scene.place):
            quote = case.scene.setting_description
            yield _finding(case, case.scene.place, place, "is destroyed", quote)


def shut(case: Case) -> Iterator[Finding]:
    """Nobody enters a closed place before it is opened."""
    for step in case.steps:
        effect = step.effect
        if effect.kind not in ("moves", "returns") or step.mode == "dreamt":
            continue
        place = _outer(case, step.state, effect.to, "closed")
        if place and not _inside(case, step.state, effect.who, effect.to):
            yield _finding(case, effect.to, place, "is closed", effect.quote)
    opened = {c.what for c in case.claims if c.kind == "opens" and c.asserted}
    moved = {e.to for e in case.effects if e.kind in ("moves", "returns")}
    opened |= {e.place for e in case.effects if e.kind == "opens"} | moved
    for claim in case.claims:
        place = _outer(case, case.before, claim.what, "closed")
        if not place or not claim.strong or claim.what in opened:
            continue
        if not _goes_in(case, claim) or _inside(case, case.before, claim.who, claim.what):
            continue
        yield _finding(case, claim.what, place, "is closed", claim.quote, True, True)
    if case.scene:
        place = _outer(case, case.before, case.scene.place, "closed")
        here = _inside(case, case.before, case.lead, case.scene.place)
        if place and not here and case.scene.place not in opened:
            quote = case.scene.setting_description
            yield _finding(case, case.scene.place, place, "is closed", quote)


def _goes_in(case: Case, claim: Claim) -> bool:
    """Whether somebody enters, or goes to a place without a word of its door."""
    if claim.kind == "moves":
        return pattern("outside").search(case.text) is None
    return claim.kind in ("enters", "is_at")


def _outer(case: Case, state: PathState, place: str, status: str) -> PlaceState | None:
    """The state of a place, or of one it is part of, that has this status."""
    at: str | None = place
    while at:
        found = state.places.get(at)
        if found and found.value == status:
            return found
        at = case.atlas.places[at].within if at in case.atlas.places else None
    return None


def _inside(case: Case, state: PathState, who: str, place: str) -> bool:
    at = state.place_of(who)
    return at is not None and case.atlas.roads.inside(at, place)


def _ruin(case: Case, place: str) -> bool:
    """Whether the prose calls the place what it is: a ruin."""
    return any(calls_ruin(passage, place) for passage in case.passages)


def _finding(
    case: Case, what: str, place: PlaceState, words: str, quote: str, inferred: bool = False,
    sure: bool = True,
) -> Finding:  # fmt: skip
    return Finding(
        f"{case.name(what)} {words}.",
        quote=quote,
        fact=place.since.quote or sentence(f"{case.name(what)} {words}."),
        source=place.since.source,
        fix="Choose another place, or "
        + ("show what is left of it." if words == "is destroyed" else "open it first."),
        severity=None if sure else Severity.WARNING,
        found_by="inferred" if inferred else "rule",
        confidence=0.9 if inferred else 1.0,
        key=what,
    )


def _any(status: str) -> Callable[[Case], bool]:
    return lambda case: (
        any(p.value == status for p in case.before.places.values())
        or any(e.kind in ("destroys", "closes") for e in case.effects)
    )


CHECKS = (
    Check(
        "D5",
        "in a place that is gone",
        "world_rules",
        Severity.ERROR,
        gone,
        "The bridge fell. 'You cross the bridge.'",
        "The bridge fell. 'You remember crossing the bridge.'",
        _any("destroyed"),
    ),
    Check(
        "D5b",
        "in a closed place",
        "world_rules",
        Severity.ERROR,
        shut,
        "The archive is closed. 'You walk into the archive.'",
        "The archive is closed. 'You stand before the archive's locked door.'",
        _any("closed"),
    ),
)
