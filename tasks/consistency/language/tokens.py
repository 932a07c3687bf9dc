"""Sentences, words and direct speech."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_SPEECH = re.compile(
    r"“[^”]*”|\"[^\"]*\"|«[^»]*»|‘(?:[^’]|’(?=\w))*’|(?<![\w])'(?=\w)(?:[^'\n]|'(?=\w))*[.,!?…—-]'(?!\w)"
)
_STOP = re.compile(r"(?<=[.!?…])[\"”’')\]]*\s+(?=[\"“‘'(]?[A-Z0-9«])|\n+")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|\d+(?:[:.,]\d+)*|[^\w\s]")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Sgt|Capt|Col|Gen|Prof|Rev|Fr|Lt|No|[A-Z])\.$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its direct speech taken out: `plain` has `"` where each stood.

    `start` is its offset in the text.
    """

    text: str
    start: int
    plain: str
    speech: tuple[str, ...]


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a text, in order. Direct speech never ends one."""
    spoken = {m.start(): m.group() for m in _SPEECH.finditer(text)}
    hidden = text
    for start, words in spoken.items():
        # A quotation that ends a sentence keeps its stop, so that the next one begins.
        end = words[-2] if len(words) > 2 and words[-2] in ".!?" else "\x01"
        hidden = hidden[:start] + "\x01" * (len(words) - 1) + end + hidden[start + len(words) :]
    first = 0
    for stop in [*_stops(hidden), len(text)]:
        part = text[first:stop]
        if part.strip():
            skipped = len(part) - len(part.lstrip())
            start = first + skipped
            speech = tuple(words[1:-1] for at, words in spoken.items() if first <= at < stop)
            plain = re.sub(r"\x01+[.!?]?", '" ', hidden[start:stop]).strip()
            yield Sentence(part.strip(), start, plain, speech)
        first = stop


def _stops(hidden: str) -> Iterator[int]:
    for match in _STOP.finditer(hidden):
        before = hidden[: match.start()].rstrip("\"”’')]")
        after = hidden[match.end() : match.end() + 40]
        if _ABBREVIATION.search(before[-6:]):
            continue
        # `"Stop!" says Corin` is one sentence; so is `"Stop!" Corin says` as far as checks go.
        if "\x01" in before[-3:] and (not after or after[0].islower()):
            continue
        yield match.end()


def words(text: str) -> list[tuple[str, int]]:
    """Words, numbers and marks of a text, with their offsets."""
    return [(m.group(), m.start()) for m in _WORD.finditer(text)]


_FOLD = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-"}
)


def terms(text: str) -> list[str]:
    """Content words in lower case, ends cut off, for comparing what two texts are about."""
    found = []
    for word in re.findall(r"[^\W_]+", text.translate(_FOLD).lower()):
        if word not in _COMMON and len(word) > 1:
            found.append(stem(word))
    return found


@lru_cache(20_000)
def stem(word: str) -> str:
    """A word without its commonest endings: 'burning' and 'burned' become 'burn'."""
    for end in ("ingly", "edly", "ing", "ies", "ied", "ed", "es", "ly", "s", "e"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            word = word[: -len(end)] + ("y" if end in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word


_COMMON = frozenset(
    """a an the and or but nor so yet of in on at to from by with without for into onto over under
    up down out off as is are was were be been being am do does did has have had will would can
    could shall should may might must not no n't it its he she they him her them his hers their you
    your yours i me my mine we us our this that these those there here who whom whose which what
    when where why how if then than too very just also only all any each some one s t re ll ve d m
    about after before again against between both more most other such own same while until through
    during above below once""".split()
)
