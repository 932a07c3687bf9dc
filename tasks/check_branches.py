"""Check branches: one task run for each proposed branch."""

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.check import worst_verdict
from tasks.consistency.examination import of_branch, read_ahead
from tasks.consistency.opinion import Opinion
from tasks.story.brief import Brief
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.state import PathState
from tasks.story.verdict import Issue, Verdict
from tasks.story.world import World


@task(
    name="check branch",
    task_run_name="{label}: check branch",
    cache_policy=NO_CACHE,
)
async def check_branch(
    world: World,
    brief: Brief,
    states: Sequence[PathState],
    scene: SceneText,
    branch: BranchDraft,
    siblings: Sequence[BranchDraft],
    opinion: Opinion | None,
    label: str,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """The verdict on a branch at the end of `scene`, of the way on which the least holds.

    `states` have the scene's effects, one for each way to it; `siblings` are the branches it must
    differ from; `opinion` is the judge's, None if it was not asked; `accepted` is what a person let
    stand, `ratings` are the provider's of the answer it came in.
    """
    await read_ahead(world, scene, branch)
    cases = [of_branch(world, brief, state, scene, branch, siblings) for state in states]
    return worst_verdict(cases, opinion, accepted=accepted, ratings=ratings)
