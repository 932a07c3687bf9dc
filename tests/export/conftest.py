"""Fifty stories and a hostile one, exported once, and what foreign tools made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.export import export_story
from tasks.export.epub import to_epub
from tasks.export.ink import to_ink
from tasks.export.markdown import to_markdown
from tasks.export.twee import to_twee
from tasks.story.story import Story
from tests.export import foreign
from tests.stories import hostile_story, make_story

STORIES = 50


@dataclass(frozen=True)
class Exported:
    story: Story
    folder: Path


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    root = tmp_path_factory.mktemp("exports")
    shapes = ((1, 3), (2, 2), (2, 1), (1, 2), (2, 2))
    stories = [hostile_story()] + [
        make_story(seed, *shapes[seed % len(shapes)], joins=seed % 3 == 0)
        for seed in range(1, STORIES + 1)
    ]
    hebrew = stories[1].world.model_copy(update={"language": "Hebrew"})
    stories[1] = stories[1].model_copy(update={"world": hebrew})
    asked = stories[2].opening.model_copy(update={"title": "¿Quién va? ¡Alto!"})
    stories[2] = stories[2].model_copy(update={"scenes": [asked, *stories[2].scenes[1:]]})
    for number, story in enumerate(stories):
        folder = root / str(number)
        if number == 0:
            export_story(story, folder)
            continue
        # The texts alone: pictures of fifty maps take longer than all of these.
        folder.mkdir()
        (folder / "harlowe.twee").write_text(to_twee(story, "Harlowe"), "utf-8")
        (folder / "sugarcube.twee").write_text(to_twee(story, "SugarCube"), "utf-8")
        (folder / "story.ink").write_text(to_ink(story), "utf-8")
        (folder / "story.md").write_text(to_markdown(story), "utf-8")
        (folder / "story.epub").write_bytes(to_epub(story))
    return [Exported(story, root / str(number)) for number, story in enumerate(stories)]


@pytest.fixture(scope="session")
def foreign_view(exported: list[Exported]) -> list[dict[str, Any]]:
    """For each story, what the tools made of its files, by file name."""
    seen = foreign.read(exported[0].folder.parent)
    return [
        {
            path.partition("/")[2]: view
            for path, view in seen.items()
            if path.startswith(f"{one.folder.name}/")
        }
        for one in exported
    ]
