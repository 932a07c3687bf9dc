"""The form of what is proposed: ids, quotes, twins among the choices, dead ends."""

from collections.abc import Iterator

from tasks.consistency.examination import Case, Check, Finding, field_of
from tasks.story.effects import Effect
from tasks.story.verdict import Severity

TWIN = 0.8
"""Trigram Jaccard similarity from which two choices say the same thing."""


def unknown(case: Case) -> Iterator[Finding]:
    """Every id stands for something the world has."""
    for effect in case.effects:
        for sort, one in _ids(effect):
            if not _exists(case, sort, one, effect):
                yield _stranger(sort, one, effect.quote)
    if case.scene:
        people = [*case.scene.present, *(line.character_id for line in case.speech)]
        for one in people:
            if one not in case.atlas.characters:
                yield _stranger("character", one, case.scene.setting_description)
        # Hand-written stories may not name the place.
        if case.scene.place and case.scene.place not in case.atlas.places:
            yield _stranger("place", case.scene.place, case.scene.setting_description)
    for name, one, other in case.atlas.names.clashes:
        yield Finding(
            f"'{name}' may mean {one} or {other}; the checks take it for {one}.",
            fix="Give one of them another alias in the world file.",
            severity=Severity.INFO,
        )


_SORTS = {
    "who": "character",
    "whom": "character",
    "source": "character",
    "to": "place",
    "place": "place",
    "item": "item",
    "event": "event",
    "fact": "fact",
    "what": "place or item",
}
"""What the fields of effects are ids of."""


def _ids(effect: Effect) -> Iterator[tuple[str, str]]:
    for field, value in vars(effect).items():
        if field in _SORTS and value:
            yield _SORTS[field], value


def _exists(case: Case, sort: str, one: str, effect: Effect) -> bool:
    a = case.atlas
    tables: dict[str, tuple[object, ...]] = {
        "character": (a.characters,),
        "place": (a.places,),
        "item": (a.items,),
        "event": (a.events,),
        "fact": (a.facts, a.events),
        "place or item": (a.places, a.items),
    }
    return any(one in table for table in tables[sort])  # type: ignore[operator]


def _stranger(sort: str, one: str, quote: str) -> Finding:
    return Finding(
        f"The world has no {sort} '{one}'.",
        quote=quote,
        fact=f"No {sort} has the id '{one}'.",
        fix=f"Use a {sort} the world has, by its id.",
        key=f"{sort}:{one}",
    )


def unquoted(case: Case) -> Iterator[Finding]:
    """Every effect rests on words of its own text."""
    for step in case.steps:
        if step.at < 0:
            yield Finding(
                f"'{step.effect.kind}' rests on words the text does not contain.",
                quote=step.effect.quote,
                fix="Copy the quote from the text, or leave the effect out.",
                key=f"{step.effect.kind}:{step.effect.quote}",
            )
        elif step.mode == "dreamt" or (step.mode == "negated" and step.effect.kind != "meets"):
            # Who meets 'had never met'.
            yield Finding(
                f"'{step.effect.kind}' rests on words that do not say it happened ({step.mode}).",
                quote=step.effect.quote,
                fix="Leave the effect out.",
                key=f"mode:{step.effect.kind}:{step.effect.quote}",
            )


def undeclared(case: Case) -> Iterator[Finding]:
    """What the prose says happens is declared, so that the next scene knows it."""
    declared = {(e.kind, field_of(e, "who", "what")) for e in case.effects}
    for claim in case.claims:
        died = claim.kind == "dies" and case.before.status(claim.who) == "alive"
        one = claim.who if claim.kind == "dies" else claim.what
        known = (claim.kind, one) in declared
        if not claim.strong or known or not (died or claim.kind == "destroys"):
            continue
        what = case.name(one)
        yield Finding(
            f"The prose says '{claim.kind}' of {what}, but no effect does.",
            quote=claim.quote,
            fix=f"Declare the effect '{claim.kind}', or leave it out of the prose.",
            found_by="inferred",
            confidence=0.8,
            key=f"{claim.kind}:{what}",
        )


def twins(case: Case) -> Iterator[Finding]:
    """No two choices of a scene say the same thing."""
    if case.branch is None:
        return
    mine = case.branch
    for other in case.siblings:
        if other is mine:
            continue
        same = _plain(other.choice) == _plain(mine.choice)
        alike = similarity(
            f"{other.choice} {other.consequence}", f"{mine.choice} {mine.consequence}"
        )
        if same or alike >= TWIN:
            yield Finding(
                "This choice says the same as another one.",
                quote=mine.choice,
                fact=other.choice,
                source="sibling",
                fix="Offer the player something different, or drop it.",
                key="twin",
            )


def idle(case: Case) -> Iterator[Finding]:
    """A choice leads to something its siblings do not."""
    if case.branch is None or not case.siblings:
        return
    mine = case.branch
    for other in case.siblings:
        if other is not mine and _plain(other.consequence) == _plain(mine.consequence):
            yield Finding(
                "This choice has the same consequence as another one.",
                quote=mine.consequence,
                fact=other.consequence,
                source="sibling",
                fix="Give the choice a consequence of its own.",
                key="idle",
            )


def dead_end(case: Case) -> Iterator[Finding]:
    """After a branch somebody is left to act."""
    if case.branch is None:
        return
    alive = [who for who, life in case.after.life.items() if life.value == "alive"]
    if alive and case.after.status(case.lead) != "dead":
        return
    death = case.after.life[case.lead].since
    quote = next((e.quote for e in case.effects if e.kind == "dies"), case.branch.consequence)
    yield Finding(
        "Nobody is left to act." if not alive else "The player's character is dead after this.",
        quote=quote,
        fact=death.quote,
        source=death.source,
        fix="Let the player's character live, or make this an ending.",
        severity=Severity.ERROR if not alive else Severity.WARNING,
        key="dead end",
    )


def _plain(text: str) -> str:
    """Letters and digits only, for comparing."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def similarity(a: str, b: str) -> float:
    """Jaccard similarity of the character trigrams of two texts, 0 to 1."""
    return overlap(trigrams(a), trigrams(b))


def overlap(one: set[str], two: set[str]) -> float:
    """What two sets have in common, as a share of both."""
    shared = len(one & two)
    return shared / (len(one) + len(two) - shared) if one or two else 1.0


def trigrams(text: str) -> set[str]:
    """The runs of three letters of a text, punctuation aside."""
    plain = _plain(text)
    return {plain[n : n + 3] for n in range(max(1, len(plain) - 2))}


CHECKS = (
    Check(
        "D1",
        "unknown to the world",
        "coherence",
        Severity.ERROR,
        unknown,
        "An effect moves 'captain_nobody', who is in no world file.",
        "An effect moves 'mira'.",
        lambda case: bool(case.effects or case.scene),
    ),
    Check(
        "D1b",
        "effect without evidence",
        "coherence",
        Severity.WARNING,
        unquoted,
        "An effect quotes 'she drowns'; the text does not say so.",
        "An effect quotes words of its text.",
        lambda case: bool(case.effects),
    ),
    Check(
        "D1c",
        "effect not declared",
        "coherence",
        Severity.WARNING,
        undeclared,
        "'Corin is killed', and no effect says that Corin dies.",
        "'Corin is killed', with the effect 'dies'.",
    ),
    Check(
        "D11",
        "dead end",
        "coherence",
        Severity.WARNING,
        dead_end,
        "The player's character dies in a choice that is not an ending.",
        "Somebody else dies.",
        lambda case: case.branch is not None,
    ),
    Check(
        "D12",
        "choice without consequence",
        "coherence",
        Severity.WARNING,
        idle,
        "Two choices, one consequence.",
        "Two choices, two consequences.",
        lambda case: bool(case.siblings),
    ),
    Check(
        "D13",
        "the same choice twice",
        "coherence",
        Severity.ERROR,
        twins,
        "'Climb down the well.' and 'Climb down into the well.', with the same consequence.",
        "'Climb down the well.' and 'Shout into the well.'",
        lambda case: bool(case.siblings),
    ),
)
