"""In which mode a sentence claims what it claims. Only what is asserted can contradict."""

import re
from typing import Literal, get_args

from tasks.consistency.language.english import pattern, section

Mode = Literal["asserted", "said", "dreamt", "hypothetical", "negated", "past", "depicted"]

_PLAIN_WORD = re.compile(r"([a-z'-]+)(\w[*+])?")
_IN_TEXT = re.compile(r"[a-z'-]+")
_EXACT: dict[str, Mode] = {}
_PREFIX: dict[str, Mode] = {}


def _sorted_cues() -> re.Pattern[str]:
    """The phrases among the cues as a pattern. Single words are looked up instead, which is much
    faster than trying hundreds of alternatives at every letter."""
    groups = []
    modes: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
    for name, listed in section("cues").items():
        mode = modes[name]
        phrases = []
        for cue in listed.splitlines():
            if plain := _PLAIN_WORD.fullmatch(cue):
                (_PREFIX if plain[2] else _EXACT).setdefault(plain[1], mode)
            elif cue:
                phrases.append(cue)
        if phrases:
            groups.append(rf"(?P<{mode}>\b(?:{'|'.join(phrases)})(?!\w))")
    return re.compile("|".join(groups))


_PHRASE = _sorted_cues()
_LENGTHS = sorted({len(prefix) for prefix in _PREFIX})
AFTER_ONLY = frozenset({"negated", "hypothetical", "said"})
"""Cues that reach only what follows them; the others colour the whole sentence."""


def cues(sentence: str) -> list[tuple[int, Mode]]:
    """Every cue in a sentence, with its offset, in order."""
    low = sentence.lower().replace("\u2019", "'")
    found: list[tuple[int, Mode]] = [
        (m.start(), m.lastgroup)  # type: ignore[misc]
        for m in _PHRASE.finditer(low)
    ]
    for match in _IN_TEXT.finditer(low):
        word = match.group()
        mode = _EXACT.get(word) or (_EXACT.get("n't") if word.endswith("n't") else None)
        if mode is None:
            mode = next((_PREFIX[word[:n]] for n in _LENGTHS if word[:n] in _PREFIX), None)
        if mode:
            found.append((match.start(), mode))
    return sorted(found)


def opens_frame(sentence: str) -> bool:
    """Whether a dream, a memory or a tale begins that the next sentences belong to."""
    return pattern("frame").search(sentence) is not None


def ends_frame(sentence: str) -> bool:
    """Whether a dream, a memory or a tale is over with this sentence."""
    return pattern("frame_ends").search(sentence) is not None


def unmakes(sentence: str) -> bool:
    """Whether what came before turns out to be a dream, a game or a lie."""
    return pattern("unmakes").search(sentence) is not None
