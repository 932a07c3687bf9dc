"""Choosing the facts a text is about, so that the judge reads few of many.

Retrieval only chooses; it never judges: similarity does not see contradiction.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from tasks.story.statements import spell as spell_moment
from tasks.story.world import Character, Item, Place, World
from tasks.world.boundaries import merged, spell

MOST = 40
"""Statements a judge is given beside those it always gets, whatever the length of the path."""
MOST_CHANGED = 30
"""Statements about what a scene changed."""
SAME_THING = 0.3
"""Added to a statement's similarity for each thing of the world that the text names as well."""


def statements(world: World, brief: Brief | None, state: PathState) -> list[Statement]:
    """Everything known at this point: the state, and the world's cast, facts, rules, roads, dates
    and ties between people."""
    return [
        *state.statements(world),
        *_laws(world, brief),
        *_cast(world, state),
        *_knowledge(world, state),
        *_calendar(world, state),
        *_geography(world),
    ]


def _laws(world: World, brief: Brief | None) -> Iterator[Statement]:
    for rule in world.rules:
        yield Statement(id=f"rule:{rule.id}", text=rule.text)
    for boundary in merged(world, brief):
        if boundary.level != "ok":
            yield Statement(id=f"boundary:{boundary.topic}", text=spell(boundary))


def _cast(world: World, state: PathState) -> Iterator[Statement]:
    name = atlas(world).name
    everybody = ", ".join(c.name for c in world.characters)
    yield Statement(id="cast", text=f"The people of this story are {everybody}; nobody else has a "
                                    "name in it.")  # fmt: skip
    for one in world.characters:
        if one.traits:
            text = f"{one.name} is {', '.join(one.traits)}."
            yield Statement(id=f"trait:{one.id}", text=text, about=[one.id])
        if one.born:
            text = f"{one.name} was born on {one.born.day} {one.born:%B} {one.born.year}."
            yield Statement(id=f"born:{one.id}", text=text, about=[one.id])
        for tie in one.relationships:
            text = f"What {one.name} and {name(tie.whom)} are to each other: {tie.kind}."
            yield Statement(id=f"kin:{one.id}:{tie.whom}", text=text, about=[one.id, tie.whom])
        others = [c for c in world.characters if c is not one]
        met = [c.name for c in others if state.have_met(one.id, c.id)]
        new = [c.name for c in others if not state.have_met(one.id, c.id)]
        if new:
            text = f"{one.name} has never met {', '.join(new)}"
            text += f", but knows {', '.join(met)}." if met else "."
            yield Statement(id=f"met:{one.id}", text=text, about=[one.id])


def _knowledge(world: World, state: PathState) -> Iterator[Statement]:
    for fact in world.facts:
        yield Statement(id=f"fact:{fact.id}", text=fact.text, about=[fact.about or fact.id])
        if fact.secret:
            who = [c for c in world.characters if state.knows_fact(c.id, fact.id)]
            names = ", ".join(c.name for c in who) or "nobody"
            text = f"This is a secret, and those who know it are only {names}: {fact.text}"
            yield Statement(id=f"secret:{fact.id}", text=text, about=[c.id for c in who])


def _calendar(world: World, state: PathState) -> Iterator[Statement]:
    texts = {event.id: event.text.rstrip(".") for event in world.timeline}
    for event in world.timeline:
        about = [*event.who, *([event.where] if event.where else [])]
        if event.when:
            when = spell_moment(event.when)
            text = f"{when}: {event.text}"
            yield Statement(id=f"date:{event.id}", text=text, about=about)
        if event.id not in state.events:
            text = f"This has not happened yet: {event.text}"
            after = [texts[cause] for cause in event.causes if cause in texts]
            if after:
                text = f"{text.rstrip('.')}, and it can happen only after this: "
                text += "; ".join(after) + "."
            yield Statement(id=f"pending:{event.id}", text=text, about=about)


def _geography(world: World) -> Iterator[Statement]:
    name = atlas(world).name
    for road in world.roads:
        a, b = road.between
        text = f"From {name(a)} to {name(b)} it takes at least {counted(road.minutes, 'minute')}."
        yield Statement(id=f"road:{a}:{b}", text=text, about=[a, b])
    for place in world.places:
        if place.within:
            text = f"{place.name} is part of {name(place.within)}."
            yield Statement(id=f"within:{place.id}", text=_upper(text), about=[place.id])
    things: list[Place | Item] = [*world.places, *world.items]
    for thing in things:
        if thing.description:
            text = _upper(f"{thing.name}: {thing.description}")
            yield Statement(id=f"about:{thing.id}", text=text, about=[thing.id])


def relevant(cases: Sequence[Case], embeddings: Path | None = None) -> list[Statement]:
    """The statements that texts are about, which stand at one point of a story, best first.

    Rules, boundaries, the clock, the cast, who is gone, and all of those who appear (what they are
    like, where they are, their ties) always come along; how people feel comes last.
    """
    first = cases[0]
    text = "\n".join(case.text for case in cases)
    known, words = _known(first.world, first.brief, first.before)
    if embeddings:
        scores = by_embeddings(text, [s.text for s in known], embeddings)
    else:
        scores = words.similarity(text)
    there = appearing(cases)
    named = there | mentioned(first.world, text)
    always = [s for s in known if _always(s, there)]
    kept = {s.id for s in always}
    ranked = sorted(
        (pair for pair in zip(known, scores, strict=True) if pair[0].id not in kept),
        key=lambda pair: (_kind(pair[0]) == "feels", -_nearness(pair[0], pair[1], named)),
    )
    return [*always, *(s for s, _ in ranked[:MOST])]


def changed(before: Case, after: Case) -> list[Statement]:
    """What a scene made true that was not so before, and no longer is as it was."""
    old = {s.id: s.text for s in statements(before.world, before.brief, before.before)}
    new = statements(after.world, after.brief, after.before)
    found = [s for s in new if old.get(s.id) != s.text]
    return sorted(found, key=lambda s: _kind(s) == "feels")[:MOST_CHANGED]


def superseded(before: Case, after: Case) -> set[str]:
    """Ids of the statements that held before a scene and do not hold after it."""
    new = {s.id: s.text for s in statements(after.world, after.brief, after.before)}
    known = statements(before.world, before.brief, before.before)
    return {s.id for s in known if new.get(s.id) != s.text}


def appearing(cases: Sequence[Case]) -> set[str]:
    """Ids of the characters whom texts show or name, and the protagonist."""
    first = cases[0]
    shown = {first.lead}
    for case in cases:
        for scene in (case.scene, case.after_scene):
            if scene:
                shown |= {*scene.present, *(line.character_id for line in scene.dialogue)}
    text = "\n".join(case.text for case in cases)
    people = {c.id for c in first.world.characters}
    return shown | (mentioned(first.world, text) & people)


def mentioned(world: World, text: str) -> set[str]:
    """Ids of the characters, places and items that a text names, also by a part of a person's
    name."""
    low = f" {' '.join(_WORDS.findall(text.casefold()))} "
    return {one for one, names in _names(world).items() if any(name in low for name in names)}


_WORDS = re.compile(r"[^\W_]+")
_ARTICLES = ("the ", "a ", "an ")


@cache_by_identity(32)
def _names(world: World) -> dict[str, list[str]]:
    """Each thing's names in words that a text can be searched for."""
    found: dict[str, list[str]] = {}
    things: list[Character | Place | Item] = [*world.characters, *world.places, *world.items]
    for one in things:
        names = [one.name, *one.aliases]
        if isinstance(one, Character):
            names += [part for part in one.name.split() if part[:1].isupper() and len(part) > 2]
        folded = (" ".join(_WORDS.findall(name.casefold())) for name in names)
        found[one.id] = [f" {_bare(name)} " for name in folded if name]
    return found


def _bare(name: str) -> str:
    return next((name.removeprefix(a) for a in _ARTICLES if name.startswith(a)), name)


def _kind(statement: Statement) -> str:
    return statement.id.partition(":")[0]


def _always(statement: Statement, there: set[str]) -> bool:
    kind, _, about = statement.id.partition(":")
    if kind in ("life", "trait", "born", "met", "place"):
        return about in there or kind == "life"
    if kind == "kin":
        return set(statement.about) <= there
    return kind in ("rule", "boundary", "clock", "cast")


def _nearness(statement: Statement, similarity: float, named: set[str]) -> float:
    return similarity + SAME_THING * len(named & set(statement.about))


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


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
