"""The prose of a scene while it is written: passages in paragraphs, with their effects."""

from collections.abc import Mapping

from tasks.offline.deck import Passage
from tasks.offline.outline import Outline
from tasks.offline.situation import Situation

FEWEST_WORDS = 80
"""No scene is shorter, whatever the brief asks."""


class Page:
    """Paragraphs of dealt passages."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.outline = Outline(situation.dealer.allowed)
        self._paragraphs: list[list[str]] = [[]]

    def add(self, deck: str, values: Mapping[str, str] | None = None) -> Passage | None:
        """Deal from a deck into the paragraph; None if it had no card left."""
        words = self.situation.values | dict(values or {})
        passage = self.situation.dealer.deal(deck, words)
        if passage:
            self._paragraphs[-1].append(passage.text)
            self.outline.note(deck, passage, words)
        return passage

    def add_with(
        self, deck: str, values: Mapping[str, str], kind: str, effect: Mapping[str, object]
    ) -> None:
        """Deal a passage that changes something, if the rules permit the change.

        `effect` is an effect of that kind without its quote.
        """
        situation = self.situation
        if not situation.permits(kind, effect):
            return
        if passage := self.add(deck, values):
            situation.try_effects(situation.effect(kind, effect, passage.quotes[kind]))

    def end_paragraph(self) -> None:
        """Begin a new paragraph."""
        if self._paragraphs[-1]:
            self._paragraphs.append([])

    def put(self, text: str) -> None:
        """Add a paragraph as it is."""
        self._paragraphs[-1:] = [*filter(None, self._paragraphs[-1:]), [text], []]

    def fill(self, decks: tuple[str, ...], words: int) -> None:
        """Add passages from these decks in turn until there are enough words or no cards."""
        words = max(words, FEWEST_WORDS)
        while self.words < words:
            before = self.words
            for deck in decks:
                if self.words < words:
                    self.add(deck)
            if self.words == before:
                return
            self.end_paragraph()

    @property
    def words(self) -> int:
        """Words so far."""
        return len(self.text.split())

    @property
    def text(self) -> str:
        """The prose, paragraphs apart."""
        return "\n\n".join(" ".join(paragraph) for paragraph in self._paragraphs if paragraph)
