"""Where paths meet, the offline writer tells nothing that holds on one of them only."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

import examples
from tasks.consistency.check import check_scene
from tasks.offline.deck import decks
from tasks.offline.grammar import hour
from tasks.story.ask import SceneAsk
from tasks.story.brief import Brief
from tasks.story.scene import SceneDraft
from tasks.story.world import World
from tasks.world.load import load_brief, load_world
from tests.offline.growing import Leaf, grow, write
from tests.offline.worlds import SMALL, SMALL_BRIEF

SHIPPED = sorted(Path(examples.__file__).parent.glob("*/briefs/*.yaml"))

BRIDGES = {
    "moves": {"moves"},
    "gains": {"gains"},
    "uses": {"uses"},
    "learns": {"learns", "tells"},
    "clash": {"feels"},
    "bond": {"feels", "promises"},
}
"""What a choice has to change for a scene to begin with a card of that deck."""


@dataclass(frozen=True)
class Join:
    """A scene, and the leaves of the two paths it was written for."""

    scene: SceneDraft
    ways: tuple[Leaf, Leaf]

    @property
    def text(self) -> str:
        said = [line.text for line in self.scene.dialogue]
        return "\n".join([self.scene.setting_description, self.scene.narrative_text, *said])


@pytest.fixture(scope="module", params=[None, *SHIPPED], ids=lambda p: p.stem if p else "small")
def told(request: pytest.FixtureRequest) -> tuple[World, Brief]:
    if request.param is None:
        return SMALL, SMALL_BRIEF
    world = load_world(request.param.parents[1] / "world.yaml")
    return world, load_brief(request.param, world)


@pytest.fixture(scope="module")
def joins(told: tuple[World, Brief]) -> list[Join]:
    found = [join for seed in range(6) for join in _joins(*told, seed)]
    assert found
    return found


def _joins(world: World, brief: Brief, seed: int) -> Iterator[Join]:
    ends = [leaf for leaf in grow(world, brief, seed=seed, depth=2) if len(leaf.path) == 2]
    for one, other in combinations(ends, 2):
        places = {leaf.before.place_of(brief.protagonist) for leaf in (one, other)}
        if one.path[-1].scene_id == other.path[-1].scene_id or len(places) > 1:
            continue
        also = other.before.sentences(world)
        ask = SceneAsk(
            scene_id=one.ask.scene_id,
            path=one.path,
            also_from=other.path[-1:],
            facts=[fact for fact in one.before.sentences(world) if fact in also],
            branches=3,
            seed=seed,
        )
        yield Join(write(world, brief, ask), (one, other))


def test_it_holds_on_each_path(told: tuple[World, Brief], joins: list[Join]) -> None:
    for join in joins:
        for way in join.ways:
            assert check_scene(*told, way.before, join.scene).decision == "accept"


def test_only_those_are_there_who_are_there_on_each(joins: list[Join]) -> None:
    for join in joins:
        moved = {e.who for e in join.scene.effects if e.kind == "moves"}
        for who in set(join.scene.present) - moved:
            assert {way.before.place_of(who) for way in join.ways} == {join.scene.place}


def test_things_are_not_spoken_of_that_are_elsewhere_on_one(
    told: tuple[World, Brief], joins: list[Join]
) -> None:
    for join in joins:
        one, other = (way.before.items for way in join.ways)
        for item in told[0].items:
            here, there = one[item.id], other[item.id]
            if (here.holder, here.place) != (there.holder, there.place):
                assert item.name.casefold() not in join.scene.narrative_text.casefold()


def test_the_hour_is_named_only_if_it_is_the_same_on_each(joins: list[Join]) -> None:
    for join in joins:
        one, other = (hour(way.before.clock) for way in join.ways)
        assert one == other or one not in join.text


def test_it_does_not_go_on_from_a_choice_that_only_one_took(joins: list[Join]) -> None:
    for join in joins:
        taken = [{e.kind for e in way.path[-1].effects} for way in join.ways]
        for name, kinds in BRIDGES.items():
            if any(card.fixed in join.text for card in decks()[f"bridge.{name}"]):
                assert all(kinds & some for some in taken)
