"""What the score promises, over more than two hundred generated scenes."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import examples
from tasks.core.words import sentences
from tasks.scoring.coherence import BEATS, BROKEN, coherence
from tasks.scoring.form import CODE_FACTOR, quality
from tasks.story.brief import Brief
from tasks.story.code import CodeReport, Snippet
from tasks.story.scene import Beat, SceneDraft
from tasks.story.world import World
from tasks.world.load import load_brief, load_world
from tests.offline.growing import grow

SCENES = 200


@dataclass(frozen=True)
class Case:
    world: World
    brief: Brief
    scene: SceneDraft
    ending: bool

    def score(self, **changed: object) -> float:
        scene = self.scene.model_copy(update=changed)
        branches = scene.story_branches
        return quality(
            scene, branches, self.brief, self.world, [], ending=self.ending
        ).score  # fmt: skip


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    found: list[Case] = []
    worlds = sorted(Path(examples.__file__).parent.glob("*/world.yaml"))
    for seed in range(1, 20):
        for file in worlds:
            world = load_world(file)
            for path in sorted((file.parent / "briefs").glob("*.yaml")):
                brief = load_brief(path, world)
                leaves = grow(world, brief, seed=seed, depth=2, breadth=2)
                found += [
                    Case(world, brief, leaf.scene, leaf.ask.ending is not None) for leaf in leaves
                ]
        if len(found) >= SCENES:
            break
    assert len(found) >= SCENES
    return found


def in_paragraphs(text: str, change: Callable[[list[str]], list[str]]) -> str:
    """The text with its sentences changed and its paragraphs as long as they were."""
    told = [sentences(paragraph) for paragraph in text.split("\n\n")]
    changed = iter(change([sentence for paragraph in told for sentence in paragraph]))
    return "\n\n".join(" ".join(next(changed) for _ in paragraph) for paragraph in told)


def shuffled(told: list[str], seed: int = 0) -> list[str]:
    other = list(told)
    chance = random.Random(f"{seed} {told}")
    while other == told and len(set(told)) > 1:
        chance.shuffle(other)
    return other


def test_a_scene_doubled_by_its_own_sentences_never_scores_higher(cases: list[Case]) -> None:
    for case in cases:
        text = case.scene.narrative_text
        at_the_end = f"{text}\n\n{text}"
        each = "\n\n".join(
            " ".join(twice for sentence in sentences(paragraph) for twice in (sentence, sentence))
            for paragraph in text.split("\n\n")
        )
        assert case.score(narrative_text=at_the_end) < case.score()
        assert case.score(narrative_text=each) < case.score()


def test_padding_with_the_prose_of_another_scene_earns_next_to_nothing(cases: list[Case]) -> None:
    gains = [
        case.score(narrative_text=f"{case.scene.narrative_text}\n\n{other.scene.narrative_text}")
        - case.score()
        for case, other in zip(cases, [*cases[1:], cases[0]], strict=True)
        if case.brief.id == other.brief.id
    ]
    assert sum(gains) / len(gains) < 0.01


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_sentences_score_lower(cases: list[Case], seed: int) -> None:
    """As one text, and where paragraphs stay as long as they were: always. Within paragraphs, where
    the order of beats may stay what it was: 99 %."""

    def shuffle(told: list[str]) -> list[str]:
        return shuffled(told, seed)

    within = []
    for case in cases:
        text, score = case.scene.narrative_text, case.score()
        assert case.score(narrative_text=" ".join(shuffle(sentences(text)))) < score
        assert case.score(narrative_text=in_paragraphs(text, shuffle)) < score
        each = "\n\n".join(in_paragraphs(one, shuffle) for one in text.split("\n\n"))
        within.append(case.score(narrative_text=each) < score)
    assert sum(within) >= 0.97 * len(within)


def test_without_an_outline_form_alone_sees_most_shuffles(cases: list[Case]) -> None:
    """75 % of whole scenes and 72 % within paragraphs, over five seeds."""
    whole, within = [], []
    for case in cases:
        text, score = case.scene.narrative_text, case.score(beats=[])
        whole.append(case.score(beats=[], narrative_text=in_paragraphs(text, shuffled)) - score)
        each = "\n\n".join(in_paragraphs(one, shuffled) for one in text.split("\n\n"))
        within.append(case.score(beats=[], narrative_text=each) - score)
    for changes, seen in ((whole, 0.7), (within, 0.6)):
        assert sum(change < 0 for change in changes) >= seen * len(changes)
        assert sum(changes) < 0


def test_an_outline_the_prose_does_not_keep_to_scores_lower(cases: list[Case]) -> None:
    for case, other in zip(cases, [*cases[1:], cases[0]], strict=True):
        beats = case.scene.beats
        first, second, *rest = beats
        swapped = case.score(beats=[second, first, *rest])
        assert swapped < case.score(beats=[])
        assert case.score(beats=beats[::-1]) < swapped < case.score()
        assert case.score(beats=other.scene.beats) < swapped


def test_one_beat_out_of_order_costs_more_than_form_can_gain(cases: list[Case]) -> None:
    assert BEATS * (1 - BROKEN) >= 1 - BEATS
    for case in cases:
        beats = [*case.scene.beats[1:], case.scene.beats[0]]
        formless = case.scene.model_copy(
            update={"narrative_text": case.scene.narrative_text.replace("\n\n", " ")}
        )
        broken = case.scene.model_copy(update={"beats": beats})
        assert coherence(broken, case.world) < coherence(formless, case.world)


def test_an_outline_too_thin_to_prove_anything_earns_less(cases: list[Case]) -> None:
    for case in cases:
        text = case.scene.narrative_text
        first = text.split()
        few = case.scene.beats[:2]
        same = [case.scene.beats[0]] * 5
        one = next(s for s in sentences(text) if len(s.split()) >= 12)
        parts = [
            Beat(text="So it goes.", quote=" ".join(one.split()[n : n + 4])) for n in (0, 4, 8)
        ]
        short = [Beat(text="So it goes.", quote=" ".join(first[n : n + 2])) for n in (0, 2, 4, 6)]
        for beats in (few, same, parts, short):
            assert case.score(beats=beats) < min(case.score(), case.score(beats=[]))


def test_length_counts_as_the_brief_asks_and_both_ways(cases: list[Case]) -> None:
    case = cases[0]

    def length(words: int) -> float:
        scene = case.scene.model_copy(update={"narrative_text": "word " * words})
        parts = quality(scene, [], case.brief, case.world, [], ending=True).parts
        return next(part.value for part in parts if part.name == "length")

    asked = case.brief.words_per_scene
    assert length(asked) == length(asked * 4 // 3) == length(asked * 3 // 4) == 1
    assert length(asked * 3) == pytest.approx(length(asked // 3), abs=0.01)
    assert 1 > length(asked * 3) > length(asked * 6)


def test_what_cuts_a_text_into_sentences_loses_nothing(cases: list[Case]) -> None:
    texts = [case.scene.narrative_text for case in cases]
    for text in (text for text in texts if "```" not in text):
        assert "".join(in_paragraphs(text, list).split()) == "".join(text.split())


def test_a_scene_without_its_dialogue_never_scores_higher(cases: list[Case]) -> None:
    for case in cases:
        assert case.score(dialogue=[]) < case.score()


@pytest.mark.parametrize("filler", ["lorem ", "stone ", "lorem ipsum dolor sit amet ", "la la ho "])
def test_filler_scores_below_a_fifth(cases: list[Case], filler: str) -> None:
    for case in cases:
        assert case.score(narrative_text=filler * 250) < 0.2


def test_four_equal_branches_score_below_distinct_ones(cases: list[Case]) -> None:
    told = [case for case in cases if not case.ending and len(case.scene.story_branches) > 1]
    assert told
    for case in told:
        assert case.score(story_branches=case.scene.story_branches[:1] * 4) < case.score()


def test_repeating_what_was_asked_for_never_pays(cases: list[Case]) -> None:
    for case in cases:
        ask = case.brief.ask
        assert case.score(narrative_text=ask) < case.score()
        assert case.score(narrative_text=f"{ask}\n\n{case.scene.narrative_text}") < case.score()


def test_an_ending_needs_no_choices_and_another_scene_does(cases: list[Case]) -> None:
    for case in cases:
        parts = quality(case.scene, [], case.brief, case.world, [], ending=case.ending).parts
        values = {part.name: part.value for part in parts}
        assert ("choices" not in values) if case.ending else (values["choices"] == 0)


def test_code_that_fails_costs_a_fifth_and_code_that_was_not_run_nothing(cases: list[Case]) -> None:
    case = cases[0]

    def score(verdict: str) -> float:
        snippet = Snippet(code="1 / 0", first_line=1, last_line=1)
        report = CodeReport.model_validate(
            {"snippet": snippet, "verdict": verdict, "engine": "bubblewrap"}
        )
        return quality(
            case.scene, case.scene.story_branches, case.brief, case.world, [report]
        ).score

    assert score("passed") == score("not_executed") == case.score()
    assert score("raised") == pytest.approx(CODE_FACTOR * case.score(), abs=1e-4)


def test_the_score_says_what_it_rests_on(cases: list[Case]) -> None:
    case = cases[0]
    found = quality(case.scene, case.scene.story_branches, case.brief, case.world, [])
    assert found.basis == "form only"
    assert {part.kind for part in found.parts} == {"gate", "plan", "fidelity", "code", "penalty"}
