"""Nobody tells what they cannot know."""

import math
from collections.abc import Iterator

from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language.english import words
from tasks.consistency.language.passage import YOU
from tasks.consistency.language.tokens import terms
from tasks.consistency.language.verbs import SPEAK
from tasks.story.verdict import Severity

SHARE = 0.6
"""Share of a fact's weighted content words that a sentence needs to be telling it."""
_TELL = words("words", "telling")


def leaked(case: Case) -> Iterator[Finding]:
    """A secret is told only by those who know it."""
    for step in case.steps:
        effect = step.effect
        if effect.kind not in ("tells", "learns") or step.mode == "dreamt":
            continue
        who = effect.who if effect.kind == "tells" else effect.source
        fact = case.atlas.facts.get(effect.fact)
        event = case.atlas.events.get(effect.fact)
        if event and effect.fact not in step.state.events and not case.declares(
            "happens", event=effect.fact
        ):  # fmt: skip
            yield Finding(
                f"{case.name(effect.who)} speaks of what has not happened: {event.text}",
                quote=effect.quote,
                fact=event.text,
                source=event.id,
                fix="Let it happen first, or make it a fear, a plan or a prophecy.",
                # What is due may be known of: a timetable, an invitation.
                severity=Severity.WARNING if event.when and event.when > step.state.clock else None,
                key=effect.fact,
            )
        if not who or who not in case.atlas.characters or step.state.knows_fact(who, effect.fact):
            continue
        if fact and fact.secret:
            yield _unknown(case, who, effect.fact, effect.quote)
        elif fact and effect.kind == "tells":
            yield _unknown(case, who, effect.fact, effect.quote, Severity.WARNING)
    secrets = [f.id for f in case.world.facts if f.secret]
    if secrets and not any(e.kind in ("tells", "learns") for e in case.effects):
        yield from _told_in_prose(case, secrets)
    if case.scene:
        for line in case.speech:
            for fact_id in tells(case, line.text, secrets):
                who = line.character_id
                if who in case.atlas.characters and not _knows(case, who, fact_id):
                    yield _unknown(case, who, fact_id, line.text, inferred=True)


def _told_in_prose(case: Case, secrets: list[str]) -> Iterator[Finding]:
    shared: set[str] = set()
    for passage in case.passages:
        for clause in passage.clauses:
            if clause.verb not in _TELL or clause.mode in (
                "negated",
                "past",
                "hypothetical",
                "dreamt",
            ):
                continue
            people = [case.lead if s == YOU else s for s in clause.subjects]
            speech = " ".join(clause.sentence.speech)
            said = speech if speech and clause.verb in SPEAK else clause.sentence.plain
            if said.rstrip().endswith("?"):
                continue
            for fact_id in tells(case, said, secrets):
                if any(_knows(case, who, fact_id) for who in people):
                    shared.add(fact_id)
                elif fact_id not in shared and clause.firm:
                    for who in people:
                        if who in case.atlas.characters:
                            yield _unknown(case, who, fact_id, clause.sentence.text, inferred=True)


def _knows(case: Case, who: str, fact: str) -> bool:
    return case.before.knows_fact(who, fact) or case.after.knows_fact(who, fact)


def tells(case: Case, text: str, facts: list[str]) -> Iterator[str]:
    """Ids of the facts whose content a sentence gives away."""
    told = set(terms(text))
    rarity = case.atlas.term_rarity
    for one in facts:
        wanted = case.atlas.fact_terms[one]
        weight = {w: 1 / math.sqrt(rarity[w]) for w in wanted}
        shared = [w for w in wanted if w in told]
        if len(shared) >= 3 and sum(weight[w] for w in shared) >= SHARE * sum(weight.values()):
            yield one


def _unknown(
    case: Case,
    who: str,
    fact: str,
    quote: str,
    severity: Severity | None = None,
    *,
    inferred: bool = False,
) -> Finding:
    text = case.atlas.facts[fact].text
    return Finding(
        f"{case.name(who)} cannot know that: {text}",
        quote=quote,
        fact=text,
        source=fact,
        fix=f"Let {case.name(who)} learn it first, or let somebody who knows it speak.",
        severity=severity,
        found_by="inferred" if inferred else "rule",
        confidence=0.9 if inferred else 1.0,
        key=f"{who}:{fact}",
    )


CHECKS = (
    Check(
        "D6",
        "tells what they cannot know",
        "character",
        Severity.ERROR,
        leaked,
        "Only Isolde knows it. 'Corin tells you that Hob set the fire in the archive.'",
        "Only Isolde knows it. 'Corin asks who set the fire in the archive.'",
        lambda case: bool(case.world.facts or case.world.timeline),
    ),
)
