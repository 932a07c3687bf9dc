"""Check branches: one task run for each proposed branch."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.consistency.case import of_branch
from tasks.consistency.check import computed, run, run_with
from tasks.consistency.intended import Decision, honour
from tasks.consistency.judge import judge
from tasks.llm.chain import open_provider
from tasks.llm.client import Client
from tasks.llm.prompt import Purpose
from tasks.settings import ProviderName
from tasks.story.brief import Brief
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.state import PathState
from tasks.story.verdict import Verdict
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
    decisions: Sequence[Decision] = (),
) -> Verdict:
    """The verdict on a branch at the end of `scene`, whose effects `state` has.

    What the rules refuse is not sent to the judge; the offline writer has none. `siblings` are
    the branches it must differ from. Raises CapReached.
    """
    case = of_branch(world, brief, state, scene, branch, siblings)
    found = computed(case)
    verdict = honour(run(case, found), decisions)
    if client.offline or not verdict.valid:
        return verdict
    asked = replace(purpose, step="check_branches")
    async with judging(client) as judge_client:
        opinion = await judge(case, judge_client, asked, votes=client.settings.judge_votes)
    return honour(run_with(case, opinion, found), decisions)


@asynccontextmanager
async def judging(client: Client) -> AsyncIterator[Client]:
    """The client as the judge uses it: never the offline writer, and JUDGE_MODEL first if it is
    set ('gemini-2.5-pro', 'claude:NAME', 'openai:NAME')."""
    models = [provider for provider in client.chain if provider.name != "offline"]
    if not client.settings.judge_model:
        yield replace(client, chain=models)
        return
    name, _, model = client.settings.judge_model.rpartition(":")
    name = name or "gemini"
    settings = client.settings.model_copy(update={f"{name}_model": model})
    first = open_provider(cast(ProviderName, name), settings)
    try:
        yield replace(client, chain=[first, *models])
    finally:
        await first.close()
