"""What a rule says in plain words that nobody has, nobody has."""

import re
from collections.abc import Iterator

from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language import verbs as v
from tasks.consistency.language.english import section
from tasks.consistency.language.passage import YOU
from tasks.story.verdict import Severity
from tasks.story.world import Rule

_BAN = re.compile(
    r"^(?:nobody|no one|none)\b.*\b(?:carries|has|owns|keeps|bears|holds|drinks|smokes|possesses)"
    r" (?:an? |any )?(\w+)\.?$",
    re.IGNORECASE,
)


def banned(case: Case) -> Iterator[Finding]:
    """Nobody handles what a rule without a form keeps from everybody."""
    for rule in case.world.rules:
        things = _things(rule)
        if not things:
            continue
        for passage in case.passages:
            for clause in passage.clauses:
                who = {case.lead if s == YOU else s for s in clause.subjects}
                if clause.mode != "asserted" or not clause.firm or not who:
                    continue
                if clause.verb in v.NO_CONTACT - v.USE or not who & set(case.atlas.characters):
                    continue
                if thing := next((n for n in clause.node.around if n.lemma in things), None):
                    yield Finding(
                        f"Rule '{rule.id}' is broken by '{thing.text}': {rule.text}",
                        quote=clause.sentence.text,
                        fact=rule.text,
                        source=rule.id,
                        fix="Leave it out, or find a way within the rule.",
                        severity=Severity(rule.severity),
                        found_by="inferred",
                        confidence=0.85,
                        key=rule.id,
                    )


def _things(rule: Rule) -> frozenset[str]:
    """What a rule bans, and what is a kind of it."""
    match = None if rule.form else _BAN.search(rule.text)
    if match is None:
        return frozenset()
    noun = match[1].lower().removesuffix("s")
    kinds = section("kinds").get(noun, "").split()
    return frozenset({noun, *kinds})


CHECKS = (
    Check(
        "D10b",
        "what nobody has",
        "world_rules",
        Severity.ERROR,
        banned,
        "Nobody here carries a firearm. 'Hob cocks a pistol.'",
        "Nobody here carries a firearm. 'Hob wants a pistol.'",
        lambda case: any(_things(rule) for rule in case.world.rules),
    ),
)
