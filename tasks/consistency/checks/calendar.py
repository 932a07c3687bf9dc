"""The hour, the date and ages in the prose agree with the clock."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language.durations import number
from tasks.story.verdict import Severity

_HOURS = {"dawn": (4, 8), "sunrise": (4, 9), "morning": (5, 12), "noon": (11, 14),
          "midday": (11, 14),
          "afternoon": (12, 18), "sunset": (16, 22), "dusk": (16, 22), "evening": (17, 23),
          "midnight": (22, 26), "night": (20, 30)}  # fmt: skip
"""From and to which hour a word is right; beyond 24 on the next day."""
# Cheap tests that spare most sentences the search.
_CLOCK_HINTS = ("it is", "it's", "it was", "year is", "date is", "today is", "calendar")
_AGE_HINTS = ("year", "aged", "teen", "nty", "rty", "fty", "xty", "hty", "ety", *"0123456789")
_SLACK = 2
"""Hours the prose may be off."""
_IT_IS = re.compile(
    r"(?:^|[.;:,] )(?:it is|it's|it was) (?:(?:still|only|just|barely|already|now) )?(?:the )?"
    rf"(?:early |late |broad |mid-?)?({'|'.join(_HOURS)})\b(?! watch)",
    re.IGNORECASE,
)
_MONTHS = [date(2000, month, 1).strftime("%B").lower() for month in range(1, 13)]
_DATE = re.compile(
    r"\b(?:it is|it's|the year is|the date is|today is|the calendar (?:reads|says|shows))"
    r"(?: (?:the|still|only|now))?(?: \w+day,?)?(?: (?P<day>\d{1,2})(?:st|nd|rd|th)?(?: of)?)?"
    rf"(?: (?P<month>{'|'.join(_MONTHS)}))?(?: (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?)?,?"
    r"(?: (?P<year>\d{3,4}))?\b",
    re.IGNORECASE,
)


def clock(case: Case) -> Iterator[Finding]:
    """What the prose says of the hour and the date agrees with the clock."""
    for passage in case.passages:
        for n, sentence in enumerate(passage.sentences):
            if not passage.plainly(n):
                continue
            low = sentence.plain.lower()
            if not any(hint in low for hint in _CLOCK_HINTS):
                continue
            hour = _IT_IS.search(sentence.plain)
            if hour and not _fits(case, hour.group(1).lower()):
                yield _off(case, hour.group(), sentence.text)
            day = _DATE.search(sentence.plain)
            if day and not _same_day(case, day):
                yield _off(case, day.group(), sentence.text)


def _fits(case: Case, word: str) -> bool:
    """Whether the hour lies, give or take two hours, between the clock before and after."""
    if case.span.words or (case.after.clock - case.before.clock).total_seconds() > 20 * 3600:
        return True
    low, high = _HOURS[word]
    for moment in (case.before.clock, case.after.clock):
        hour = moment.hour + moment.minute / 60
        if any(low - _SLACK <= h <= high + _SLACK for h in (hour, hour + 24)):
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
        f"'{words.strip(' .,;:')}' does not agree with the clock, "
        f"{case.after.clock:%Y-%m-%d %H:%M}.",
        quote=quote,
        fact=now.quote or f"The clock says {case.before.clock:%Y-%m-%d %H:%M}.",
        source=now.source,
        fix="Name the right hour, or let the time pass.",
        found_by="inferred",
        confidence=0.85,
        key=words,
    )


_TENS = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?"
_WORD = r"\d{1,3}|[a-z]+(?:-[a-z]+)?"
_AGE = re.compile(
    r"\b(?:(?P<a>[\w-]+)[- ]years?[- ]old\b"
    rf"|(?:is|am|are|turns?|aged?|at|of|you're|only|just|barely) (?P<b>{_WORD}) "
    r"(?:years (?:old|of age)|today|this (?:year|week|month))"
    rf"|aged (?P<c>{_WORD})\b"
    rf"|, (?P<d>\d{{1,2}}|[a-z]+teen|{_TENS}),"
    rf"|\b(?:is|am|are|turns?|turned) (?P<e>[a-z]*teen|{_TENS}|\d{{2}})(?= |[.,;])"
    r"(?! (?:minutes|miles|men|paces|steps|feet|yards|people|hours|days|of|or)))",
    re.IGNORECASE,
)
_ROUGH = re.compile(
    r"\b(?:almost|nearly|about|around|some|over|under|perhaps|than|when|since|until|bridge|house|ship"
    r"|wine|tree)\b",
    re.IGNORECASE,
)
"""Words that make an age a guess, a memory, or somebody else's."""


def ages(case: Case) -> Iterator[Finding]:
    """A stated age is the one that follows from the date of birth."""
    born = {c.id: c.born for c in case.world.characters if c.born}
    for passage in case.passages if born else ():
        for n, (sentence, row) in enumerate(zip(passage.sentences, passage.words, strict=True)):
            low = sentence.plain.lower()
            if not any(hint in low for hint in _AGE_HINTS):
                continue
            match = _AGE.search(sentence.plain)
            if not match or not passage.plainly(n) or _ROUGH.search(sentence.plain):
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
        "D9b",
        "against the clock",
        "timeline",
        Severity.ERROR,
        clock,
        "It is half past nine at night. 'It is still morning.'",
        "It is half past nine at night. 'By morning the rain has stopped.'",
    ),
    Check(
        "D9c",
        "wrong age",
        "timeline",
        Severity.ERROR,
        ages,
        "Mira was born in 1860, and it is 1887. 'Mira, nineteen, ...'",
        "'At nineteen she went to sea.'",
        lambda case: any(c.born for c in case.world.characters),
    ),
)
