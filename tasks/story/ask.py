"""What the writer is asked for: one scene at the end of one path."""

from pydantic import Field

from tasks.story.base import Line, Model, Text
from tasks.story.brief import EndingKind
from tasks.story.effects import Effect
from tasks.story.scene import SceneId, SceneText

SPARE_BRANCHES = 1
"""Choices asked for beyond those to be followed, so that one refusal costs no further call."""


class PathStep(Model):
    """A scene already written on the path, and the choice that was taken at its end."""

    scene_id: SceneId
    scene: SceneText
    choice: Text
    consequence: Text
    effects: list[Effect] = Field([], description="What taking the choice changed.")


class SceneAsk(Model):
    """One scene to write. `facts` are sentences of what holds now on this path."""

    scene_id: SceneId
    path: list[PathStep] = Field([], description="From the opening to the scene before this one.")
    also_from: list[PathStep] = Field(
        [], description="Where paths meet: the last steps of the others that lead here too."
    )
    facts: list[Line] = []
    branches: int = Field(3, ge=0, description="Choices to propose; 0 for an ending.")
    ending: EndingKind | None = None
    wrong_before: list[Text] = Field([], description="What was wrong with the last attempt.")
    seed: int = 0

    @property
    def leads_here(self) -> str:
        """The scene before this one and the choice that was taken, as text; empty for the
        opening."""
        if not self.path:
            return ""
        step = self.path[-1]
        lines = [line.text for line in step.scene.dialogue]
        parts = [step.scene.title, step.scene.narrative_text, *lines, step.choice, step.consequence]
        return "\n\n".join(parts)

    @property
    def other_steps(self) -> list[PathStep]:
        """The last steps of the other paths, each once; none below the scene where paths met."""
        steps: list[PathStep] = []
        for step in self.also_from:
            if step not in (self.path[-1], *steps):
                steps.append(step)
        return steps
