"""Score: how good a scene is."""

from collections.abc import Sequence

from prefect import task

from tasks.quality import quality
from tasks.step import CACHE_POLICY
from tasks.story.brief import Brief
from tasks.story.code import CodeReport
from tasks.story.quality import Quality
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.world import World


@task(name="score", task_run_name="{label}: score", persist_result=True, cache_policy=CACHE_POLICY)
async def score(
    scene: SceneText,
    branches: Sequence[BranchDraft],
    brief: Brief,
    world: World,
    code: Sequence[CodeReport],
    ending: bool,
    label: str,
) -> Quality:
    """The score of a scene and its parts; an ending needs no choices."""
    return quality(scene, branches, brief, world, code, ending=ending)
