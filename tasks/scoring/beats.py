"""Beats: where in the prose of a scene its outline is told."""

from collections.abc import Sequence
from itertools import accumulate

from tasks.core.quotes import SHORTEST, fold
from tasks.core.words import sentences, words
from tasks.story.scene import Beat

FEWEST_WORDS = 3
"""A shorter quote may stand anywhere by chance."""


def told_in(beats: Sequence[Beat], text: str) -> list[int | None]:
    """For each beat the sentence of the text its quote begins in, counted from 0; None for one
    that is out of order: its quote is too short, is not found, or is found only before the end of
    the one before it."""
    told = [fold(sentence) for sentence in sentences(text)]
    starts = list(accumulate((len(sentence) + 1 for sentence in told), initial=0))
    whole = " ".join(told)
    found: list[int | None] = []
    end = 0
    for beat in beats:
        quote = fold(beat.quote).strip("\"' ")
        long_enough = len(quote) >= SHORTEST and len(words(quote)) >= FEWEST_WORDS
        place = whole.find(quote, end) if long_enough else -1
        found.append(None if place < 0 else sum(start <= place for start in starts) - 1)
        if place < 0 and long_enough:
            place = whole.find(quote)
        if place >= 0:
            end = place + len(quote)
    return found
