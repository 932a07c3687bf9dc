"""How a story grows: scene after scene along the accepted branches, side by side."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from flows.scene_steps import Desk, SceneRefused, write_scene_steps
from tasks.llm.errors import CapReached, LLMError
from tasks.story.ask import PathStep, SceneAsk
from tasks.story.brief import EndingKind
from tasks.story.scene import Branch, Scene, SceneText
from tasks.story.state import PathState
from tasks.story.story import Missing

SPARE_BRANCHES = 1
"""Choices asked for beyond the breadth, so that one refusal costs no further call."""


@dataclass
class Growth:
    """A tree of scenes while it grows. `scenes` is in the order of scene ids at the end."""

    desk: Desk
    depth: int
    seed: int
    on_scene: Callable[[Scene], None]
    scenes: dict[str, Scene] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    stopped_by: LLMError | None = None

    async def grow(self) -> None:
        """Write the opening and everything that follows. A scene that fails ends its own path
        only; a reached cap ends them all. Nothing is raised but cancellation."""
        opening = PathState.opening(self.desk.world, self.desk.brief)
        await self._grow("1", [], opening)

    async def _grow(self, scene_id: str, path: list[PathStep], state: PathState) -> bool:
        """Whether the scene was written."""
        if self.stopped_by is not None:
            return self._miss(scene_id, str(self.stopped_by))
        try:
            scene, after = await write_scene_steps(
                self.desk, self._ask(scene_id, path, state), state
            )
        except CapReached as error:
            self.stopped_by = error
            return self._miss(scene_id, str(error))
        except (LLMError, SceneRefused) as error:
            return self._miss(scene_id, str(error))
        self.scenes[scene_id] = scene
        self.on_scene(scene)
        grown = await asyncio.gather(
            *(
                self._follow(scene, number, branch, path, after)
                for number, branch in enumerate(scene.story_branches, start=1)
            )
        )
        self.scenes[scene_id] = scene.model_copy(update={"story_branches": list(grown)})
        return True

    async def _follow(
        self, scene: Scene, number: int, branch: Branch, path: list[PathStep], after: PathState
    ) -> Branch:
        step = PathStep(
            scene_id=scene.scene_id,
            scene=SceneText.model_validate(scene, from_attributes=True),
            choice=branch.choice,
            consequence=branch.consequence,
        )
        next_id = f"{scene.scene_id}.{number}"
        state = after.after(branch.effects, source=branch.branch_id)
        written = await self._grow(next_id, [*path, step], state)
        return branch.model_copy(update={"leads_to": next_id if written else None})

    def _ask(self, scene_id: str, path: list[PathStep], state: PathState) -> SceneAsk:
        lead = self.desk.brief.protagonist
        ends = len(path) >= self.depth or state.status(lead) != "alive"
        return SceneAsk(
            scene_id=scene_id,
            path=path,
            facts=state.sentences(self.desk.world),
            branches=0 if ends else self.desk.breadth + SPARE_BRANCHES,
            ending=self._ending(scene_id, state) if ends else None,
            seed=scene_seed(self.seed, scene_id),
        )

    def _ending(self, scene_id: str, state: PathState) -> EndingKind:
        """Endings take turns over the leaves, from one the seed picks; a lost hero is a loss."""
        if state.status(self.desk.brief.protagonist) != "alive":
            return "loss"
        turn = 0
        for digit in scene_id.split(".")[1:]:
            turn = turn * self.desk.breadth + int(digit) - 1
        endings = self.desk.brief.endings
        return endings[(turn + self.seed) % len(endings)]

    def _miss(self, scene_id: str, reason: str) -> bool:
        self.missing.append(Missing(scene_id=scene_id, reason=reason[:500]))
        return False


def scene_seed(seed: int, scene_id: str, attempt: int = 1) -> int:
    """A seed of 31 bits for one attempt at one scene."""
    digest = hashlib.sha256(f"{seed}/{scene_id}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1
