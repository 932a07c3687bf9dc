"""Causes come before what they cause, and the clock does not go back."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from tasks.consistency.case import Case, Check, Finding
from tasks.consistency.checks.knowledge import tells
from tasks.consistency.language.durations import number

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
                severity="warning",
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
    for passage in case.passages:
        for sentence, marks in zip(passage.sentences, passage.modes, strict=True):
            if marks or sentence.plain.endswith("?"):
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


_HOURS = {"dawn": (4, 8), "sunrise": (4, 9), "morning": (5, 12), "noon": (11, 14), "midday": (11, 14),
          "afternoon": (12, 18), "sunset": (16, 22), "dusk": (16, 22), "evening": (17, 23),
          "midnight": (22, 26), "night": (20, 30)}  # fmt: skip
_IT_IS = re.compile(
    r"(?:^|[.;:,] )(?:it is|it's|it was) (?:(?:still|only|just|barely|not yet past|already|now) )?(?:the )?(?:early |late |broad |mid-?)?"
    r"(dawn|sunrise|morning|noon|midday|afternoon|sunset|dusk|evening|midnight|night)\b(?! watch)",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"\b(?:it is|it's|the year is|the date is|today is|the calendar (?:reads|says|shows))(?: (?:the|still|only|now))?"
    r"(?: \w+day,?)?(?: (?P<day>\d{1,2})(?:st|nd|rd|th)?(?: of)?)?(?: (?P<month>january|february|march|april|may|june|july|"
    r"august|september|october|november|december))?(?: (?P<day2>\d{1,2})(?:st|nd|rd|th)?)?,?(?: (?P<year>\d{3,4}))?\b",
    re.IGNORECASE,
)
_MONTHS = ("january february march april may june july august september october november "
           "december").split()  # fmt: skip


def clock(case: Case) -> Iterator[Finding]:
    """What the prose says of the hour and the date agrees with the clock."""
    for passage in case.passages:
        for sentence, marks in zip(passage.sentences, passage.modes, strict=True):
            if any(m != "negated" for _, m in marks):
                continue
            low = sentence.plain.lower()
            if not any(hint in low for hint in ("it is", "it's", "it was", "is ", "calendar")):
                continue
            hour = _IT_IS.search(sentence.plain)
            if hour and not _fits(case, hour.group(1).lower()):
                yield _off(case, hour.group(), sentence.text)
            day = _YEAR.search(sentence.plain)
            if day and not _same_day(case, day):
                yield _off(case, day.group(), sentence.text)


def _fits(case: Case, word: str) -> bool:
    """Whether the hour lies, give or take two hours, between the clock before and after."""
    if case.span.words or (case.after.clock - case.before.clock).total_seconds() > 20 * 3600:
        return True
    low, high = _HOURS[word]
    for moment in (case.before.clock, case.after.clock):
        hour = moment.hour + moment.minute / 60
        if any(low - 2 <= h <= high + 2 for h in (hour, hour + 24)):
            return True
    return False


def _same_day(case: Case, match: re.Match[str]) -> bool:
    year, month = match["year"], match["month"]
    day = match["day"] or match["day2"]
    if year is None and not (month and day):
        return True
    first, last = case.before.clock.date(), case.after.clock.date()
    if month is None or day is None:
        return first.year <= int(year) <= last.year
    try:
        told = date(int(year or first.year), _MONTHS.index(month.lower()) + 1, int(day))
    except ValueError:
        return False
    # Without a declared passing of time the story may have moved on; it cannot have gone back.
    return told >= first if case.declared_minutes is None else first <= told <= last


def _off(case: Case, words: str, quote: str) -> Finding:
    now = case.before.clock_since
    return Finding(
        f"'{words.strip(' .,;:')}' does not agree with the clock: {case.after.clock:%Y-%m-%d %H:%M}.",
        quote=quote,
        fact=now.quote or f"The clock says {case.before.clock:%Y-%m-%d %H:%M}.",
        source=now.source,
        fix="Name the right hour, or let the time pass.",
        found_by="inferred",
        confidence=0.85,
        key=words,
    )


_AGE = re.compile(
    r"\b(?:(?P<a>[\w-]+)[- ]years?[- ]old\b|(?:is|am|are|turns?|aged?|at|of|you're|only|just|barely) "
    r"(?P<b>\d{1,3}|[a-z]+(?:-[a-z]+)?) (?:years (?:old|of age)|today|this (?:year|week|month))|aged (?P<c>\d{1,3}|[a-z]+(?:-[a-z]+)?)\b"
    r"|, (?P<d>\d{1,2}|[a-z]+teen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?),"
    r"|\b(?:is|am|are|turns?|turned) (?P<e>[a-z]*teen|twenty|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?|\d{2})(?= |[.,;])(?! (?:minutes|miles|men|paces|steps|feet|yards|people|hours|days|of|or)))",
    re.IGNORECASE,
)
_ROUGH = re.compile(
    r"\b(?:almost|nearly|about|around|some|over|under|perhaps|than|when|since|until|bridge|house|ship|wine|tree)\b",
    re.IGNORECASE,
)


def ages(case: Case) -> Iterator[Finding]:
    """A stated age is the one that follows from the date of birth."""
    born = {c.id: c.born for c in case.world.characters if c.born}
    for passage in case.passages if born else ():
        for sentence, marks, row in zip(
            passage.sentences, passage.modes, passage.words, strict=True
        ):
            low = sentence.plain.lower()
            if not any(
                hint in low for hint in ("year", "age", "teen", "ty", "turn", *"0123456789")
            ):
                continue
            match = _AGE.search(sentence.plain)
            if not match or any(m != "negated" for _, m in marks) or _ROUGH.search(sentence.plain):
                continue
            told = next((number(g) for g in match.groups() if g and number(g) is not None), None)
            people = {w.ref.id for w in row if w.ref and w.ref.kind == "character"}
            if not people and any(w.low in {"you", "i", "you're"} for w in row):
                people = {case.lead}
            if told is None or len(people) != 1:
                continue
            who = people.pop()
            if who not in born or case.before.status(who) == "dead":
                continue
            true = {age(born[who], case.before.clock), age(born[who], case.after.clock)}
            if told not in true:
                yield Finding(
                    f"{case.name(who)} is {min(true)}, not {told}.",
                    quote=sentence.text,
                    fact=f"{case.name(who)} was born on {born[who]}.",
                    source="world",
                    fix=f"Say {min(true)}, or leave the age out.",
                    found_by="inferred",
                    confidence=0.9,
                    key=who,
                )


def age(born: date | None, now: datetime) -> int:
    """Full years from a birth to a moment."""
    if born is None:
        return -1
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


CHECKS = (
    Check(
        "D9",
        "effect before its cause",
        "timeline",
        "error",
        causes,
        "The trial follows the arrest. 'The trial begins' before anybody is arrested.",
        "'If there were a trial, you would speak.'",
        lambda case: bool(case.world.timeline),
    ),
    Check(
        "D9b",
        "against the clock",
        "timeline",
        "error",
        clock,
        "It is half past nine at night. 'It is still morning.'",
        "It is half past nine at night. 'By morning the rain has stopped.'",
    ),
    Check(
        "D9c",
        "wrong age",
        "timeline",
        "error",
        ages,
        "Mira was born in 1860, and it is 1887. 'Mira, nineteen, ...'",
        "'At nineteen she went to sea.'",
        lambda case: any(c.born for c in case.world.characters),
    ),
)
