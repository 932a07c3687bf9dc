"""Story time in prose: 'two hours later', 'the next morning', 'at once'."""

import re
from dataclasses import dataclass

NUMBERS = {
    word: n
    for n, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
        fifteen sixteen seventeen eighteen nineteen""".split()
    )
} | {
    word: 20 + 10 * n
    for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())
}
_UNIT = {"second": 0, "moment": 0, "heartbeat": 0, "minute": 1, "hour": 60, "day": 1440,
         "night": 720, "week": 10080, "fortnight": 20160, "month": 43200, "year": 525600}  # fmt: skip
_SPAN = re.compile(
    r"\b(?:(?P<half>half (?:an|a))|(?P<n>\d+|a few|a couple of|several|an?|[a-z]+(?:-[a-z]+)?))[ -]"
    r"(?P<unit>second|moment|heartbeat|minute|hour|day|night|week|fortnight|month|year)s?"
    r"(?P<late> later| after| pass(?:es|ed)?| on the road| of (?:walking|riding|rowing|sailing|climbing|travel)"
    r"|['’]s? (?:walk|ride|row|climb|march|sail|journey|travel))",
    re.IGNORECASE,
)
_IN = re.compile(
    r"\b(?:(?:with)?in(?:side)?|for|after|takes?|took) (?:(?:less than|under|no more than|barely|about|the|only|just) )?"
    r"(?:(?P<half>half (?:an|a))|(?P<n>\d+|a few|a couple of|several|an?|the|[a-z]+(?:-[a-z]+)?)) "
    r"(?P<unit>second|moment|heartbeat|minute|hour|day|night|week|fortnight|month|year)s?\b",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\b(?:moments? later|seconds? later|(?:a )?minutes? later|at once|in no time|instantly|immediately|in an instant|in a moment|"
    r"the (?:very )?(?:next|same) (?:moment|instant|minute|second|heartbeat)|a heartbeat later|a breath later|before the (?:bell|clock|echo|candle|kettle|tea|"
    r"song|match|ink|coffee|soup)|in the blink|before (?:anyone|he|she|they|you) can (?:blink|speak|answer|breathe|finish)|"
    r"without (?:losing|wasting) a (?:minute|moment|second)|straight(?:away| away)|while the (?:kettle|tea|coffee|soup|ink))\b",
    re.IGNORECASE,
)
_LONG = re.compile(
    r"\b(?:hours? (?:later|pass)|days? (?:later|pass)|weeks? (?:later|pass)|months? (?:later|pass)|years? later|"
    r"the (?:next|following) (?:day|morning|night|evening|week|dawn)|next (?:day|morning|night|week)|by (?:dawn|dusk|noon|nightfall|morning|evening|midnight|"
    r"sunrise|sunset|the time)|at (?:dawn|dusk|noon|nightfall|sunrise|sunset|midnight|first light)|all (?:day|night|afternoon|morning)|(?:through|until) (?:the )?(?:night|day|morning|dawn|dusk|"
    r"evening|noon)|when (?:morning|night|dawn|evening) (?:comes|falls|breaks)|overnight|tomorrow|long (?:ride|walk|journey|climb|march|voyage|road|drive)|journey|voyage|"
    r"after (?:a|the) (?:long|night|day)|eventually|at last|finally|later that|this evening|tonight)\b",
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
    if low.isdigit():
        return int(low)
    tens, _, units = low.partition("-")
    if tens in NUMBERS and (not units or units in NUMBERS):
        return NUMBERS[tens] + (NUMBERS[units] if units else 0)
    return None


def span(text: str) -> Span:
    """The time that a text says goes by."""
    for pattern in (_SPAN, _IN):
        if match := pattern.search(text):
            minutes = _minutes(match)
            if minutes is not None and minutes < 5_256_000:
                return Span(minutes, match.group().strip(), minutes > 60, minutes <= 10)
    if match := _SHORT.search(text):
        return Span(None, match.group(), short=True)
    if match := _LONG.search(text):
        return Span(None, match.group(), long=True)
    return Span()


def _minutes(match: re.Match[str]) -> int | None:
    unit = _UNIT[match["unit"].lower()]
    if match["half"]:
        return unit // 2
    word = match["n"].lower()
    count = {"a": 1, "an": 1, "the": 1, "a few": 5, "a couple of": 2, "several": 6}.get(word)
    count = number(word) if count is None else count
    return None if count is None else count * unit
