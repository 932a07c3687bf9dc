"""What a story is told from: a world and a brief, or a story that is to go on."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from slugify import slugify

from flows.orders.stories import StoryOrder, tree
from flows.story.ways import below
from tasks.core.errors import InputError
from tasks.core.files import regular
from tasks.core.settings import Settings
from tasks.core.validation import first_fault
from tasks.story.brief import Brief
from tasks.story.story import Story
from tasks.story.world import World
from tasks.world.boundaries import with_sets
from tasks.world.load import load_boundaries, load_brief, load_world

LONGEST_ID = 60
"""Characters of a story's id, so that a version's file name fits everywhere."""


@dataclass(frozen=True)
class Source:
    """World and brief of an order, the story so far if there is one, and where it is kept."""

    world: World
    brief: Brief
    story_id: str
    folder: Path
    so_far: Story | None = None

    def planned(self, order: StoryOrder) -> list[int]:
        """Scenes of each level of the story that an order writes, at most: 0 above a scene that is
        extended or redone, which keeps the depth it had."""
        if self.so_far is None:
            return tree(order.breadth, order.depth, order.most_scenes)
        level = (order.redo or order.from_scene).count(".")
        if order.redo:
            deepest = max(scene.count(".") for scene in below(self.so_far, order.redo))
            return [0] * level + tree(self.so_far.breadth, deepest - level)
        return [0] * (level + 1) + tree(self.so_far.breadth, order.depth)[1:]


def read_source(order: StoryOrder, settings: Settings) -> Source:
    """Read what an order names, with the player's boundaries on top. Raises InputError."""
    sets = load_boundaries(settings.talewright_boundaries)
    if order.extend:
        file = Path(order.extend).expanduser()
        file = file / "story.json" if file.is_dir() else file
        story = read_story(file)
        scene_id, known = order.redo or order.from_scene, [s.scene_id for s in story.scenes]
        if scene_id not in known:
            message = f"the story has no scene {scene_id}; its scenes are {', '.join(known)}"
            raise InputError(message, file=file)
        return Source(story.world, with_sets(story.brief, sets), story.id, file.parent, story)
    world = load_world(order.world)
    brief = with_sets(load_brief(order.brief, world, order.world), sets)
    seed = f"-{order.seed}"
    story_id = slugify(brief.id, max_length=LONGEST_ID - len(seed)) + seed
    return Source(world, brief, story_id, order.folder / story_id)


def read_story(file: Path) -> Story:
    """A story from its JSON file. Raises InputError."""
    try:
        return Story.model_validate_json(regular(file).read_bytes())
    except OSError as error:
        raise InputError(f"This story cannot be read: {error.strerror}.", file=file) from None
    except ValidationError as error:
        field, message = first_fault(error)
        raise InputError(
            f"This is no Talewright story: {message}.", file=file, field=field
        ) from None
