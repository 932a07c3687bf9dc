"""Score: how good a scene is."""

from collections.abc import Sequence
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.calls.prompt import Purpose
from tasks.judge_texts import judging
from tasks.llm.client import Client
from tasks.scoring.form import quality
from tasks.scoring.rubric import rate
from tasks.story.brief import Brief
from tasks.story.code import CodeReport
from tasks.story.quality import Quality, QualityPart
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.world import World


@task(name="score", task_run_name="{label}: score", cache_policy=NO_CACHE)
async def score(
    scene: SceneText,
    branches: Sequence[BranchDraft],
    brief: Brief,
    world: World,
    code: Sequence[CodeReport],
    ending: bool,
    label: str,
    client: Client,
    purpose: Purpose,
) -> Quality:
    """The score of a scene and its parts; an ending needs no choices.

    With SCORE_VOTES above 0 a model rates it too; the offline writer rates nothing.
    Raises CapReached.
    """
    ratings: list[QualityPart] = []
    if client.settings.score_votes and not client.offline:
        asked = replace(purpose, step="score")
        votes = client.settings.score_votes
        ratings = await rate(scene, brief, judging(client), asked, votes=votes)
    return quality(scene, branches, brief, world, code, ending=ending, ratings=ratings)
