"""Decks of cards: sentences with gaps, dealt in a shuffled order and never twice on a path.

The cards are in `material/*.txt`: `# name` opens a deck, every other line is a card. A card has
gaps, `{place}`, and marks the words an effect rests on: `[moves: You came to {place}.]`
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from tasks.offline.grammar import sentences, upper_first

_GAP = re.compile(r"\{(\w+)\}")
_MARK = re.compile(r"\[(\w+): ([^\]]*)\]")
_LONGEST_QUOTE = 500

BAR = "\x1f"
"""Parts the choice of a card from its consequence; in the file it is ` | `."""


@dataclass(frozen=True)
class Card:
    """One line of a deck."""

    text: str
    gaps: frozenset[str]
    fixed: str
    """Its longest stretch without a gap: by this it is known again in a text."""

    @classmethod
    def read(cls, line: str) -> "Card":
        """A card from its line."""
        line = line.replace(" | ", BAR)
        bare = _MARK.sub(r"\2", line)
        fixed = max(re.split(rf"\{{\w+\}}|{BAR}", bare), key=len).strip()
        return cls(line, frozenset(name.lower() for name in _GAP.findall(line)), fixed)


@dataclass(frozen=True)
class Passage:
    """Words with their gaps filled, and the stretches that effects rest on."""

    text: str
    quotes: Mapping[str, str] = field(default_factory=dict)


@cache
def decks() -> Mapping[str, tuple[Card, ...]]:
    """Every deck by its name."""
    cards: dict[str, list[Card]] = {}
    name = ""
    for file in sorted((Path(__file__).parent / "material").glob("*.txt")):
        for line in filter(None, map(str.strip, file.read_text("utf-8").splitlines())):
            if line.startswith("# "):
                name = line[2:]
            else:
                cards.setdefault(name, []).append(Card.read(line))
    return {name: tuple(group) for name, group in cards.items()}


def fill(text: str, values: Mapping[str, str]) -> Passage:
    """Fill the gaps of a card or a part of one, once: what is filled in is not read again.

    A gap with a capital, `{Place}`, begins a sentence.
    """

    def value(gap: re.Match[str]) -> str:
        name = gap[1]
        words = values[name.lower()]
        return upper_first(words) if name[0].isupper() else words

    done, end, quotes = "", 0, {}
    for mark in _MARK.finditer(text):
        done += _GAP.sub(value, text[end : mark.start()])
        start = len(done)
        done += _GAP.sub(value, mark[2])
        quotes[mark[1]] = (start, len(done))
        end = mark.end()
    done = upper_first(done + _GAP.sub(value, text[end:]))
    return Passage(done, {k: done[a:b][:_LONGEST_QUOTE] for k, (a, b) in quotes.items()})


class Dealer:
    """Deals cards for one scene. `told` is everything the path has said so far."""

    def __init__(self, seed: str, told: str, clear: Callable[[str], bool]) -> None:
        self._seed = seed
        self._told = told
        self._clear = clear
        self._dealt: set[Card] = set()
        self._said = set(map(_fold, sentences(told)))

    def allowed(self, text: str) -> bool:
        """Whether a text keeps clear of every forbidden term."""
        return self._clear(text)

    def new(self, text: str) -> bool:
        """Whether none of its sentences has been said on the path."""
        return self._said.isdisjoint(map(_fold, sentences(text)))

    def has_told(self, words: str) -> bool:
        """Whether these words have been used on the path."""
        return words.casefold() in self._told.casefold()

    def say(self, text: str) -> None:
        """Remember a text as told."""
        self._said.update(map(_fold, sentences(text)))
        self._told += "\n" + text

    def deal(self, deck: str, values: Mapping[str, str]) -> Passage | None:
        """The next card of a deck whose gaps can be filled; None when no card is left.

        First a card the path has not seen, then one that reads differently with today's names.
        """
        group = list(decks().get(deck, ()))
        Random(f"{self._seed}|{deck}").shuffle(group)
        fitting = [card for card in group if card.gaps <= values.keys()]
        fresh = [c for c in fitting if c not in self._dealt and c.fixed not in self._told]
        for card in (*fresh, *(c for c in fitting if c not in fresh and c not in self._dealt)):
            passage = fill(card.text, values)
            if self.allowed(passage.text) and self.new(passage.text):
                self._dealt.add(card)
                self.say(passage.text)
                return passage
        return None


def _fold(sentence: str) -> str:
    return re.sub(r"\W+", " ", sentence).strip().casefold()
