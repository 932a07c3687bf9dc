"""A story as the cross-path checks see it: passages and the links between them."""

from tasks.story.base import Model
from tasks.story.brief import Brief
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.story import Story
from tasks.story.world import World


class Link(Model):
    """A choice at the end of a passage, and where it leads; None if nothing follows yet."""

    id: str
    branch: BranchDraft
    to: str | None


class Passage(Model):
    """A scene with its links. `ending`: the path is meant to end here."""

    id: str
    scene: SceneText
    links: list[Link] = []
    ending: bool = False


class Graph(Model):
    """A whole story. The first passage is where it begins."""

    title: str
    world: World
    brief: Brief | None = None
    passages: list[Passage] = []
    left_out: list[str] = []
    """Ids of passages that are known to be missing."""
    declares: bool = True
    """Whether the text comes with effects; if not, they are read from the prose."""


def from_story(story: Story) -> Graph:
    """A story of ours as a graph."""
    return Graph(
        title=story.title,
        world=story.world,
        brief=story.brief,
        passages=[
            Passage(
                id=scene.scene_id,
                scene=scene,
                links=[Link(id=b.branch_id, branch=b, to=b.leads_to) for b in scene.story_branches],
                ending=scene.ending is not None,
            )
            for scene in story.scenes
        ],
        left_out=[missing.scene_id for missing in story.missing],
    )
