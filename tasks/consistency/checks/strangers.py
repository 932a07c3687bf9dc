"""Nobody acts whom the world does not have, and nobody is in two places at once."""

from collections.abc import Iterator

from tasks.consistency.claims import Claim
from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language import verbs as v
from tasks.consistency.language.english import pattern, words
from tasks.consistency.language.passage import Clause, Passage
from tasks.consistency.language.tree import Word
from tasks.story.verdict import Severity

_STILL = v.WEAK | v.QUIET | v.RUIN | v.DIE
_PERSONS = words("words", "persons")


def unknown_people(case: Case) -> Iterator[Finding]:
    """Who acts by name is somebody the world has."""
    told = case.after_scene.narrative_text if case.after_scene else ""
    for passage in case.passages:
        for clause in passage.clauses:
            for noun in _acting(passage, clause):
                name = noun.text
                if clause.mode != "asserted" or any(part in told for part in name.split()):
                    continue
                yield Finding(
                    f"The world has nobody called {name}.",
                    quote=clause.sentence.text,
                    fact=f"The people of this world: {', '.join(_cast(case))}.",
                    fix="Let somebody of the world do it, or nobody with a name.",
                    # A scene may name a passer-by; a branch leads on from him.
                    severity=Severity.WARNING if case.scene else None,
                    found_by="inferred",
                    confidence=0.85,
                    key=name.split()[-1],
                )


def _cast(case: Case) -> list[str]:
    return [character.name for character in case.world.characters]


def _acting(passage: Passage, clause: Clause) -> Iterator[Word]:
    """The strangers who act in a clause, or are dealt with as people are."""
    node = clause.node
    for noun in node.subjects:
        if _stranger(noun):
            on_feet = any(w.low == "feet" for p in node.verb.kids("prep") for w in p.children)
            lively = clause.verb not in _STILL | {"be", "have"} or on_feet
            if lively or _called_person(noun) or _goes_on(passage, clause):
                yield noun
    for noun in (*node.receivers, *node.objects):
        if _stranger(noun) and clause.verb in v.INTERACT | v.GIVE | v.SPEAK:
            yield noun


def _goes_on(passage: Passage, clause: Clause) -> bool:
    """Whether a 'he' whom nobody else can be follows: 'Marsh is in the bath. He comes down.'"""
    after = passage.clauses[passage.clauses.index(clause) + 1 :]
    return any(not c.subjects and c.pronoun for c in after)


def _stranger(noun: Word) -> bool:
    return noun.ref is not None and noun.ref.kind == "stranger" and not noun.owns


def _called_person(noun: Word) -> bool:
    """'Marsh, her junior', 'Sully, who has done it before'."""
    who = any(c.low == "who" for r in noun.kids("relcl") for c in r.children)
    return who or any(c.lemma in _PERSONS for c in noun.kids("appos"))


def twice(case: Case) -> Iterator[Finding]:
    """Nobody is in two places at the same moment of one text."""
    seats = [(claim, place) for claim in case.claims if (place := _seat(case, claim))]
    for n, (one, here) in enumerate(seats):
        for other, there in seats[n + 1 :]:
            apart = case.atlas.roads.minutes(here, there)
            if one.who != other.who or not apart or not _at_once(case, one, other):
                continue
            yield Finding(
                f"{case.name(one.who)} is at {case.name(here)} and at {case.name(there)} at once.",
                quote=other.quote,
                fact=one.quote
                if one.quote != other.quote
                else f"From {case.name(here)} to {case.name(there)} it takes {apart} minutes.",
                fix="Let time pass between, or leave them where they are.",
                found_by="inferred",
                confidence=0.85,
                key=one.who,
            )


def _seat(case: Case, claim: Claim) -> str:
    """The place that a claim says somebody is at."""
    if not claim.asserted or not claim.firm:
        return ""
    if claim.kind == "is_at":
        return claim.what
    if claim.kind == "beside":
        return case.before.place_of(claim.whom) or ""
    return ""


def _at_once(case: Case, one: Claim, other: Claim) -> bool:
    """Whether the words between two claims say that both hold at the same moment."""
    start, end = sorted((one.word, other.word))
    between = case.text[start:end]
    moved = any(
        c.kind in ("moves", "enters", "returns") and c.who == one.who and start <= c.word <= end
        for c in case.claims
    )
    if moved or pattern("long").search(between):
        return False
    return pattern("at_once").search(other.quote) is not None


CHECKS = (
    Check(
        "D1d",
        "nobody the world has",
        "character",
        Severity.ERROR,
        unknown_people,
        "'Nemo Pike hands you a rope.'",
        "'Corin hands you a book by Nemo Pike.'",
    ),
    Check(
        "D3d",
        "in two places at once",
        "timeline",
        Severity.ERROR,
        twice,
        "'Corin waits in the Archive, and at the same moment he is in the hut on Storm Peak.'",
        "'Corin waits in the Archive. Three hours later he is in the hut on Storm Peak.'",
        lambda case: bool(case.world.roads),
    ),
)
