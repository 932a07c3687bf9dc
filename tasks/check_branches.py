"""Check branches: one task run for each proposed branch."""

from collections.abc import Sequence
from dataclasses import replace

from prefect import task

from tasks.consistency.case import of_branch
from tasks.consistency.check import run, run_with
from tasks.consistency.intended import Decision, honour
from tasks.consistency.judge import judge
from tasks.llm.client import Client
from tasks.llm.prompt import Purpose
from tasks.step import CACHE_POLICY
from tasks.story.brief import Brief
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.state import PathState
from tasks.story.verdict import Verdict
from tasks.story.world import World


@task(
    name="check branch",
    task_run_name="{label}: check branch",
    persist_result=True,
    cache_policy=CACHE_POLICY,
)
async def check_branch(
    client: Client,
    world: World,
    brief: Brief,
    state: PathState,
    scene: SceneText,
    branch: BranchDraft,
    siblings: Sequence[BranchDraft],
    purpose: Purpose,
    label: str,
    decisions: Sequence[Decision] = (),
) -> Verdict:
    """The verdict on a branch at the end of `scene`, whose effects `state` has.

    What the rules refuse is not sent to the judge; the offline writer has none. `siblings` are
    the branches already accepted. Raises CapReached.
    """
    case = of_branch(world, brief, state, scene, branch, siblings)
    computed = honour(run(case), decisions)
    if client.offline or not computed.valid:
        return computed
    asked = replace(purpose, step="check_branches")
    opinion = await judge(
        replace(case, scene=scene), client, asked, votes=client.settings.judge_votes
    )
    return honour(run_with(case, opinion), decisions)
