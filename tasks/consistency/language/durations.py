"""Story time in prose: 'two hours later', 'the next morning', 'at once'."""

import re
from dataclasses import dataclass

from tasks.consistency.language.english import pattern

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS = {word: n for n, word in enumerate(_UNITS.split(" "))} | {
    word: 20 + 10 * n for n, word in enumerate(_TENS.split(" "))
}
_UNIT = {"second": 0, "moment": 0, "heartbeat": 0, "minute": 1, "hour": 60, "day": 1440,
         "night": 720, "week": 10080, "fortnight": 20160, "month": 43200,
         "year": 525600}  # fmt: skip
_AMOUNT = (
    r"(?:(?P<half>half (?:an|a))|(?P<part>a quarter|three[- ]quarters|the (?:better|best) part)"
    r" of (?:an|a|the)"
    r"|(?P<n>\d+|a few|a couple of|several|an?|the|[a-z]+(?:-[a-z]+)?))"
    r"[ -](?P<unit>second|moment|heartbeat|minute|hour|day|night|week|fortnight|month|year)s?"
)
_SPAN = re.compile(
    rf"\b{_AMOUNT}(?: later| after| pass(?:es|ed)?| (?:goes|go|went) by| on the road"
    r"| of (?:walking|riding|rowing|sailing|climbing|travel)"
    r"|['\u2019]s? (?:walk|ride|row|climb|march|sail|journey|travel|recess|break|rest"
    r"|pause|start|grace|delay|adjournment))",
    re.IGNORECASE,
)
_IN = re.compile(
    r"\b(?:(?:with)?in(?:side)?|for|after|takes?|took) "
    rf"(?:(?:less than|under|no more than|barely|about|only|just) )?{_AMOUNT}\b",
    re.IGNORECASE,
)


_CLOCK = re.compile(
    r"\b(?:at|by|before|until|till|since|from) (?:about )?"
    r"(?:(?P<part>a quarter|half|\w+) (?P<side>to|past) )?"
    r"(?P<hour>one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
    # 'by ten paces', 'before two of them' tell no time.
    r"(?! (?!o'clock)(?:of|more|or|\w+s)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """How much time a text says goes by: minutes if it says so, else only a hint."""

    minutes: int | None = None
    words: str = ""
    long: bool = False
    short: bool = False


def number(word: str) -> int | None:
    """The value of '12', 'twelve' or 'forty-two'; None for anything else."""
    low = word.lower()
    if low.isdecimal():
        return int(low)
    tens, _, units = low.partition("-")
    if tens in NUMBERS and (not units or units in NUMBERS):
        return NUMBERS[tens] + (NUMBERS[units] if units else 0)
    return None


def span(text: str) -> Span:
    """The time that a text says goes by."""
    for amount in (_SPAN, _IN):
        if match := amount.search(text):
            minutes = _minutes(match)
            if minutes is not None and minutes < 5_256_000:
                return Span(minutes, match.group().strip(), minutes > 60, minutes <= 10)
    told = [_o_clock(match) for match in _CLOCK.finditer(text)]
    if len(told) > 1 and (minutes := (told[-1] - told[0]) % 720):
        return Span(minutes, "", minutes > 60, minutes <= 10)
    if match := pattern("short").search(text):
        return Span(None, match.group(), short=True)
    if match := pattern("long").search(text):
        return Span(None, match.group(), long=True)
    return Span()


def _o_clock(match: re.Match[str]) -> int:
    """Minutes of a time on the clock's face."""
    part = (match["part"] or "").lower()
    minutes = {"": 0, "a quarter": 15, "half": 30}.get(part, number(part) or 0)
    hour = 60 * NUMBERS[match["hour"].lower()]
    return hour - minutes if (match["side"] or "").lower() == "to" else hour + minutes


def _minutes(match: re.Match[str]) -> int | None:
    unit = _UNIT[match["unit"].lower()]
    if match["half"]:
        return unit // 2
    if match["part"]:
        return unit // 4 if match["part"].lower() == "a quarter" else unit * 3 // 4
    word = match["n"].lower()
    count = {"a": 1, "an": 1, "the": 1, "a few": 5, "a couple of": 2, "several": 6}.get(word)
    count = number(word) if count is None else count
    return None if count is None else count * unit
