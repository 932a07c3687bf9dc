"""Coherence: whether the sentences of a scene stand in an order that makes sense.

What form can tell of order: quotations open before they close, a person is named in full before
they are named in short and named before they are "she", what a scene changes happens in the order
it is told, and a sentence has more words in common with those near it than with those far off.
The last is lexical cohesion, weighed by distance as in the entity graph of Guinaudeau and Strube
(2013), and weak on a text of twenty sentences. Form alone cannot do much better: of passages of
fiction from the Brown corpus this tells 7 in 10 from their own shuffle, and a linear model of a
hundred surface features, trained on other passages of it, 8 in 10.

So a scene comes with its outline, its beats, and the prose is held against it: every beat has to be
told after the one before it. That sees prose whose order was changed, and prose that does not tell
what its outline says. Of the offline writer's scenes, shuffled with their paragraphs as long as
they were, it tells all with six beats or more, 99.9 % with five, 99 % with four, 96 % with three
and 75 % with none. It does not see what moves between two beats, nor a writer whose outline and
prose are muddled alike, nor whether a quote tells what its beat says; that is for a judge.
"""

import re
from itertools import combinations, pairwise

from tasks.core.words import paragraphs, sentences, words
from tasks.scoring.beats import told_in
from tasks.story.scene import SceneText
from tasks.story.world import World

ORDER, PERSONS, COHESION, PARAGRAPHS = 0.40, 0.15, 0.20, 0.25
"""Weights of the four aspects of form."""

BEATS = 0.6
"""Weight of the outline beside all of form; a scene without beats is judged by its form."""

BROKEN = 1 / 3
"""What an outline is worth at most from the first beat that is out of order. What that costs,
0.6 * 2/3, is all that form can gain."""

FEWEST_BEATS = 3
"""In as many different sentences, for full marks: fewer would be in order by chance."""

COHESION_SCALE = 5
"""Sharing a tenth more of their words with those near them takes sentences to 1."""


def coherence(scene: SceneText, world: World) -> float:
    """0 to 1; what does not apply to a scene, such as quotations, counts as in order."""
    text = scene.narrative_text
    order = (_quotations(text) + _names(text, world) + _effects(scene)) / 3
    cohesion = min(1.0, max(0.0, 0.5 + COHESION_SCALE * _cohesion(text)))
    form = (
        ORDER * order
        + PERSONS * _persons(text, world)
        + COHESION * cohesion
        + PARAGRAPHS * (len(paragraphs(text)) > 1)
    )
    return BEATS * _beats(scene) + (1 - BEATS) * form if scene.beats else form


def _beats(scene: SceneText) -> float:
    """1 if every beat is told after the one before it; else a share of BROKEN. Less where they
    stand in fewer than three sentences."""
    found = told_in(scene.beats, scene.narrative_text)
    told = [sentence for sentence in found if sentence is not None]
    order = 1 if len(told) == len(found) else BROKEN * len(told) / len(found)
    return order * min(1, len(set(told)) / FEWEST_BEATS)


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


def _persons(text: str, world: World) -> float:
    """Share of the sentences with a "she" and no name whose paragraph speaks of somebody just
    before."""
    names = [name for who in world.characters for name in (who.name, *who.aliases)]
    named = {word for name in names for word in words(name)}
    somebody = named | _PRONOUNS
    told = []
    for paragraph in paragraphs(text):
        before: set[str] = set()
        for sentence in map(set, map(words, sentences(paragraph))):
            if sentence & _PRONOUNS and not sentence & named:
                told.append(bool(before & somebody))
            before = sentence
    return sum(told) / len(told) if told else 1.0


def _effects(scene: SceneText) -> float:
    """Share of a scene's effects whose quote stands in the scene, after that of the effect
    before."""
    text = scene.narrative_text
    said = "\n".join(line.text for line in scene.dialogue)
    places = [text.index(effect.quote) for effect in scene.effects if effect.quote in text]
    lost = sum(effect.quote not in text and effect.quote not in said for effect in scene.effects)
    pairs = [before <= after for before, after in pairwise(places)]
    return sum(pairs) / (len(pairs) + lost) if pairs or lost else 1.0


def _cohesion(text: str) -> float:
    """How much more sentences share with those near them than with all others, -1 to 1: the mean
    over all pairs weighed by 1 / distance, less the plain mean."""
    stems = [
        {word[:5] for word in words(sentence) if len(word) > 3 and word not in _COMMON}
        for sentence in sentences(text)
    ]
    pairs = [(k - i, _shared(a, b)) for (i, a), (k, b) in combinations(enumerate(stems), 2)]
    if not pairs:
        return 0.0
    near = sum(shared / apart for apart, shared in pairs) / sum(1 / apart for apart, _ in pairs)
    return near - sum(shared for _, shared in pairs) / len(pairs)


def _shared(one: set[str], other: set[str]) -> float:
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


_PRONOUNS = frozenset(words("he him his himself she her hers herself they them their"))

_COMMON = frozenset(
    words(
        """about after before being could every everything from have into just like more nobody
        nothing only over said somebody something than that their them then there they this under
        were what when which whom will with would your"""
    )
)
