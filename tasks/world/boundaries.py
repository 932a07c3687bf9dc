"""Boundaries: what must not appear in a story, or only faintly, and where a text crosses one.

The world, the brief and the player each set some; the strictest wins. They go into every prompt,
and what was written is looked at for their terms:

| Level | A term found in earnest |
|---|---|
| off | refuses the text |
| fade | refuses it, unless it is spoken of or lies in the past |
| mild | refuses it from the fourth mention in one text |
| ok | is no finding |

A boundary without terms is looked for by its topic; with terms, the topic's own name is a warning.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from tasks.core.cache_by_identity import cache_by_identity
from tasks.core.count import counted
from tasks.story.brief import Brief
from tasks.story.verdict import Issue, Severity
from tasks.story.world import Boundary, BoundarySet, World
from tasks.world.terms import Hit, find_terms

LEVELS = ("off", "fade", "mild", "ok")
"""From the strictest."""

MENTIONS = 3
"""Mentions in one text that `mild` lets pass. Set, not fitted."""

MEANING = {
    "off": "never appears, not even as a hint",
    "fade": "happens off-stage only and is never shown",
    "mild": "may be touched on, without detail",
    "ok": "is allowed",
}

Part = Literal["narrative", "setting", "dialogue", "branch"]

_PAST = re.compile(r"\b(?:had|ago|once|years|since|remember\w*|memor\w+|news|heard|told)\b", re.I)

_RATED = {
    "HARM_CATEGORY_SEXUALLY_EXPLICIT": re.compile(r"sex|erotic|nud|intima|romance", re.I),
    "HARM_CATEGORY_HATE_SPEECH": re.compile(r"hate|racis|slur|discriminat|prejudice", re.I),
    "HARM_CATEGORY_HARASSMENT": re.compile(r"harass|bully|abuse|insult|humiliat|threat", re.I),
    "HARM_CATEGORY_DANGEROUS_CONTENT": re.compile(
        r"violen|weapon|drug|self-?harm|suicid|danger|alcohol|gore|blood|injur", re.I
    ),
}
"""Gemini's categories, and the topics they speak of."""


class Crossing(NamedTuple):
    """Where a text crosses a boundary."""

    boundary: Boundary
    severity: Severity
    message: str
    quote: str


@cache_by_identity(32)
def merged(world: World, brief: Brief | None) -> list[Boundary]:
    """The boundaries of world and brief, one a topic: the strictest level, everybody's terms."""
    found: dict[str, Boundary] = {}
    for new in (*world.boundaries, *(brief.boundaries if brief else ())):
        key = " ".join(new.topic.casefold().split())
        old = found.get(key, new)
        terms = {term.casefold(): term for term in (*old.terms, *new.terms)}
        level = min(old.level, new.level, key=LEVELS.index)
        found[key] = Boundary(topic=old.topic, level=level, terms=list(terms.values()))
    return list(found.values())


def with_sets(brief: Brief, sets: Iterable[BoundarySet]) -> Brief:
    """The brief with a player's own boundaries and themes added."""
    sets = list(sets)
    if not sets:
        return brief
    return brief.model_copy(
        update={
            "boundaries": [*brief.boundaries, *(b for one in sets for b in one.boundaries)],
            "themes": [*brief.themes, *(theme for one in sets for theme in one.themes)],
        }
    )


def spell(boundary: Boundary) -> str:
    """A boundary as a sentence: `Violence never appears, not even as a hint.`"""
    return f"{boundary.topic[0].upper()}{boundary.topic[1:]} {MEANING[boundary.level]}."


def crossings(
    boundaries: Sequence[Boundary], texts: Sequence[tuple[Part, str]]
) -> Iterator[Crossing]:
    """Every boundary the texts cross: of each, the first place."""
    for boundary in boundaries:
        if boundary.level != "ok" and (found := _crossing(boundary, texts)):
            yield found


def _crossing(boundary: Boundary, texts: Sequence[tuple[Part, str]]) -> Crossing | None:
    hits = list(_hits(boundary, tuple(boundary.terms or [boundary.topic]), texts))
    if len(hits) > (MENTIONS if boundary.level == "mild" else 0):
        what = f"'{hits[0].words}'"
        if boundary.level == "mild":
            what += f" and {counted(len(hits) - 1, 'more mention')}"
        message = f"The boundary '{boundary.topic}' is crossed by {what}: {spell(boundary)}"
        return Crossing(boundary, Severity.ERROR, message, hits[0].sentence)
    if boundary.terms and boundary.level != "mild":
        for hit in _hits(boundary, (boundary.topic,), texts):
            message = f"The text names '{boundary.topic}', a topic that {MEANING[boundary.level]}."
            return Crossing(boundary, Severity.WARNING, message, hit.sentence)
    return None


def _hits(
    boundary: Boundary, terms: tuple[str, ...], texts: Sequence[tuple[Part, str]]
) -> Iterator[Hit]:
    for part, text in texts:
        for hit in find_terms(terms, text):
            off_stage = part == "dialogue" or _PAST.search(hit.sentence)
            if boundary.level != "fade" or not off_stage:
                yield hit


def rated(boundaries: Sequence[Boundary], safety: Mapping[str, str]) -> list[Issue]:
    """What the provider's own safety ratings say against the boundaries.

    A rating of MEDIUM or HIGH in the category of a topic that is `off` or `fade` refuses; one in
    no such category is mentioned from HIGH on.
    """
    issues = []
    for category, probability in safety.items():
        if probability not in ("MEDIUM", "HIGH"):
            continue
        topic = _RATED.get(category)
        against = [
            b for b in boundaries if b.level in ("off", "fade") and topic and topic.search(b.topic)
        ]
        if not against and probability != "HIGH":
            continue
        name = category.removeprefix("HARM_CATEGORY_").replace("_", " ").lower()
        issues.append(
            Issue(
                check="L4",
                name="the provider's safety rating",
                category="world_rules",
                severity=Severity.ERROR if against else Severity.WARNING,
                message=f"The provider rates it {probability.lower()} for {name}"
                + (f", against the boundary '{against[0].topic}'." if against else "."),
                fact=spell(against[0]) if against else "",
                source=f"boundary:{against[0].topic}" if against else "provider",
                suggested_fix="Tell it without what the rating is about.",
            )
        )
    return issues
