"""Rules in machine form hold."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.consistency.claims import Claim
from tasks.consistency.examination import Case, Check, Finding, field_of
from tasks.consistency.language.verbs import HANDLING
from tasks.core.count import counted
from tasks.story import rules
from tasks.story.verdict import Severity
from tasks.story.world import ForbidEffect, ForbidTerms, LimitEffect, Rule


def broken(case: Case) -> Iterator[Finding]:
    """Forbidden words do not occur, forbidden effects do not happen, limits are kept."""
    yield from _declared(case)
    for rule in case.world.rules:
        match rule.form:
            case ForbidTerms():
                yield from _terms(case, rule, rule.form)
            case ForbidEffect() | LimitEffect() if not case.declares(rule.form.effect):
                yield from _told(case, rule, rule.form)


def _declared(case: Case) -> Iterator[Finding]:
    for step in case.steps:
        if step.mode == "dreamt":
            continue
        effect = step.effect
        to, who = field_of(effect, "to"), field_of(effect, "who")
        here = to or case.place_of(step.state, who or case.lead)
        for rule in rules.broken(case.world, case.atlas.roads, step.state, effect, here):
            what: str = effect.kind
            if isinstance(rule.form, LimitEffect):
                so_far = rules.times(rule.form, step.state.counts)
                what += f", {counted(so_far + 1, 'time')}"
            yield _finding(rule, what, effect.quote)


def _terms(case: Case, rule: Rule, form: ForbidTerms) -> Iterator[Finding]:
    pattern = rules.whole_words(tuple(form.terms))
    if not pattern.search(case.text):
        return
    for passage in case.passages:
        for n, sentence in enumerate(passage.sentences):
            if match := pattern.search(sentence.text):
                # "There is no magic", "the magic trick": named, but not there.
                word = passage.word_at(n, match.start())
                unreal = word is not None and passage.mode_of(n, word) not in _REAL
                mild: Severity | None = (
                    Severity.WARNING if unreal or _denied(sentence.text, match.start()) else None
                )
                yield _finding(rule, match.group(), sentence.text, mild)
    spoken = [case.scene.title, *(line.text for line in case.speech)] if case.scene else []
    for text in (*spoken, *_broken_lines(case, pattern)):
        if match := pattern.search(text):
            mild = Severity.WARNING if _denied(text, match.start()) else None
            yield _finding(rule, match.group(), text, mild)


def _broken_lines(case: Case, pattern: re.Pattern[str]) -> Iterator[str]:
    """Lines of the prose between which a term is broken."""
    for text, _ in case.parts:
        for match in pattern.finditer(text):
            if "\n" in match.group():
                start = text.rfind("\n", 0, match.start()) + 1
                end = text.find("\n", match.end())
                yield text[start : end if end >= 0 else len(text)]


_REAL = ("asserted", "negated")
_DENIAL = re.compile(
    r"\b(?:no|not|never|nor|without|isn't|don't|no such|if|like|as if"
    r"|call(?:s|ed)? (?:it|him|her|them))\b"
)

_DENIAL = re.compile(
    r"\b(?:no|not|never|nor|without|isn't|don't|no such|if|like|as if"
    r"|call(?:s|ed)? (?:it|him|her|them))\b"
)


def _denied(text: str, at: int) -> bool:
    before = text[max(0, at - 40) : at].lower()
    return _DENIAL.search(before) is not None


def _finding(rule: Rule, what: str, quote: str, severity: Severity | None = None) -> Finding:
    return Finding(
        f"Rule '{rule.id}' is broken by '{what}': {rule.text}",
        quote=quote,
        fact=rule.text,
        source=rule.id,
        fix="Leave it out, or find a way within the rule.",
        severity=severity or Severity(rule.severity),
        key=rule.id,
    )


def _told(case: Case, rule: Rule, form: ForbidEffect | LimitEffect) -> Iterator[Finding]:
    """What the prose says happens, where no effect of that kind is declared."""
    if isinstance(form, LimitEffect) and rules.times(form, case.before.counts) < form.at_most:
        return
    for claim in case.claims:
        kind = "moves" if claim.kind in ("enters", "is_at") else claim.kind
        if kind != form.effect or not claim.strong or _only_handled(claim):
            continue
        if isinstance(form, LimitEffect):
            hit, what = rules.counts(form, claim.who, {claim.what}), f"{form.effect}, once more"
        else:
            actor = claim.who or case.lead
            here = claim.what if kind == "moves" else case.place_of(case.after, actor)
            hit = rules.forbids(form, claim.who, {claim.what}, here, case.atlas.roads)
            what = claim.verb
        if hit:
            found = _finding(rule, what, claim.quote)
            yield replace(found, found_by="inferred", confidence=0.9)


def _only_handled(claim: Claim) -> bool:
    """Whether a thing is held or looked at, but not used."""
    return claim.kind == "uses" and claim.verb in HANDLING


CHECKS = (
    Check(
        "D10",
        "a rule is broken",
        "world_rules",
        Severity.ERROR,
        broken,
        "No one may use the bell twice. 'You ring the bell again.'",
        "'You are tempted to ring the bell again.'",
        lambda case: any(rule.form for rule in case.world.rules),
    ),
)
