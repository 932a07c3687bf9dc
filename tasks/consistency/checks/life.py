"""The dead and the absent do not act, speak or answer."""

from collections.abc import Callable, Iterator

from tasks.consistency.claims import Claim
from tasks.consistency.examination import Case, Check, Finding, Step, field_of
from tasks.consistency.language.english import pattern
from tasks.story.scene import SceneText
from tasks.story.state import LifeState
from tasks.story.verdict import Severity

_ACTS = ("moves", "gains", "uses", "departs", "learns", "tells", "meets", "feels", "promises",
         "keeps")  # fmt: skip
_FIX = "Let somebody who is alive and there do it, or make it a memory, a dream or a letter."


def dead_act(case: Case) -> Iterator[Finding]:
    """The dead do nothing, say nothing and die only once."""
    yield from _inactive(case, "dead", "is dead")
    yield from _after_dying(case)


def absent_act(case: Case) -> Iterator[Finding]:
    """Who has left the stage does nothing until they return."""
    yield from _inactive(case, "absent", "is away and has not returned")


def _inactive(case: Case, status: str, words: str) -> Iterator[Finding]:
    for step in case.steps:
        yield from _declared(case, step, status, words)
    gone = {who for who, life in case.before.life.items() if life.value == status}
    if not gone:
        return
    if case.scene:
        yield from _on_stage(case, case.scene, gone, words)
    back = {c.who for c in case.claims if c.kind == "returns" and c.asserted}
    for claim in case.claims:
        if claim.who not in gone or case.declares("returns", who=claim.who):
            continue
        if status == "absent" and (claim.who in back or pattern("back").search(claim.quote)):
            continue
        yield from _read(case, claim, case.before.life[claim.who], words)


def _declared(case: Case, step: Step, status: str, words: str) -> Iterator[Finding]:
    effect = step.effect
    involved = [field_of(effect, "who")]
    if effect.kind in ("tells", "meets"):
        involved.append(effect.whom)
    if effect.kind == "learns" and effect.source:
        involved.append(effect.source)
    for who in involved:
        life = step.state.life.get(who)
        if life is None or life.value != status or _before_dying(case, step, who):
            continue
        if not (effect.kind in _ACTS or (effect.kind in ("dies", "returns") and status == "dead")):
            continue
        # Things are laid in a grave and the body is carried to it.
        mild = step.mode in ("dreamt", "past", "depicted") or (
            case.grave(step.at) and effect.kind in ("moves", "gains", "tells")
        )
        # A letter, a portrait, a rumour of theirs: the prose says whether they spoke.
        mild = mild or (effect.kind == "learns" and who == effect.source)
        yield _finding(case, who, effect.quote, life, words, Severity.WARNING if mild else None)


def _before_dying(case: Case, step: Step, who: str) -> bool:
    """Whether this stands before the words of a death in the same text."""
    if case.before.status(who) != "alive":
        return False
    deaths = [
        s.at for s in case.steps if s.effect.kind in ("dies", "departs") and s.effect.who == who
    ]
    return any(step.at <= at for at in deaths)


def _after_dying(case: Case) -> Iterator[Finding]:
    """Who dies in this text does nothing in a later sentence. A warning if it may still be the
    same moment: the words of a death may be those of its cause."""
    for step in case.steps:
        effect = step.effect
        if effect.kind != "dies" or step.at < 0 or step.mode != "asserted":
            continue
        if step.state.status(effect.who) != "alive" or case.declares("returns", who=effect.who):
            continue
        end = step.at + len(effect.quote)
        for claim in case.claims:
            if claim.who != effect.who or claim.at < end or not claim.strong:
                continue
            if claim.kind in ("acts", "speaks", "lives"):
                told = case.text[end : claim.at + len(claim.quote)]
                mild: Severity | None = None if pattern("long").search(told) else Severity.WARNING
                life = case.after.life[effect.who]
                yield _finding(case, claim.who, claim.quote, life, "is dead", mild, inferred=True)


def _on_stage(case: Case, scene: SceneText, gone: set[str], words: str) -> Iterator[Finding]:
    back = {e.who for e in case.effects if e.kind == "returns"}
    for who in gone - back:
        lines = [line.text for line in case.speech if line.character_id == who]
        if lines or who in scene.present:
            mild: Severity | None = Severity.WARNING if case.framed or case.remote(-1) else None
            quote = lines[0] if lines else scene.setting_description
            yield _finding(case, who, quote, case.before.life[who], words, mild)


def _read(case: Case, claim: Claim, life: LifeState, words: str) -> Iterator[Finding]:
    if claim.kind not in ("acts", "speaks", "addressed", "lives"):
        return
    if not claim.asserted or (claim.kind == "addressed" and case.grave(claim.at)):
        return
    # Over a wire one speaks, laughs, picks up the receiver, but touches nobody.
    apart = claim.kind in ("speaks", "addressed") or (claim.kind == "acts" and not claim.whom)
    sure = claim.strong and not (apart and case.remote(claim.at))
    yield _finding(
        case, claim.who, claim.quote, life, words, None if sure else Severity.INFO, inferred=True
    )


def _finding(
    case: Case,
    who: str,
    quote: str,
    life: LifeState,
    words: str,
    severity: Severity | None,
    *,
    inferred: bool = False,
) -> Finding:
    fact = f"{case.name(who)} {words}."
    return Finding(
        f"{case.name(who)} {words}, yet acts, speaks or answers here.",
        quote=quote,
        fact=life.since.quote or fact,
        source=life.since.source,
        fix=_FIX,
        severity=severity,
        found_by="inferred" if inferred else "rule",
        confidence=0.9 if inferred else 1.0,
        key=who,
    )


def _some(status: str) -> Callable[[Case], bool]:
    return lambda case: (
        any(x.value == status for x in case.before.life.values())
        or any(e.kind in ("dies", "departs") for e in case.effects)
    )


CHECKS = (
    Check(
        "D2",
        "the dead act",
        "character",
        Severity.ERROR,
        dead_act,
        "Corin is dead. 'Corin hands you the lamp.'",
        "Corin is dead. 'You remember how Corin handed you the lamp.'",
        _some("dead"),
    ),
    Check(
        "D2b",
        "the absent act",
        "character",
        Severity.ERROR,
        absent_act,
        "Isolde has sailed away. 'Isolde opens the door.'",
        "Isolde has sailed away. 'Isolde comes back and opens the door.'",
        _some("absent"),
    ),
)
