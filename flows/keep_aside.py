"""A story that would be lost where another is written is moved aside."""

from datetime import datetime
from pathlib import Path

from flows.source import read_story
from tasks.errors import InputError
from tasks.story.story import Story


def keep_aside(folder: Path, story: Story) -> Path | None:
    """Rename the folder if writing `story` into it would lose what is there: a story of another
    world, or one that was extended or redone. Returns where it is now."""
    file = folder / "story.json"
    if not file.exists():
        return None
    try:
        there = read_story(file)
    except InputError:
        there = None
    if there and not there.extended and there.world.id == story.world.id:
        return None
    written = datetime.fromtimestamp(file.stat().st_mtime)
    return folder.rename(folder.with_name(f"{folder.name}-{written:%Y-%m-%d-%H%M%S}"))
