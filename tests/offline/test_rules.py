"""The writer and the checker read a world's rules, places and boundaries alike."""

import pytest

from tasks.consistency import check_branch, check_scene
from tasks.offline.rules import clear_of_terms, permitted
from tasks.story.brief import Brief
from tasks.story.effects import Gains, Learns
from tasks.story.roads import Roads
from tasks.story.scene import BranchDraft
from tasks.story.state import PathState
from tasks.story.world import World
from tests.offline.growing import grow

BRIEF = Brief(id="b", title="B", ask="Find the will.", protagonist="ann")


def castle(kind: str = "learns", at: str = "castle", **changes: object) -> World:
    values: dict[str, object] = {
        "id": "castle",
        "title": "The Castle",
        "premise": "A castle that keeps its silence.",
        "style": "Plain.",
        "opens_at": "1700-01-01T09:00:00",
        "characters": [
            {"id": "ann", "name": "Ann Wells", "pronouns": "she/her", "place": "crypt"},
            {"id": "ben", "name": "Ben Rudd", "pronouns": "he/him", "place": "library"},
        ],
        "places": [
            {"id": "castle", "name": "the castle"},
            {"id": "crypt", "name": "the crypt", "within": "castle"},
            {"id": "library", "name": "the library", "within": "castle"},
            {"id": "village", "name": "the village"},
        ],
        "roads": [{"between": ["castle", "village"], "minutes": 20}],
        "items": [{"id": "will", "name": "the will", "place": "crypt"}],
        "facts": [{"id": "heir", "text": "Ben is the heir of the castle."}],
        "rules": [
            {
                "id": "silence",
                "text": "Nobody comes by anything within these walls.",
                "form": {"kind": "forbid_effect", "effect": kind, "at": [at]},
            }
        ],
    }
    return World.model_validate(values | changes)


@pytest.mark.parametrize("kind", ["learns", "gains"])
def test_a_rule_of_a_place_holds_for_the_places_within_it(kind: str) -> None:
    world = castle(kind)
    state = PathState.opening(world, BRIEF)
    effect = (
        Learns(kind="learns", who="ann", fact="heir", quote="Ann finds it.", source="ben")
        if kind == "learns"
        else Gains(kind="gains", who="ann", item="will", quote="Ann finds it.")
    )
    draft = BranchDraft(choice="Look", consequence="Ann finds it.", effects=[effect])
    found = check_branch(world, BRIEF, state, None, draft)
    assert "D10" in {issue.check for issue in found.issues}
    assert not permitted(world, Roads(world), state, [effect])


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", ["learns", "gains"])
def test_what_the_writer_writes_there_is_clean(kind: str, seed: int) -> None:
    world = castle(kind)
    for leaf in grow(world, BRIEF, depth=2, seed=seed):
        assert check_scene(world, BRIEF, leaf.before, leaf.scene).valid


def test_a_boundary_keeps_its_inflections_out_of_both() -> None:
    world = castle(boundaries=[{"topic": "weapons", "terms": ["knife"]}])
    clear = clear_of_terms(world, BRIEF)
    assert clear("Two knights wait.")
    assert not clear("Two knives lie there.")
    draft = BranchDraft(choice="Look", consequence="Two knives lie there.")
    found = check_branch(world, BRIEF, PathState.opening(world, BRIEF), None, draft)
    assert "D15" in {issue.check for issue in found.issues}


def test_places_lie_for_both_as_the_world_says() -> None:
    roads = Roads(castle())
    assert roads.inside("library", "castle")
    assert not roads.inside("castle", "library")
    assert roads.minutes("library", "village") == 20
    assert roads.minutes("library", "village", unsaid=5) == 25
    assert roads.neighbours("crypt") == {"castle": None}
    unmapped = Roads(castle(roads=[], places=[{"id": p, "name": p} for p in ("crypt", "library")]))
    assert unmapped.minutes("crypt", "library") == 0
    assert unmapped.minutes("crypt", "library", unsaid=30) == 30
