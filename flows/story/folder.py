"""A story that would be lost where another is written is moved aside."""

from datetime import datetime
from pathlib import Path

from flows.story.source import read_story
from tasks.core.errors import InputError
from tasks.story.story import Story


def keep_aside(folder: Path, story: Story) -> Path | None:
    """Rename the folder if writing `story` into it would lose what is there: a story of another
    world, one that was extended or redone, or a whole one where `story` is not. Returns where it
    is now."""
    file = folder / "story.json"
    if not file.exists():
        return None
    try:
        there = read_story(file)
    except InputError:
        there = None
    same = there and not there.extended and there.world.id == story.world.id
    if there and same and (_whole(story) or not _whole(there)):
        return None
    written = datetime.fromtimestamp(file.stat().st_mtime)
    return folder.rename(folder.with_name(f"{folder.name}-{written:%Y-%m-%d-%H%M%S}"))


def _whole(story: Story) -> bool:
    """Whether every path ends as it was meant to."""
    return all(
        scene.ending or all(branch.leads_to for branch in scene.story_branches)
        for scene in story.scenes
    )
