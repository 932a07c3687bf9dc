"""How a story grows: scene after scene along the accepted branches, side by side."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flows.story.scene import (
    Desk,
    SceneRefused,
    more_branches,
    write_scene_steps,
)
from flows.story.ways import Way
from tasks.calls.errors import CapReached, CutShort, LLMError, Malformed, Refused
from tasks.core.run_all import run_all
from tasks.story.ask import SPARE_BRANCHES, SceneAsk
from tasks.story.brief import EndingKind
from tasks.story.scene import Branch, Scene
from tasks.story.state import PathState
from tasks.story.story import Missing

Exit = tuple[str, int]
"""A branch to follow: the scene's id, and the branch's place among its `story_branches`."""


SETTLED = (SceneRefused, Malformed, CutShort, Refused)
"""Why a scene is missing, where another try would find the same answers."""


@dataclass
class Growth:
    """A story while it grows.

    `depth` counts levels of choices, `most_scenes` (None: no limit) all scenes; where either is
    reached, a scene is an ending. With `joins` the last choices of sibling scenes lead to one
    scene, if it holds on all of their paths. A scene that fails ends its own path only, and
    `missed_for` says why one did, first of all what another try may mend; a reached cap ends
    them all.
    """

    desk: Desk
    depth: int
    seed: int
    on_scene: Callable[[Scene], None]
    joins: bool = False
    most_scenes: int | None = None
    scenes: dict[str, Scene] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    missed_for: Exception | None = None
    stopped_by: CapReached | None = None

    def __post_init__(self) -> None:
        self._after: dict[str, list[Way]] = {}

    async def grow(self) -> None:
        """Write the opening and everything that follows.

        Raises LLMError or SceneRefused if not even the opening could be written.
        """
        opening = Way([], PathState.opening(self.desk.world, self.desk.brief))
        await self._write("1", [opening])
        await self._onward(["1"])

    async def extend(self, scene_id: str, ways: Sequence[Way]) -> None:
        """Give a written scene new choices and grow below them, down to `depth`."""
        scene = self.scenes[scene_id]
        after = [way.over(scene) for way in ways]
        ask = self.ask(scene_id, ways).model_copy(
            update={"branches": self.desk.breadth + SPARE_BRANCHES, "ending": None}
        )
        more = await more_branches(self.desk, ask, scene, [way.state for way in after])
        self._after[scene_id] = after
        self.scenes[scene_id] = scene.model_copy(update=more | {"ending": None})
        await self._onward([scene_id])

    async def redo(self, scene_id: str, ways: Sequence[Way]) -> None:
        """Write one scene and everything below it anew, down to `depth`."""
        old = self.scenes.pop(scene_id)
        await self._write(scene_id, ways, not_seed=old.written_by.seed)
        await self._onward([scene_id])

    async def _onward(self, siblings: Sequence[str]) -> None:
        """Follow the open branches of scenes that stand side by side."""

        async def follow(exits: list[Exit]) -> list[str]:
            children = await self._follow(exits)
            if not self.joins:
                await self._onward(children)
            return children

        grown = await run_all(*(follow(exits) for exits in self._targets(siblings)))
        if self.joins:
            children = [child for some in grown for child in some]
            families = {child.rpartition(".")[0] for child in children}
            await run_all(
                *(
                    self._onward([c for c in children if c.rpartition(".")[0] == family])
                    for family in sorted(families)
                )
            )

    def _targets(self, siblings: Sequence[str]) -> list[list[Exit]]:
        """The branches to follow, those that are to meet together."""
        open_: list[list[Exit]] = [
            [(s, i) for i, b in enumerate(self.scenes[s].story_branches) if b.leads_to is None]
            for s in siblings
        ]
        exits = [some for some in open_ if some]
        if not self.joins or len(exits) < 2:
            return [[exit_] for some in exits for exit_ in some]
        apart = [[exit_] for some in exits for exit_ in some[:-1]]
        return [*apart, [some[-1] for some in exits]]

    async def _follow(self, exits: Sequence[Exit]) -> list[str]:
        """Write the scene that branches lead to; the ids of what was written."""
        ways = [
            way.through(self.scenes[scene_id], self._branch((scene_id, index)))
            for scene_id, index in exits
            for way in self._after[scene_id]
        ]
        next_id = f"{exits[0][0]}.{exits[0][1] + 1}"
        try:
            await self._write(next_id, ways)
        except SceneRefused as error:
            if len(exits) > 1:
                apart = await run_all(*(self._follow([exit_]) for exit_ in exits))
                return [child for some in apart for child in some]
            return self._miss(next_id, error)
        except CapReached as error:
            self.stopped_by = error
            return self._miss(next_id, error)
        except LLMError as error:
            return self._miss(next_id, error)
        for exit_ in exits:
            self._link(exit_, next_id)
        return [next_id]

    async def _write(self, scene_id: str, ways: Sequence[Way], not_seed: int | None = None) -> None:
        if self.stopped_by is not None:
            raise self.stopped_by
        ask = self.ask(scene_id, ways, not_seed)
        with self.desk.client.level.work():
            scene, states = await write_scene_steps(self.desk, ask, [way.state for way in ways])
        self._after[scene_id] = [
            Way(way.path, state) for way, state in zip(ways, states, strict=True)
        ]
        self.scenes[scene_id] = scene
        self.on_scene(scene)

    def ask(self, scene_id: str, ways: Sequence[Way], not_seed: int | None = None) -> SceneAsk:
        """What the writer is asked for at the end of these ways; with the seed after `not_seed`."""
        first = ways[0]
        alive = first.state.status(self.desk.brief.protagonist) == "alive"
        onward = self._onward_branches(scene_id, len(first.path)) if alive else 0
        facts = [set(way.state.sentences(self.desk.world)) for way in ways]
        return SceneAsk(
            scene_id=scene_id,
            path=first.path,
            also_from=[way.path[-1] for way in ways[1:]],
            # Where paths meet, only what holds on all of them may be told.
            facts=[f for f in first.state.sentences(self.desk.world) if all(f in s for s in facts)],
            branches=onward + SPARE_BRANCHES if onward else 0,
            ending=None if onward else self._ending(scene_id, alive),
            seed=self._seed(scene_id, not_seed),
        )

    def _seed(self, scene_id: str, after: int | None) -> int:
        """The first seed of a scene, or the one after the one it was written with."""
        if after is None:
            return scene_seed(self.seed, scene_id)
        seeds = [scene_seed(self.seed, scene_id, attempt) for attempt in range(1, 100)]
        return seeds[seeds.index(after) + 1 if after in seeds[:-1] else 0]

    def _onward_branches(self, scene_id: str, level: int) -> int:
        """How many branches are to be followed from a scene."""
        breadth = self.desk.breadth
        if level >= self.depth:
            return 0
        if self.most_scenes is None:
            return breadth
        # Places in the full tree are counted level by level.
        place = sum(int(breadth**above) for above in range(level)) + self._turn(scene_id)
        return max(0, min(breadth, self.most_scenes - (breadth * place + 1)))

    def _turn(self, scene_id: str) -> int:
        """A scene's place in its level of the full tree."""
        turn = 0
        for digit in scene_id.split(".")[1:]:
            turn = turn * self.desk.breadth + int(digit) - 1
        return turn

    def _ending(self, scene_id: str, alive: bool) -> EndingKind:
        """Endings take turns, from one the seed picks; a lost hero is a loss."""
        endings = self.desk.brief.endings
        return endings[(self._turn(scene_id) + self.seed) % len(endings)] if alive else "loss"

    def _branch(self, exit_: Exit) -> Branch:
        return self.scenes[exit_[0]].story_branches[exit_[1]]

    def _link(self, exit_: Exit, scene_id: str) -> None:
        scene = self.scenes[exit_[0]]
        branches = list(scene.story_branches)
        branches[exit_[1]] = branches[exit_[1]].model_copy(update={"leads_to": scene_id})
        self.scenes[exit_[0]] = scene.model_copy(update={"story_branches": branches})

    def _miss(self, scene_id: str, error: Exception) -> list[str]:
        self.missing.append(Missing(scene_id=scene_id, reason=str(error)[:500] or "unknown"))
        if self.missed_for is None or isinstance(self.missed_for, SETTLED):
            self.missed_for = error
        return []


def scene_seed(seed: int, scene_id: str, attempt: int = 1) -> int:
    """A seed of 31 bits for one attempt at one scene."""
    digest = hashlib.sha256(f"{seed}/{scene_id}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1
