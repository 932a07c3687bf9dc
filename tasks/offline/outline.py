"""The outline of a scene: a beat for each passage that matters, noted while it is written."""

from collections.abc import Callable, Mapping

from tasks.offline import grammar
from tasks.offline.deck import Passage, decks, fill
from tasks.story.scene import Beat

MOST = 8

_FEWEST_WORDS = 4
"""Words a quote has at least, where the passage has as many."""

_LONGEST = 500


class Outline:
    """What happens, in order. A deck that moves the plot has a deck `beat.NAME` that says how; the
    passages of any other are told by their own first words. `allowed` says what may be said."""

    def __init__(self, allowed: Callable[[str], bool]) -> None:
        self._allowed = allowed
        self._plot: list[tuple[int, Beat]] = []
        self._mood: list[tuple[int, Beat]] = []

    def note(self, deck: str, passage: Passage, values: Mapping[str, str]) -> None:
        """Remember a passage, dealt from that deck with those values."""
        quote = _quote(passage)
        cards = [card for card in decks().get(f"beat.{deck}", ()) if card.gaps <= values.keys()]
        text = grammar.clip(fill(cards[0].text, values).text if cards else quote, _LONGEST)
        if not self._allowed(text) or any(beat.text == text for _, beat in self._plot):
            cards, text = [], grammar.clip(quote, _LONGEST)
        place = len(self._plot) + len(self._mood)
        (self._plot if cards else self._mood).append((place, Beat(text=text, quote=quote)))

    @property
    def beats(self) -> list[Beat]:
        """At most eight, from the whole of the scene: mood only where there is room."""
        plot = _spread(self._plot, MOST)
        chosen = plot + _spread(self._mood, MOST - len(plot))
        return [beat for _, beat in sorted(chosen, key=lambda noted: noted[0])]


def _quote(passage: Passage) -> str:
    """The words an effect rests on, or the first sentence; more where that is very short."""
    for quote in passage.quotes.values():
        if len(quote.split()) >= _FEWEST_WORDS:
            return quote
    text, end = passage.text, 0
    for sentence in grammar.sentences(text):
        end = text.find(sentence, end) + len(sentence)
        if len(text[:end].split()) >= _FEWEST_WORDS:
            break
    return text[:end][:_LONGEST]


def _spread(noted: list[tuple[int, Beat]], most: int) -> list[tuple[int, Beat]]:
    """That many, as far apart as they can be."""
    if len(noted) <= most:
        return noted
    last = len(noted) - 1
    return [noted[n * last // max(1, most - 1)] for n in range(most)]
