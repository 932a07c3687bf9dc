"""Grows stories with the offline writer alone: every proposed branch that a test keeps."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.calls.prompt import Prompt
from tasks.offline import OfflineWriter
from tasks.story.ask import PathStep, SceneAsk
from tasks.story.brief import Brief, EndingKind
from tasks.story.scene import BranchDraft, SceneDraft, SceneText
from tasks.story.state import PathState
from tasks.story.world import World


def ask_writer(prompt_id: str, **variables: object) -> str:
    prompt = Prompt(prompt_id, 1, "0" * 12, "text", variables=variables)
    return asyncio.run(OfflineWriter().generate(prompt)).text


def write(world: World, brief: Brief, ask: SceneAsk) -> SceneDraft:
    return SceneDraft.model_validate_json(ask_writer("scene", world=world, brief=brief, ask=ask))


@dataclass
class Leaf:
    """A scene with the path that led to it and the state before it."""

    path: list[PathStep]
    before: PathState
    ask: SceneAsk
    scene: SceneDraft

    @property
    def after(self) -> PathState:
        return self.before.after(self.scene.effects, self.ask.scene_id)


def grow(
    world: World,
    brief: Brief,
    *,
    seed: int = 1,
    depth: int = 2,
    breadth: int = 2,
    branches: int = 3,
    ending: EndingKind | None = None,
    keep: Callable[[Leaf, BranchDraft], bool] | None = None,
) -> Iterator[Leaf]:
    """Every scene of a tree. `keep` says which branches are followed; the rest is refused."""

    def scene(scene_id: str, path: list[PathStep], state: PathState) -> Iterator[Leaf]:
        last = len(path) >= depth
        kinds = brief.endings
        kind = (ending or kinds[sum(map(ord, scene_id)) % len(kinds)]) if last else None
        ask = SceneAsk(
            scene_id=scene_id,
            path=path,
            branches=0 if last else branches,
            ending=kind,
            seed=seed,
        )
        draft = write(world, brief, ask)
        leaf = Leaf(path, state, ask, draft)
        yield leaf
        followed = [b for b in draft.story_branches if keep is None or keep(leaf, b)][:breadth]
        for nth, branch in enumerate(followed, start=1):
            told = SceneText.model_validate(draft.model_dump(exclude={"story_branches"}))
            step = PathStep(
                scene_id=scene_id,
                scene=told,
                choice=branch.choice,
                consequence=branch.consequence,
                effects=branch.effects,
            )
            yield from scene(
                f"{scene_id}.{nth}", [*path, step], leaf.after.after(branch.effects, scene_id)
            )

    yield from scene("1", [], PathState.opening(world, brief))


def show(leaf: Leaf) -> str:
    scene = leaf.scene
    said = [f'  {d.character_id} ({d.emotion}): "{d.text}"' for d in scene.dialogue]
    choices = [f"  > {b.choice}\n    {b.consequence}" for b in scene.story_branches]
    effects = [json.dumps(e.model_dump()) for e in scene.effects]
    parts = [f"== {leaf.ask.scene_id} {scene.title} [{scene.emotional_tone}]"]
    parts += [f"({scene.setting_description})", scene.narrative_text, *said, *choices, *effects]
    return "\n".join(parts)
