"""People are as the world says: the mute do not speak, and a mother has a child."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language.english import section, words
from tasks.consistency.language.passage import YOU, Clause
from tasks.consistency.language.tree import Word
from tasks.story.verdict import Severity
from tasks.story.world import Character

_NEVER = re.compile(
    r"\b(?:cannot|can't|can not|unable to|never|does not|doesn't|will not|refuses to) (\w+)"
)
_KIN = words("words", "kin")
_CHILDREN = frozenset({"child", "son", "daughter"})
Bars = Callable[[Clause], bool]


def against_traits(case: Case) -> Iterator[Finding]:
    """Nobody does what a trait of theirs rules out."""
    for passage in case.passages:
        for clause in passage.clauses:
            if clause.mode != "asserted" or not clause.firm or clause.passive:
                continue
            for who in clause.subjects:
                person = case.atlas.characters.get(case.lead if who == YOU else who)
                if person is None or case.before.status(person.id) == "dead":
                    continue
                for trait in person.traits:
                    if any(bars(clause) for bars in _bars(trait)):
                        yield _unlike(case, person, trait, clause)


def _unlike(case: Case, person: Character, trait: str, clause: Clause) -> Finding:
    return Finding(
        f"{person.name} is {trait}.",
        quote=clause.sentence.text,
        fact=f"{person.name} is {trait}.",
        fix="Let somebody else do it, or find another way for them.",
        found_by="inferred",
        confidence=0.85,
        key=f"{person.id}:{trait}",
    )


@lru_cache(512)
def _bars(trait: str) -> tuple[Bars, ...]:
    """What a trait rules out, where its words are sure."""
    low = trait.lower()
    found: list[Bars] = []
    for name, table in section("traits").items():
        if re.search(rf"\b(?:{'|'.join(section('trait_words')[name].split())})\b", low):
            found.append(_barred(table))
    if match := _NEVER.search(low):
        found.append(_done(match[1]))
    return tuple(found)


def _done(verb: str) -> Bars:
    return lambda clause: verb in (clause.verb, clause.verb + "s", clause.verb + "es")


def _barred(table: str) -> Bars:
    """`say shout`: these verbs; `drink: wine beer`: a verb with these things."""
    plain: set[str] = set()
    things: dict[str, set[str]] = {}
    for line in table.strip().splitlines():
        verbs, _, nouns = line.partition(":")
        if nouns:
            things |= {verb: set(nouns.split()) for verb in verbs.split()}
        else:
            plain |= set(verbs.split())

    def bars(clause: Clause) -> bool:
        if clause.verb in plain and not _otherwise(clause):
            return True
        return any(_of(noun, things.get(clause.verb, set())) for noun in clause.node.around)

    return bars


def _of(noun: Word, wanted: set[str]) -> bool:
    pair = {f"{c.low}_{noun.lemma}" for c in noun.children}
    return noun.lemma in wanted or bool(pair & wanted)


def _otherwise(clause: Clause) -> bool:
    """'reads it with her fingertips', 'says on his slate': another sense or way is named."""
    return any(noun.lemma in words("words", "other_ways") for noun in clause.node.around)


def against_kin(case: Case) -> Iterator[Finding]:
    """Nobody is another's kin than the world says, or has none whom it gives some."""
    for passage in case.passages:
        for clause in passage.clauses:
            for who in clause.subjects if clause.firm else ():
                one = case.lead if who == YOU else who
                if one not in case.atlas.characters:
                    continue
                if clause.verb == "have" and clause.mode == "negated":
                    yield from _without(case, one, clause)


def _without(case: Case, one: str, clause: Clause) -> Iterator[Finding]:
    for noun in clause.node.objects:
        kinds = _CHILDREN if noun.lemma in ("child", "kid", "family") else {noun.lemma} & _KIN
        for kind in sorted(kinds):
            for kin in sorted(case.atlas.names.relatives(one, kind)):
                other = case.name(kin)
                fact = f"{other} is the {kind} of {case.name(one)}."
                yield Finding(
                    fact,
                    quote=clause.sentence.text,
                    fact=fact,
                    fix="Leave it out.",
                    found_by="inferred",
                    confidence=0.85,
                    key=f"{one}:{kin}",
                )


CHECKS = (
    Check(
        "D16",
        "against their nature",
        "character",
        Severity.ERROR,
        against_traits,
        "Hob is mute. 'Hob shouts across the deck.'",
        "Hob is mute. 'Hob nods and writes it down.'",
        lambda case: any(c.traits for c in case.world.characters),
    ),
    Check(
        "D16b",
        "against kinship",
        "character",
        Severity.ERROR,
        against_kin,
        "Mira is Corin's sister. 'Corin never had a sister.'",
        "Mira is Corin's sister. 'Corin never had a brother.'",
        lambda case: any(c.relationships for c in case.world.characters),
    ),
)
