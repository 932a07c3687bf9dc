"""A whole story: the world and brief it grew from, and its scenes."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from tasks.story.base import Id, Line, Model
from tasks.story.brief import Brief
from tasks.story.scene import Branch, Scene, SceneId
from tasks.story.verdict import Decision
from tasks.story.world import World

FORMAT_VERSION: Literal[1] = 1


class Missing(Model):
    """A scene that could not be written, and why."""

    scene_id: SceneId
    reason: Line


class Story(Model):
    """A branching story. The first scene is the opening; the rest are reached by branches."""

    format_version: Literal[1] = FORMAT_VERSION
    id: Id
    title: Line
    world: World
    brief: Brief
    seed: int
    depth: int = Field(ge=0, description="Levels of choices below the opening.")
    breadth: int = Field(ge=1, description="Branches followed from each scene, at most.")
    written_by: Line = Field(description="E.g. 'gemini-2.5-flash' or 'offline writer'.")
    extended: bool = Field(
        False, description="Whether it was extended or redone after it was first written."
    )
    scenes: list[Scene] = []
    missing: list[Missing] = Field([], description="Scenes a run ended without.")

    @property
    def opening(self) -> Scene:
        """The first scene; raises IndexError if the story has none."""
        return self.scenes[0]

    def scene(self, scene_id: SceneId) -> Scene:
        """The scene of that id; raises KeyError if there is none."""
        for scene in self.scenes:
            if scene.scene_id == scene_id:
                return scene
        raise KeyError(scene_id)

    def refused(self) -> Iterator[tuple[Scene, Branch]]:
        """Every refused branch, with the scene that proposed it."""
        for scene in self.scenes:
            for branch in scene.refused_branches:
                yield scene, branch

    def reviewed(self) -> Iterator[tuple[Scene, Branch]]:
        """Every branch that leads on although a person should look at it, with its scene."""
        for scene in self.scenes:
            for branch in scene.story_branches:
                if branch.verdict.decision is Decision.REVIEW:
                    yield scene, branch

    @property
    def unjudged(self) -> str:
        """Why the judge could be asked of no text at all; empty if it was, or has nothing to do
        with the story."""
        # What the offline writer wrote in place of a model needs no judge, as its own stories.
        by_model = [scene for scene in self.scenes if not scene.written_by.stand_in]
        texts = [scene.verdict for scene in by_model]
        texts += [branch.verdict for scene in by_model for branch in scene.branches]
        asked = [verdict for verdict in texts if verdict.judge != "not asked"]
        if not asked or any(verdict.judge == "asked" for verdict in asked):
            return ""
        return next((v.judge_error for v in asked if v.judge_error), "no reason was given")

    def paths(self) -> Iterator[list[Scene]]:
        """Every way from the opening to a scene nothing follows, as lists of scenes."""
        by_id = {scene.scene_id: scene for scene in self.scenes}
        stack = [[self.opening]] if self.scenes else []
        while stack:
            path = stack.pop()
            onward = [by_id[b.leads_to] for b in path[-1].story_branches if b.leads_to in by_id]
            if not onward:
                yield path
            stack.extend([*path, scene] for scene in reversed(onward) if scene not in path)
