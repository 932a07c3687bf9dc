"""Sentences, words and direct speech."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tasks.consistency.language.english import words as english

_SPEECH = re.compile(
    r"“[^”]*”|\"[^\"]*\"|«[^»]*»"
    r"|\u2018(?:[^\u2019]|\u2019(?=\w))*\u2019"
    # A plain ' opens speech before a word, and closes it after a stop or a comma.
    r"|(?<![\w])'(?=\w)(?:[^'\n]|'(?=\w))*[.,!?…—-]'(?!\w)"
)
_STOP = re.compile(r"(?<=[.!?…])[\"”\u2019')\]]*\s+(?=[\"“\u2018'(]?[A-Z0-9«])|\n+")
WORD = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*|\d+(?:[:.,]\d+)*|[^\w\s]")
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
        before = hidden[: match.start()].rstrip("\"”\u2019')]")
        after = hidden[match.end() : match.end() + 40]
        if _ABBREVIATION.search(before[-6:]):
            continue
        # `"Stop!" says Corin` is one sentence; so is `"Stop!" Corin says` as far as checks go.
        if "\x01" in before[-3:] and (not after or after[0].islower()):
            continue
        yield match.end()


def terms(text: str) -> list[str]:
    """Content words in lower case, ends cut off, for comparing what two texts are about."""
    found = []
    common = english("words", "common")
    for word in re.findall(r"[^\W_]+", text.lower()):
        if word not in common and len(word) > 1:
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
