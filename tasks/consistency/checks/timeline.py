"""Causes come before what they cause, and the clock does not go back."""

from collections.abc import Iterator
from datetime import datetime

from tasks.consistency.checks.knowledge import tells
from tasks.consistency.examination import Case, Check, Finding
from tasks.story.verdict import Severity

EARLY = 60
"""Minutes an event may come before its time."""


def causes(case: Case) -> Iterator[Finding]:
    """An event happens after the events that cause it, at its time, with who takes part."""
    for step in case.steps:
        effect = step.effect
        event = case.atlas.events.get(effect.event) if effect.kind == "happens" else None
        if event is None or step.mode == "dreamt":
            continue
        for cause in event.causes:
            if cause not in step.state.events and cause in case.atlas.events:
                yield _uncaused(case, event.id, cause, effect.quote)
        if event.when and event.id not in step.state.events:
            early = (event.when - case.after.clock).total_seconds() / 60
            if early > EARLY:
                yield _early(event.text, event.id, event.when, case.after.clock, effect.quote)
        if event.id in step.state.events:
            since = step.state.events[event.id]
            yield Finding(
                f"It has happened already: {event.text}",
                quote=effect.quote,
                fact=since.quote or event.text,
                source=since.source,
                fix="Speak of it as past.",
                severity=Severity.WARNING,
                key=event.id,
            )
    pending = [
        e.id
        for e in case.world.timeline
        if e.id not in case.before.events
        and any(c in case.atlas.events and c not in case.after.events for c in e.causes)
    ]
    if pending and not any(e.kind == "happens" for e in case.effects):
        yield from _in_prose(case, pending)


def _in_prose(case: Case, pending: list[str]) -> Iterator[Finding]:
    # Most texts share no words with an event that is still to come.
    low = case.text.lower()
    pending = [e for e in pending if sum(w in low for w in case.atlas.fact_terms[e]) >= 3]
    for passage in case.passages if pending else ():
        for n, sentence in enumerate(passage.sentences):
            if not passage.happens(n) or sentence.plain.endswith("?"):
                continue
            for event in tells(case, sentence.plain, pending):
                missing = next(
                    c for c in case.atlas.events[event].causes if c not in case.before.events
                )
                # The cause may be told just before.
                if not any(list(tells(case, s.plain, [missing])) for s in passage.sentences):
                    yield _uncaused(case, event, missing, sentence.text, inferred=True)


def _uncaused(case: Case, event: str, cause: str, quote: str, *, inferred: bool = False) -> Finding:
    what, first = case.atlas.events[event].text, case.atlas.events[cause].text
    return Finding(
        f"It cannot happen yet: {what} First: {first}",
        quote=quote,
        fact=first,
        source=cause,
        fix="Let the cause happen first.",
        found_by="inferred" if inferred else "rule",
        confidence=0.85 if inferred else 1.0,
        key=f"{event}:{cause}",
    )


def _early(text: str, event: str, when: datetime, clock: datetime, quote: str) -> Finding:
    return Finding(
        f"It is only {clock:%Y-%m-%d %H:%M}; that comes at {when:%Y-%m-%d %H:%M}: {text}",
        quote=quote,
        fact=text,
        source=event,
        fix="Let the time pass first.",
        key=event,
    )


CHECKS = (
    Check(
        "D9",
        "effect before its cause",
        "timeline",
        Severity.ERROR,
        causes,
        "The trial follows the arrest. 'The keeper stands trial.' Nobody is arrested yet.",
        "'If there were a trial, you would speak.'",
        lambda case: bool(case.world.timeline),
    ),
)
