"""Coherence: whether the sentences of a scene stand in an order that makes sense.

What form can tell of order: quotations open before they close, a person is named in full before
they are named in short, what a scene changes happens in the order it is told, and a sentence has
more words in common with the one before than with any other. The last is the idea of lexical
cohesion (Hearst, TextTiling, 1997), and weak on a text of twenty sentences.
"""

import re
from collections.abc import Sequence
from itertools import combinations, pairwise

from tasks.story.effects import Effect
from tasks.story.scene import SceneText
from tasks.story.world import World
from tasks.words import paragraphs, sentences, words

ORDER, COHESION, PARAGRAPHS = 0.55, 0.30, 0.15
"""Weights of the three aspects."""

COHESION_SCALE = 5
"""Sharing a tenth more of their words with neighbours than with others takes sentences to 1."""


def coherence(scene: SceneText, world: World) -> float:
    """0 to 1; what does not apply to a scene, such as quotations, counts as in order."""
    text = scene.narrative_text
    order = _quotations(text) * _names(text, world) * _effects(text, scene.effects)
    cohesion = min(1.0, max(0.0, 0.5 + COHESION_SCALE * _cohesion(text)))
    return ORDER * order + COHESION * cohesion + PARAGRAPHS * (len(paragraphs(text)) > 1)


def _quotations(text: str) -> float:
    """Share of quotation marks that open what is closed or close what is open, in a paragraph."""
    marks = faults = 0
    for paragraph in paragraphs(text):
        within = False
        for mark in re.finditer(r'["“”]', paragraph):
            before = paragraph[: mark.start()][-1:]
            opens = mark[0] == "“" or (mark[0] == '"' and (not before or before in " \n(—"))
            marks += 1
            faults += opens == within
            within = opens
        marks += within
        faults += within
    return 1 - faults / marks if marks else 1.0


def _names(text: str, world: World) -> float:
    """Share of the people named in full who are not named in short before."""
    low = text.casefold()
    in_order = []
    for character in world.characters:
        full = character.name.casefold()
        short = [word for word in words(full) if len(word) > 2 and word != "the"]
        if len(short) > 1 and full in low:
            found = (re.search(rf"\b{re.escape(word)}\b", low) for word in short)
            first = min((match.start() for match in found if match), default=len(low))
            in_order.append(first >= low.index(full))
    return sum(in_order) / len(in_order) if in_order else 1.0


def _effects(text: str, effects: Sequence[Effect]) -> float:
    """Share of a scene's effects whose quote stands after that of the effect before."""
    places = [text.index(effect.quote) for effect in effects if effect.quote in text]
    pairs = [before <= after for before, after in pairwise(places)]
    return sum(pairs) / len(pairs) if pairs else 1.0


def _cohesion(text: str) -> float:
    """How much more sentences share with their neighbours than with those further off, -1 to 1."""
    stems = [
        {word[:5] for word in words(sentence) if len(word) > 3 and word not in _COMMON}
        for sentence in sentences(text)
    ]
    near = [_shared(a, b) for a, b in pairwise(stems)]
    far = [_shared(a, b) for (i, a), (k, b) in combinations(enumerate(stems), 2) if k - i > 1]
    return sum(near) / len(near) - sum(far) / len(far) if near and far else 0.0


def _shared(one: set[str], other: set[str]) -> float:
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


_COMMON = frozenset(
    words(
        """about after before being could every everything from have into just like more nobody
        nothing only over said somebody something than that their them then there they this under
        were what when which whom will with would your"""
    )
)
