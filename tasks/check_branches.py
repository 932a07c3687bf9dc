"""Check branches: one task run for each proposed branch."""

from collections.abc import Sequence
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.calls.prompt import Purpose
from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.check import computed, run, run_with
from tasks.consistency.examination import of_branch, read_ahead
from tasks.consistency.judge import judge
from tasks.llm.client import Client
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
    client: Client,
    world: World,
    brief: Brief,
    state: PathState,
    scene: SceneText,
    branch: BranchDraft,
    siblings: Sequence[BranchDraft],
    purpose: Purpose,
    label: str,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> Verdict:
    """The verdict on a branch at the end of `scene`, whose effects `state` has.

    What the rules refuse is not sent to the judge; the offline writer has none. `siblings` are
    the branches it must differ from, `accepted` is what a person let stand, `ratings` are the
    provider's of the answer it came in. Raises CapReached.
    """
    case = of_branch(world, brief, state, scene, branch, siblings)
    await read_ahead(world, scene, branch)
    found = computed(case)
    verdict = run(case, found, accepted=accepted, ratings=ratings)
    if client.offline or not verdict.valid:
        return verdict
    asked = replace(purpose, step="check_branches")
    opinion = await judge(case, judging(client), asked, votes=client.settings.judge_votes)
    return run_with(case, opinion, found, accepted=accepted, ratings=ratings)


def judging(client: Client) -> Client:
    """The client as the judge uses it: never the offline writer, and JUDGE_MODEL first if it is
    set."""
    models = [provider for provider in client.chain if provider.name != "offline"]
    return replace(client, chain=models if client.judge is None else [client.judge, *models])
