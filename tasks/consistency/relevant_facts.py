"""Choosing the facts a text is about, so that the judge reads few of many.

Retrieval only chooses; it never judges: similarity does not see contradiction.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from tasks.consistency.examination import Case
from tasks.consistency.language.tokens import terms
from tasks.consistency.world_index import atlas
from tasks.core.cache_by_identity import cache_by_identity
from tasks.core.count import counted
from tasks.core.errors import UserError
from tasks.story.brief import Brief
from tasks.story.state import PathState, Statement
from tasks.story.world import World
from tasks.world.boundaries import merged, spell

MOST = 24
"""Facts a judge is given, whatever the length of the path."""


def statements(world: World, brief: Brief | None, state: PathState) -> list[Statement]:
    """Everything known at this point: the state, and the world's facts, rules and roads."""
    names = atlas(world).name
    known = state.statements(world)
    known += [
        Statement(id=f"fact:{f.id}", text=f.text, about=[f.about or f.id]) for f in world.facts
    ]
    known += [Statement(id=f"rule:{r.id}", text=r.text) for r in world.rules]
    known += [
        Statement(id=f"boundary:{b.topic}", text=spell(b))
        for b in merged(world, brief)
        if b.level != "ok"
    ]
    known += [
        Statement(
            id=f"road:{a}:{b}",
            text=f"From {names(a)} to {names(b)} it takes at least "
            f"{counted(road.minutes, 'minute')}.",
            about=[a, b],
        )
        for road in world.roads
        for a, b in [road.between]
    ]
    known += [
        Statement(id=f"trait:{c.id}", text=f"{c.name} is {', '.join(c.traits)}.", about=[c.id])
        for c in world.characters
        if c.traits
    ]
    return known


def relevant(case: Case, embeddings: Path | None = None, most: int = MOST) -> list[Statement]:
    """The statements a text is about, best first: by similarity, and a share more for each thing
    of the world both speak of. Boundaries and rules always come along."""
    known, words = _known(case.world, case.brief, case.before)
    if embeddings:
        scores = by_embeddings(case.text, [s.text for s in known], embeddings)
    else:
        scores = words.similarity(case.text)
    named = {w.ref.id for p in case.passages for row in p.words for w in row if w.ref}
    named |= {case.lead} if "you" in case.text.lower().split() else set()
    ranked = sorted(
        zip(known, scores, strict=True),
        key=lambda pair: -(pair[1] + 0.3 * len(named & set(pair[0].about))),
    )
    always = [s for s in known if s.id.startswith("boundary:")]
    always += [s for s in known if s.id.startswith("rule:")][: most // 3]
    first = {s.id for s in always}
    rest = [s for s, _ in ranked if s.id not in first]
    return [*always, *rest][:most]


def by_embeddings(query: str, texts: Sequence[str], folder: Path) -> list[float]:
    """Cosine of static embeddings. Raises UserError if the model cannot be used."""
    vectors = _model(folder).encode([query, *texts])
    lengths = [math.sqrt(float(v @ v)) or 1.0 for v in vectors]
    return [
        float(vectors[0] @ v) / (lengths[0] * n)
        for v, n in zip(vectors[1:], lengths[1:], strict=True)
    ]


@cache
def _model(folder: Path) -> Any:
    try:
        from model2vec import StaticModel

        return StaticModel.from_pretrained(folder)
    except ImportError:
        raise UserError(
            "TALEWRIGHT_EMBEDDINGS is set, but model2vec is not installed: "
            "pip install 'talewright[embeddings]'"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"TALEWRIGHT_EMBEDDINGS names no model2vec model: {error}") from None


class Terms:
    """Texts by their terms, ready to be compared with others: TF-IDF cosine, 0 to 1."""

    def __init__(self, texts: Sequence[str]) -> None:
        documents = [_counted(text) for text in texts]
        spread = Counter(word for document in documents for word in document)
        self._texts = len(texts)
        self._weight = {word: math.log(1 + len(texts) / n) for word, n in spread.items()}
        self._where: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, document in enumerate(documents):
            for word, value in self._vector(document).items():
                self._where[word].append((place, value))

    def similarity(self, text: str) -> list[float]:
        """How near each of the texts is to another."""
        found = [0.0] * self._texts
        for word, value in self._vector(_counted(text)).items():
            for place, other in self._where.get(word, ()):
                found[place] += value * other
        return found

    def _vector(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Of length 1."""
        vector = {word: n * self._weight.get(word, 0.0) for word, n in counts.items()}
        length = math.sqrt(sum(value * value for value in vector.values())) or 1.0
        return {word: value / length for word, value in vector.items()}


@lru_cache(10_000)
def _counted(text: str) -> Counter[str]:
    """How often each term is in a text. Do not change the result."""
    return Counter(terms(text))


@cache_by_identity(32)
def _known(world: World, brief: Brief | None, state: PathState) -> tuple[list[Statement], Terms]:
    """Made once for all branches of a scene."""
    known = statements(world, brief, state)
    return known, Terms([statement.text for statement in known])
