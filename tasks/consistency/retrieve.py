"""Choosing the facts a text is about, so that the judge reads few of many.

Retrieval only chooses; it never judges: similarity does not see contradiction.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from tasks.boundaries import merged, spell
from tasks.consistency.case import Case
from tasks.consistency.language.tokens import terms
from tasks.errors import UserError
from tasks.story.state import Statement

MOST = 24
"""Facts a judge is given, whatever the length of the path."""


def statements(case: Case) -> list[Statement]:
    """Everything known at this point: the state, and the world's facts, rules and roads."""
    world = case.world
    known = case.before.statements(world)
    known += [
        Statement(id=f"fact:{f.id}", text=f.text, about=[f.about or f.id]) for f in world.facts
    ]
    known += [Statement(id=f"rule:{r.id}", text=r.text) for r in world.rules]
    known += [
        Statement(id=f"boundary:{b.topic}", text=spell(b))
        for b in merged(world, case.brief)
        if b.level != "ok"
    ]
    known += [
        Statement(
            id=f"road:{a}:{b}",
            text=f"From {case.name(a)} to {case.name(b)} it takes at least {road.minutes} minutes.",
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
    known = statements(case)
    scores = similarity(case.text, [s.text for s in known], embeddings)
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


def similarity(query: str, texts: Sequence[str], embeddings: Path | None = None) -> list[float]:
    """How near each text is to a query, at most 1: by a folder with a model2vec model, or by
    terms."""
    return by_embeddings(query, texts, embeddings) if embeddings else by_terms(query, texts)


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


def by_terms(query: str, texts: Sequence[str]) -> list[float]:
    """TF-IDF cosine, 0 to 1."""
    documents = [_counted(text) for text in texts]
    spread = Counter(word for document in documents for word in document)
    weight = {w: math.log(1 + len(texts) / n) for w, n in spread.items()}
    asked = {w: n * weight.get(w, 0.0) for w, n in _counted(query).items()}
    length = math.sqrt(sum(v * v for v in asked.values())) or 1.0
    found = []
    for document in documents:
        vector = {w: n * weight[w] for w, n in document.items()}
        norm = math.sqrt(sum(v * v for v in vector.values())) or 1.0
        found.append(sum(v * asked.get(w, 0.0) for w, v in vector.items()) / (norm * length))
    return found


@lru_cache(10_000)
def _counted(text: str) -> Counter[str]:
    """How often each term is in a text. Do not change the result."""
    return Counter(terms(text))
