"""Ways to a scene: the choices that lead there, and what holds when they are taken."""

from collections import deque
from dataclasses import dataclass
from typing import Self

from tasks.consistency.paths import MOST_WAYS
from tasks.core.errors import UserError
from tasks.story.ask import PathStep
from tasks.story.scene import Branch, Scene, SceneText
from tasks.story.state import PathState
from tasks.story.story import Story


@dataclass(frozen=True)
class Way:
    """One way through the story: the steps taken, and the state at its end."""

    path: list[PathStep]
    state: PathState

    def over(self, scene: Scene) -> Self:
        """The way with a scene's effects at its end."""
        return type(self)(self.path, self.state.after(scene.effects, source=scene.scene_id))

    def through(self, scene: Scene, branch: Branch) -> Self:
        """The way on through a branch of a scene whose effects the state has already."""
        taken = PathStep(
            scene_id=scene.scene_id,
            scene=SceneText(**scene.model_dump(include=set(SceneText.model_fields))),
            choice=branch.choice,
            consequence=branch.consequence,
            effects=branch.effects,
        )
        state = self.state.after(branch.effects, source=branch.branch_id)
        return type(self)([*self.path, taken], state)


def ways_to(story: Story, scene_id: str) -> list[Way]:
    """The ways to a scene, shortest first, at most `MOST_WAYS`: one for each branch that leads
    there and each state that it leads there in.

    Raises UserError if none leads there.
    """
    by_id = {scene.scene_id: scene for scene in story.scenes}
    found: dict[str, list[Way]] = {}
    queue = deque([("1", Way([], PathState.opening(story.world, story.brief)))])
    while queue:
        here, way = queue.popleft()
        known = found.setdefault(here, [])
        if len(known) >= MOST_WAYS or any(_alike(way, other) for other in known):
            continue
        known.append(way)
        after = way.over(by_id[here])
        for branch in by_id[here].story_branches:
            if branch.leads_to in by_id:
                queue.append((branch.leads_to, after.through(by_id[here], branch)))
    if scene_id not in found:
        raise UserError(f"The story has no scene {scene_id}; its scenes are {', '.join(found)}.")
    return found[scene_id]


def _alike(one: Way, other: Way) -> bool:
    return one.path[-1:] == other.path[-1:] and one.state.same(other.state)


def below(story: Story, scene_id: str) -> set[str]:
    """The scenes that can be reached only through a scene, itself included."""
    reachable: set[str] = set()
    queue = deque(["1"] if scene_id != "1" else [])
    by_id = {scene.scene_id: scene for scene in story.scenes}
    while queue:
        here = queue.popleft()
        reachable.add(here)
        for branch in by_id[here].story_branches:
            next_id = branch.leads_to
            if next_id in by_id and next_id != scene_id and next_id not in reachable:
                queue.append(next_id)
    return by_id.keys() - reachable
