"""Rules in machine form hold."""

import re
from collections.abc import Iterator
from functools import lru_cache

from tasks.consistency.claims import Claim
from tasks.consistency.examination import Case, Check, Finding, field_of
from tasks.consistency.language.verbs import HANDLING
from tasks.core.count import counted
from tasks.story.effects import Effect
from tasks.story.state import objects
from tasks.story.verdict import Severity
from tasks.story.world import ForbidEffect, ForbidTerms, LimitEffect, Rule


def broken(case: Case) -> Iterator[Finding]:
    """Forbidden words do not occur, forbidden effects do not happen, limits are kept."""
    for rule in case.world.rules:
        if isinstance(rule.form, ForbidTerms):
            yield from _terms(case, rule, rule.form)
        elif isinstance(rule.form, ForbidEffect):
            yield from _forbidden(case, rule, rule.form)
        elif isinstance(rule.form, LimitEffect):
            yield from _limited(case, rule, rule.form)


def _terms(case: Case, rule: Rule, form: ForbidTerms) -> Iterator[Finding]:
    pattern = _words(tuple(form.terms))
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


@lru_cache(256)
def _words(terms: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(terms, key=len, reverse=True)
    words = "|".join(r"\s+".join(map(re.escape, term.split())) for term in longest)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


_REAL = ("asserted", "negated")
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


def _forbidden(case: Case, rule: Rule, form: ForbidEffect) -> Iterator[Finding]:
    for step in case.steps:
        if step.mode == "dreamt" or step.effect.kind != form.effect:
            continue
        who = field_of(step.effect, "who")
        here = field_of(step.effect, "to") or case.place_of(step.state, who or case.lead)
        if _bound(case, form, here, who, list(objects(step.effect))):
            yield _finding(rule, step.effect.kind, step.effect.quote)
    if any(e.kind == form.effect for e in case.effects):
        return
    for claim in case.claims:
        kind = "moves" if claim.kind in ("enters", "is_at") else claim.kind
        if kind != form.effect or not claim.strong or _only_handled(claim):
            continue
        here = claim.what if kind == "moves" else case.place_of(case.after, claim.who or case.lead)
        if _bound(case, form, here, claim.who, [claim.what]):
            found = _finding(rule, claim.verb, claim.quote)
            yield Finding(
                found.message, found.quote, found.fact, found.source, found.fix,
                found.severity, "inferred", 0.9, found.key,
            )  # fmt: skip


def _only_handled(claim: Claim) -> bool:
    """Whether a thing is held or looked at, but not used."""
    return claim.kind == "uses" and claim.verb in HANDLING


def _bound(case: Case, form: ForbidEffect, here: str | None, who: str, what: list[str]) -> bool:
    """Whether a rule's lists match what happens at a place: empty ones match everything."""
    if (form.who and who not in form.who) or who in form.except_who:
        return False
    if form.what and not set(form.what) & set(what):
        return False
    return not form.at or any(case.atlas.inside(here, outer) for outer in form.at)


def _limited(case: Case, rule: Rule, form: LimitEffect) -> Iterator[Finding]:
    now = [e for e in case.effects if e.kind == form.effect and _counts(form, e)]
    counts = case.before.counts.get(form.effect, {})
    before = sum(n for key, n in counts.items() if _counted(form, key))
    if now and before + len(now) > form.at_most:
        times = before + len(now)
        yield _finding(rule, f"{form.effect}, {counted(times, 'time')}", now[-1].quote)
    if any(e.kind == form.effect for e in case.effects) or before < form.at_most:
        return
    for claim in case.claims:
        if claim.kind != form.effect or not claim.strong or _only_handled(claim):
            continue
        if _counted(form, f"{claim.who}|{claim.what}"):
            found = _finding(rule, f"{form.effect}, once more", claim.quote)
            yield Finding(
                    found.message, found.quote, found.fact, found.source, found.fix,
                    found.severity, "inferred", 0.9, found.key,
                )  # fmt: skip


def _counts(form: LimitEffect, effect: Effect) -> bool:
    return (not form.who or field_of(effect, "who") in form.who) and (
        not form.what or bool(set(form.what) & set(objects(effect)))
    )


def _counted(form: LimitEffect, key: str) -> bool:
    who, what = key.split("|", 1)
    return (not form.who or who in form.who) and (not form.what or what in form.what)


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
