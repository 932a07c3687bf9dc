"""Finding the words that show a topic: inflected, in disguise, but not denied or in an idiom.

The rules are of English; in other languages a term is found as it is written. What this code knows
of English stands in `terms.toml`.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple


class Hit(NamedTuple):
    """A term where it stands: its words, and its sentence (both as written)."""

    words: str
    sentence: str


def find_terms(terms: tuple[str, ...], text: str) -> Iterator[Hit]:
    """Every place where `text` has one of the terms in earnest."""
    plain, at, harmless = _read(text)
    for match in _pattern(terms).finditer(plain):
        start, end = match.span()
        if any(a <= start and end <= b for a, b in harmless) or _denied(plain, start, end):
            continue
        yield Hit(text[at[start] : at[end - 1] + 1], _sentence(text, at[start]))


@lru_cache(256)
def _read(text: str) -> tuple[str, Sequence[int], list[tuple[int, int]]]:
    """A text made plain, where each character stands, and its harmless phrases."""
    plain, at = _plain(text)
    return plain, at, [m.span() for m in _harmless().finditer(plain)]


@lru_cache(512)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    forms = {form for term in terms for form in _forms(_plain(term)[0].strip())}
    # Longest first, as the first alternative that fits is taken.
    listed = "|".join(sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)" if listed else r"(?!)")


def _forms(term: str) -> Iterator[str]:
    """The forms of a term as patterns. Of a phrase, the last word is inflected."""
    if not term:
        return
    *first, last = term.split()
    lead = "".join(re.escape(word) + r"[\s-]+" for word in first)
    for form in _inflected(last):
        yield lead + re.escape(form)
        if not first and len(form) > 3:
            # Spelt with a sign or a space between all letters: k-n-i-f-e.
            yield r"[^\w\n]".join(map(re.escape, form))


def _inflected(word: str) -> set[str]:
    forms = {word, f"{word}s", f"{word}'s", f"{word}\u2019s", *_words("irregular").get(word, [])}
    if not word.isalpha() or not word.isascii():
        return forms
    short = re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", word)
    stems = {word + word[-1]} if short else {word}
    if not short and re.search(r"[aeiou][^aeiouwxy]$", word):
        stems.add(word + word[-1])
    if word.endswith("e"):
        stems = {word[:-1]}
    elif re.search(r"[^aeiou]y$", word):
        stems = {word}
        forms |= {word[:-1] + end for end in ("ies", "ied", "ier", "iers", "ily")}
    elif re.search(r"(?:s|x|z|ch|sh)$", word):
        forms.add(f"{word}es")
    for stem in stems:
        forms |= {stem + end for end in ("ed", "ing", "ings")}
        if len(word) > 3:
            forms |= {stem + end for end in ("er", "ers", "y", "ily", "ied")}
    return forms


def _denied(plain: str, start: int, end: int) -> bool:
    """Whether the words are denied: 'no one died', 'without a knife'. Only words that change
    nothing may stand between, so that 'not a moment later he killed' is no denial."""
    before, after = plain[max(0, start - 80) : start], plain[end : end + 30]
    return bool(_denial().search(before)) and not _exception().match(after)


@cache
def _denial() -> re.Pattern[str]:
    data = _data()["denial"]
    between = "|".join(data["between"].split())
    return re.compile(rf"(?<!\w)(?:{_lines(data['words'])})(?:\s+(?:{between}))*\s+$")


@cache
def _exception() -> re.Pattern[str]:
    return re.compile(rf"\W+(?:\w+\W+){{0,2}}(?:{_lines(_data()['denial']['exceptions'])})(?!\w)")


@cache
def _harmless() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_lines(_data()['harmless']['phrases'])})(?!\w)")


@cache
def _words(name: str) -> dict[str, list[str]]:
    return {word: forms.split() for word, forms in _data()[name].items()}


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("terms.toml").read_text("utf-8"))


def _lines(text: str) -> str:
    return "|".join(line.strip().replace(" ", r"\s+") for line in text.splitlines() if line.strip())


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """The text as a reader hears it, in lower case without accents, invisible characters and
    look-alikes of other alphabets, and where each of its characters stands in `text`."""
    if text.isascii():
        return text.lower().translate(_look_alikes()), range(len(text))
    plain: list[str] = []
    at: list[int] = []
    for index, character in enumerate(text):
        for c in unicodedata.normalize("NFKD", character).casefold():
            if unicodedata.category(c) not in ("Mn", "Cf"):
                plain.append(c)
                at.append(index)
    return "".join(plain).translate(_look_alikes()), at


@cache
def _look_alikes() -> dict[int, int]:
    pairs = _data()["look_alikes"]
    return str.maketrans(pairs["these"], pairs["are"])


def _sentence(text: str, at: int) -> str:
    start = max(text.rfind(mark, 0, at) for mark in (". ", "! ", "? ", "\n")) + 1
    ends = (text.find(mark, at) for mark in (". ", "! ", "? ", "\n"))
    end = min((e + 1 for e in ends if e >= 0), default=len(text))
    return text[start:end].strip()
