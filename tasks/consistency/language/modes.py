"""In which mode a sentence claims what it claims. Only what is asserted can contradict."""

import re
from functools import lru_cache
from typing import Literal, get_args

from tasks.consistency.language.english import pattern, section

Mode = Literal["asserted", "said", "dreamt", "hypothetical", "negated", "past", "depicted"]

_WORD = re.compile(r"([a-z'-]+?)(\\w[*+]|s\?)?")
_PHRASE = re.compile(r"([a-z'-]+) .+")
_IN_TEXT = re.compile(r"[a-z'-]+")


class _Cues:
    """The cues of `english.toml`, sorted by how they are found: looking words up is much faster
    than trying hundreds of alternatives at every letter."""

    def __init__(self) -> None:
        self.exact: dict[str, Mode] = {}
        self.prefix: dict[str, Mode] = {}
        self.phrases: dict[str, list[tuple[re.Pattern[str], Mode]]] = {}
        modes: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
        others = []
        for name, listed in section("cues").items():
            left = [cue for cue in listed.splitlines() if cue and not self._put(cue, modes[name])]
            if left:
                others.append(rf"(?P<{name}>\b(?:{'|'.join(left)})(?!\w))")
        self.others = re.compile("|".join(others))
        self.lengths = sorted({len(prefix) for prefix in self.prefix})

    def _put(self, cue: str, mode: Mode) -> bool:
        """Whether a cue is a word or a phrase that begins with one, and now kept as such."""
        if word := _WORD.fullmatch(cue):
            if word[2] and word[2] != "s?":
                self.prefix.setdefault(word[1], mode)
            else:
                self.exact.setdefault(word[1], mode)
            if word[2] == "s?":
                self.exact.setdefault(word[1] + "s", mode)
            return True
        if phrase := _PHRASE.fullmatch(cue):
            pattern = re.compile(rf"{cue}(?!\w)")
            self.phrases.setdefault(phrase[1], []).append((pattern, mode))
            return True
        return False

    def of(self, word: str, text: str, at: int) -> Mode | None:
        """The mode of a cue that begins with a word at an offset."""
        for phrase, mode in self.phrases.get(word, ()):
            if phrase.match(text, at):
                return mode
        return _word_mode(word)


@lru_cache(20_000)
def _word_mode(word: str) -> Mode | None:
    if word in _CUES.exact:
        return _CUES.exact[word]
    if word.endswith("n't"):
        return "negated"
    for length in _CUES.lengths:
        if word[:length] in _CUES.prefix:
            return _CUES.prefix[word[:length]]
    return None


_CUES = _Cues()
AFTER_ONLY = frozenset({"negated", "hypothetical", "said"})
"""Cues that reach only what follows them; the others colour the whole sentence."""


def cues(sentence: str) -> list[tuple[int, Mode]]:
    """Every cue in a sentence, with its offset, in order."""
    low = sentence.lower().replace("\u2019", "'")
    found: list[tuple[int, Mode]] = [
        (m.start(), m.lastgroup)  # type: ignore[misc]
        for m in _CUES.others.finditer(low)
    ]
    for match in _IN_TEXT.finditer(low):
        if mode := _CUES.of(match.group(), low, match.start()):
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
