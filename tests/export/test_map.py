"""The map shows every scene and branch, where nothing hides anything."""

import struct
import subprocess
from itertools import combinations
from xml.etree import ElementTree

import pytest

from tasks.export import story_map
from tasks.export.layout import STUB, lay_out
from tasks.export.story_map import story_map_png, story_map_svg
from tasks.story.story import Story
from tests.canary import CANARY
from tests.stories import hostile_story, make_story

SVG = "{http://www.w3.org/2000/svg}"


def stories() -> list[Story]:
    return [
        make_story(1, 0, 1),
        make_story(1, 1, 4),
        make_story(2, 2, 3),
        make_story(2, 3, 2, joins=True),
        make_story(1, 5, 3),
        hostile_story(),
        circular(),
    ]


def circular() -> Story:
    """A story whose paths lead round, and two scenes that only lead to each other."""
    story = make_story(1, 2, 2)

    def leading(scene_id: str, to: str) -> None:
        nonlocal story
        scenes = [
            scene.model_copy(
                update={
                    "story_branches": [
                        b.model_copy(update={"leads_to": to})
                        for b in story.scene("1").story_branches[:1]
                    ]
                }
            )
            if scene.scene_id == scene_id
            else scene
            for scene in story.scenes
        ]
        story = story.model_copy(update={"scenes": scenes})

    leading("1.1.1", "1")
    leading("1.2", "1.2")
    leading("1.2.1", "1.2.2")
    leading("1.2.2", "1.2.1")
    return story


@pytest.mark.parametrize("story", stories(), ids=lambda story: f"{len(story.scenes)}-scenes")
def test_every_scene_and_branch_has_a_spot_of_its_own(story: Story) -> None:
    layout = lay_out(story)
    scenes = {scene.scene_id for scene in story.scenes}
    refused = {branch.branch_id for _, branch in story.refused()}
    assert scenes | refused <= set(layout.spots)
    columns: dict[int, list[tuple[float, float]]] = {}
    for key, (column, row) in layout.spots.items():
        height = 1.0 if key in scenes else STUB
        columns.setdefault(column, []).append((row - height / 2, row + height / 2))
        assert 0 <= column < layout.columns
        assert row - height / 2 >= -0.001
        assert row + height / 2 <= layout.rows + 0.001
    for spans in columns.values():
        for (top, bottom), (other_top, other_bottom) in combinations(spans, 2):
            assert bottom <= other_top + 0.001 or other_bottom <= top + 0.001


@pytest.mark.parametrize("story", stories()[:-1], ids=lambda story: f"{len(story.scenes)}-scenes")
def test_every_choice_leads_to_the_right(story: Story) -> None:
    spots = lay_out(story).spots
    for scene in story.scenes:
        for branch in scene.story_branches:
            if branch.leads_to in spots:
                assert spots[branch.leads_to][0] > spots[scene.scene_id][0]


def test_endings_joins_refusals_and_stand_ins_are_marked() -> None:
    story = hostile_story()
    drawing = ElementTree.fromstring(story_map_svg(story))  # noqa: S314
    nodes = {node.attrib["data-scene"]: node for node in drawing.iter(f"{SVG}a")}
    assert set(nodes) == {scene.scene_id for scene in story.scenes}
    for scene in story.scenes:
        node = nodes[scene.scene_id]
        card = node.find(f"{SVG}rect")
        assert card is not None
        assert (card.attrib["rx"] == "18") == (scene.ending is not None)
        assert ("stand-in" in node.attrib["class"]) == scene.written_by.stand_in
    leading = [b.leads_to for s in story.scenes for b in s.story_branches if b.leads_to]
    kinds = [part.attrib.get("class") for part in drawing.iter()]
    assert kinds.count("edge meets") == sum(leading.count(to) > 1 for to in leading)
    assert kinds.count("refused") == len(list(story.refused()))
    assert kinds.count("unwritten") == len(story.missing)


def test_no_ending_and_no_number_of_ways_is_cut_off() -> None:
    story = make_story(1, 2, 2, joins=True)
    scenes = [s.model_copy(update={"ending": "bittersweet"}) for s in story.scenes]
    drawn = story_map_svg(story.model_copy(update={"scenes": scenes}))
    small = [text.split("<")[0] for text in drawn.split('<text class="of"')[1:]]
    nodes = [text.partition(">")[2] for text in small if "bittersw" in text]
    assert len(nodes) == len(scenes)
    assert all(text.endswith("bittersweet") for text in nodes)
    assert ">2 meet<" in drawn


def test_colours_tell_scores_apart() -> None:
    story = make_story(1, 1, 2)
    fills = set()
    for score in (0.2, 0.5, 0.7, 0.9):
        quality = story.opening.quality.model_copy(update={"score": score})
        opening = story.opening.model_copy(update={"quality": quality})
        drawing = story_map_svg(story.model_copy(update={"scenes": [opening]}))
        fills.add(drawing.partition('<circle cx="')[2].partition('fill="')[2][:7])
    assert len(fills) == 4


def test_the_picture_has_the_shape_of_the_drawing() -> None:
    story = make_story(1, 1, 4)
    png = story_map_png(story)
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    drawing = ElementTree.fromstring(story_map_svg(story))  # noqa: S314
    shape = float(drawing.attrib["width"]) / float(drawing.attrib["height"])
    assert width / height == pytest.approx(shape, rel=0.02)


def test_the_painter_has_no_keys_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    story = make_story(1, 0, 1)
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    monkeypatch.setattr(story_map, "PAINT", "import os; print(dict(os.environ))")
    assert CANARY.encode() not in story_map_png(story)
    monkeypatch.setattr(story_map, "PAINT", "import time; time.sleep(20)")
    monkeypatch.setattr(story_map, "PAINT_SECONDS", 0.2)
    with pytest.raises(subprocess.TimeoutExpired):
        story_map_png(story)
