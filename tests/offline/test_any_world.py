"""Whatever the world: a valid scene whose every effect rests on words that are there."""

import re

from hypothesis import HealthCheck, given, settings

from tasks.offline.deck import decks
from tasks.offline.outline import MOST
from tasks.scoring.beats import told_in
from tasks.story.brief import Brief
from tasks.story.effects import Effect
from tasks.story.scene import BranchDraft
from tasks.story.state import objects
from tasks.story.world import World
from tests.offline.growing import Leaf, grow
from tests.offline.worlds import worlds

GAPS = {gap for cards in decks().values() for card in cards for gap in card.gaps}


def ids(effect: Effect) -> set[str]:
    named = {getattr(effect, f, None) for f in ("who", "whom", "source")} | set(objects(effect))
    return {one for one in named if one}


def sound(leaf: Leaf, branch: BranchDraft) -> bool:
    return leaf.ask.scene_id != "1" or branch != leaf.scene.story_branches[-1]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_every_scene_of_any_world_is_valid_and_grounded(drawn: tuple[World, Brief]) -> None:
    world, brief = drawn
    known = {one.id for group in (world.characters, world.places, world.items) for one in group}
    known |= {one.id for group in (world.facts, world.timeline) for one in group}
    given_text = world.model_dump_json() + brief.model_dump_json()
    for leaf in grow(world, brief, depth=1, keep=sound):
        scene = leaf.scene
        told = f"{scene.setting_description}\n{scene.narrative_text}"
        said = [line.text for line in scene.dialogue]
        assert all(any(e.quote in text for text in (told, *said)) for e in scene.effects)
        assert len(scene.narrative_text.split()) >= 80
        assert 1 <= len(said) <= 5
        assert 3 <= len(scene.beats) <= MOST
        assert None not in told_in(scene.beats, scene.narrative_text)
        assert all(beat.quote in scene.narrative_text for beat in scene.beats)
        here = {leaf.before.protagonist, *scene.present}
        assert {line.character_id for line in scene.dialogue} <= here
        for branch in scene.story_branches:
            assert all(e.quote in f"{branch.choice}\n{branch.consequence}" for e in branch.effects)
        clean = [e for b in scene.story_branches if sound(leaf, b) for e in b.effects]
        if leaf.ask.scene_id == "1":
            new = {p for e in clean if e.kind == "promises" for p in [e.promise]}
            assert set().union(*map(ids, [*scene.effects, *clean])) <= known | new
        gaps = set(re.findall(r"\{(\w+)\}", scene.model_dump_json()))
        assert not {gap.lower() for gap in gaps} & GAPS or any(
            f"{{{g}}}" in given_text for g in gaps
        )


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_any_world_gives_the_same_story_twice(drawn: tuple[World, Brief]) -> None:
    first, second = ([leaf.scene for leaf in grow(*drawn, depth=1)] for _ in range(2))
    assert first == second
