"""The score of a scene: what can be told from its form, with every part shown.

Gates multiply; plan, fidelity and a judge's ratings are a weighted mean; code and penalties
multiply. There is no reward for length beyond what the brief asks for: on 1,056 rated stories
plain length ranks better than most cheap features, so a score that rewards it measures padding.
Weights are proposals, not fitted.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import combinations, pairwise

from tasks.core.words import sentences, words
from tasks.scoring.coherence import coherence
from tasks.story.brief import Brief
from tasks.story.code import CodeReport
from tasks.story.quality import Basis, Quality, QualityPart
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.world import World

WEIGHTS = {
    "dialogue": 0.15,
    "setting": 0.10,
    "tone": 0.05,
    "choices": 0.25,
    "cast": 0.10,
    "brief": 0.10,
    "length": 0.05,
    "flow": 0.20,
}
"""Of the plan's and the brief's parts; a part that does not apply leaves its weight to the rest."""

CODE_FACTOR = 0.8
"""For a scene whose code raises, times out or breaks limits (the plan's figure)."""

SAME = 0.8
"""Share of common trigrams from which two choices are the same."""

TOLERANCE = 1.5
"""From this part of the words the brief asks for to this multiple of them, a scene is as long as it
was meant to be."""

RUN = 6
"""Words in a row from which a passage counts as copied from the brief."""


def quality(
    scene: SceneText,
    branches: Sequence[BranchDraft],
    brief: Brief,
    world: World,
    code: Sequence[CodeReport],
    *,
    ending: bool = False,
    ratings: Sequence[QualityPart] = (),
) -> Quality:
    """The score of a scene, 0 to 1: by form only, or with the ratings of tasks.scoring.rubric as
    well. An ending needs no choices."""
    parts = [
        QualityPart(name="text", kind="gate", value=_gate(scene), weight=1, note="not degenerate"),
        _part("dialogue", "plan", _dialogue(scene, world), "lines by the cast, with emotions"),
        _part("setting", "plan", _setting(scene), "place and light, in eight words or more"),
        _part("tone", "plan", float(bool(scene.emotional_tone.strip())), scene.emotional_tone),
        *(
            []
            if ending
            else [_part("choices", "plan", _choices(branches), "two or three distinct")]
        ),
        _part("cast", "fidelity", _cast(scene, world), "named characters and places are known"),
        _part(
            "brief", "fidelity", _brief(scene, branches, brief, world), "speaks of what it is about"
        ),
        _part("length", "fidelity", _length(scene, brief), f"{brief.words_per_scene} words wanted"),
        _part("flow", "plan", coherence(scene, world), "sentences in order, as outlined"),
        *ratings,
        QualityPart(
            name="code",
            kind="code",
            value=CODE_FACTOR if any(report.to_blame for report in code) else 1.0,
            weight=1,
            note="runs and prints what the story states",
        ),
        QualityPart(
            name="repetition",
            kind="penalty",
            value=_fresh(scene),
            weight=1,
            note="no phrase or sentence comes again",
        ),
        QualityPart(
            name="parroting",
            kind="penalty",
            value=1 - _copied(scene, brief),
            weight=1,
            note="words of its own, not the brief's",
        ),
    ]
    mean = [part for part in parts if part.kind in ("plan", "fidelity", "judge")]
    score = sum(p.value * p.weight for p in mean) / sum(p.weight for p in mean)
    for part in parts:
        if part not in mean:
            score *= part.value
    basis: Basis = "form and judge" if ratings else "form only"
    return Quality(score=round(score, 4), basis=basis, parts=parts)


def _part(name: str, kind: str, value: float, note: str) -> QualityPart:
    return QualityPart.model_validate(
        {"name": name, "kind": kind, "value": value, "weight": WEIGHTS[name], "note": note}
    )


def _gate(scene: SceneText) -> float:
    """0 for filler text and loops, 1 for prose: distinct words among the first 200, and a share of
    the small words every sentence of a language with an alphabet needs."""
    first = words(scene.narrative_text)[:200]
    if len(first) < 20:
        return 0.1
    variety = len(set(first)) / len(first)
    if len(set(first)) < 12 or variety < 0.2 or _LOREM & set(first):
        return 0.1
    return 1.0


_LOREM = {"lorem", "ipsum", "consectetur", "adipiscing"}


def _dialogue(scene: SceneText, world: World) -> float:
    known = {character.id for character in world.characters}
    lines = [line for line in scene.dialogue if line.character_id in known and words(line.text)]
    if not lines:
        return 0.0
    felt = sum(bool(line.emotion.strip()) for line in lines) / len(lines)
    distinct = len({" ".join(words(line.text)) for line in lines}) / len(lines)
    return (0.6 + 0.4 * felt) * distinct


def _setting(scene: SceneText) -> float:
    return min(1.0, len(words(scene.setting_description)) / 8)


def _choices(branches: Sequence[BranchDraft]) -> float:
    """Two or three choices that differ in words and in what follows."""
    if not branches:
        return 0.0
    texts = [f"{branch.choice} {branch.consequence}" for branch in branches]
    same = sum(_overlap(a, b) >= SAME for a, b in combinations(texts, 2))
    distinct = len(branches) - min(len(branches) - 1, same)
    return {1: 0.3, 2: 0.9}.get(distinct, 1.0) if same == 0 else 0.3 * distinct / len(branches)


def _cast(scene: SceneText, world: World) -> float:
    known = {character.id for character in world.characters}
    ids = {*scene.present, *(line.character_id for line in scene.dialogue)}
    places = {place.id for place in world.places}
    hits = [*(who in known for who in ids), scene.place in places]
    return sum(hits) / len(hits)


def _brief(scene: SceneText, branches: Sequence[BranchDraft], brief: Brief, world: World) -> float:
    """Whether a scene speaks of somebody, somewhere and something of the brief and its world."""
    spoken = " ".join(line.text for line in scene.dialogue)
    chosen = " ".join(f"{b.choice} {b.consequence}" for b in branches)
    text = f"{scene.setting_description} {scene.narrative_text} {spoken} {chosen}".casefold()
    lead = next((c for c in world.characters if c.id == brief.protagonist), None)
    groups = [
        [name for c in world.characters if c is not lead for name in (c.name, *c.aliases)],
        [name for p in world.places for name in (p.name, *p.aliases)],
        [name for i in world.items for name in (i.name, *i.aliases)] + brief.must_include,
    ]
    groups = [names for names in groups if names]
    found = sum(any(_bare(name) in text for name in names) for names in groups)
    return found / len(groups) if groups else 1.0


def _length(scene: SceneText, brief: Brief) -> float:
    """How near the prose, without its code, is to the words asked for: twice as many count as half
    as many."""
    told = len(words(" ".join(sentences(scene.narrative_text))))
    shorter, longer = sorted((told, brief.words_per_scene))
    return min(1.0, TOLERANCE * shorter / longer)


def _bare(name: str) -> str:
    return re.sub(r"^(the|a|an) ", "", name.casefold())


def _fresh(scene: SceneText) -> float:
    """1 without repetition; falls with sentences and three-word phrases that come again."""
    told = [" ".join(words(s)) for s in sentences(scene.narrative_text)]
    spoken = words(scene.narrative_text)
    trigrams = Counter(zip(spoken, spoken[1:], spoken[2:], strict=False))
    if not told or not trigrams:
        return 0.5
    again = 1 - len(set(told)) / len(told)
    near = sum(
        SequenceMatcher(None, a, b).quick_ratio() > 0.95 and a != b for a, b in pairwise(told)
    ) / len(told)
    common = sum(n - 1 for n in trigrams.values()) / trigrams.total()
    return max(0.0, 1 - again - near - max(0.0, common - 0.03))


def _copied(scene: SceneText, brief: Brief) -> float:
    """Share of the prose that stands word for word in what was asked for."""
    asked, told = words(brief.ask), words(scene.narrative_text)
    runs = {tuple(asked[i : i + RUN]) for i in range(len(asked) - RUN + 1)}
    copied = {
        place
        for i in range(len(told) - RUN + 1)
        if tuple(told[i : i + RUN]) in runs
        for place in range(i, i + RUN)
    }
    return len(copied) / len(told) if told else 0.0


def _overlap(a: str, b: str) -> float:
    """Jaccard of character trigrams."""
    one, other = (
        {text[i : i + 3] for i in range(len(text) - 2)}
        for text in (" ".join(words(a)), " ".join(words(b)))
    )
    return len(one & other) / len(one | other) if one | other else 1.0
