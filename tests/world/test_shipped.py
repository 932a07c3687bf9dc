"""The worlds that come with Talewright are whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples import worlds
from tasks.core.errors import InputError
from tasks.world.load import load_brief, load_world


def briefs(name: str) -> list[str]:
    return sorted(file.stem for file in (worlds()[name].parent / "briefs").glob("*.yaml"))


def test_two_worlds_are_shipped() -> None:
    assert set(worlds()) == {"the-lighthouse", "dracula"}


@pytest.mark.parametrize("name", worlds())
def test_a_shipped_world_is_worked_out(name: str) -> None:
    world = load_world(name)
    assert world.id == name
    assert len(world.characters) >= 10
    assert len(world.places) >= 12
    assert len(world.items) >= 12
    assert len(world.facts) >= 12
    assert len(world.rules) >= 10
    assert sum(rule.form is not None for rule in world.rules) >= 5
    assert len([e for e in world.timeline if e.when]) >= 15
    assert any(event.causes for event in world.timeline)
    assert any(event.when is None or event.when > world.opens_at for event in world.timeline)
    assert any(fact.secret for fact in world.facts)
    assert any(fact.attribute for fact in world.facts)
    assert {"alive", "dead", "absent"} == {c.status for c in world.characters}
    assert any(place.status == "closed" for place in world.places)
    assert world.boundaries
    assert world.themes
    for character in world.characters:
        assert character.voice
        assert character.traits
        assert character.goals
    assert all(place.description for place in world.places)
    assert all(item.description for item in world.items)


@pytest.mark.parametrize("name", worlds())
def test_every_open_place_can_be_reached(name: str) -> None:
    world = load_world(name)
    ways: dict[str, set[str]] = {place.id: set() for place in world.places}
    links = [road.between for road in world.roads]
    links += [(place.id, place.within) for place in world.places if place.within]
    for one, other in links:
        ways[one].add(other)
        ways[other].add(one)
    reached, ahead = set(), [world.places[0].id]
    while ahead:
        here = ahead.pop()
        reached.add(here)
        ahead += ways[here] - reached
    assert reached == set(ways)


@pytest.mark.parametrize("name", worlds())
def test_briefs_of_shipped_worlds(name: str) -> None:
    world = load_world(name)
    names = briefs(name)
    assert len(names) == 2
    assert {load_brief(one, world).id for one in names} == set(names)
    assert load_brief("", world).id == names[0]
    assert load_brief(worlds()[name].parent / "briefs" / f"{names[1]}.yaml", world).id == names[1]


def test_a_world_elsewhere_has_its_own_briefs(tmp_path: Path) -> None:
    own = tmp_path / "briefs"
    own.mkdir()
    file = tmp_path / "world.yaml"
    file.write_bytes(worlds()["the-lighthouse"].read_bytes())
    (own / "mine.yaml").write_text("{id: mine, title: Mine, ask: A walk., protagonist: pippa}")
    world = load_world(file)
    assert load_brief("", world, file).id == "mine"
    assert load_brief("mine", world, file).protagonist == "pippa"


def test_a_world_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(InputError, match="dracula, the-lighthouse"):
        load_world("the-lihgthouse")
    with pytest.raises(InputError, match="last-ferry, night-hum"):
        load_brief("no-such", load_world("the-lighthouse"))


def test_files_are_utf_8_whatever_the_locale() -> None:
    code = (
        "from tasks.world.load import load_world\n"
        "print(ascii([p.name for p in load_world('the-lighthouse').places]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert r"Caf\xe9" in ran.stdout
