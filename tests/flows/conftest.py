"""One story, told once for all tests that only look at it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.client.schemas.objects import TaskRun
from prefect.client.schemas.sorting import ArtifactSort

from flows.orders.stories import StoryOrder
from flows.results import StoryResult
from flows.story.source import read_story
from flows.write_story import write_story
from tasks.story.story import Story


@dataclass(frozen=True)
class Run:
    """A finished run of write-story."""

    flow_run_id: UUID
    state: str
    told: StoryResult
    story: Story


async def run_story(order: StoryOrder) -> Run:
    """Run the flow and read what it left."""
    state = await write_story(order, return_state=True)
    told = await state.aresult(raise_on_failure=False)
    assert isinstance(told, StoryResult), state.message
    flow_run_id = state.state_details.flow_run_id
    assert flow_run_id is not None
    return Run(flow_run_id, str(state.name), told, read_story(told.folder / "story.json"))


async def task_runs(flow_run_id: UUID, at_least: int) -> list[TaskRun]:
    """The task runs the server has of a run, once it has that many: they arrive as events."""
    for _ in range(100):
        async with get_client() as client:
            found = await client.read_task_runs(
                task_run_filter=TaskRunFilter(
                    flow_run_id=TaskRunFilterFlowRunId(any_=[flow_run_id])
                ),
                limit=200,
            )
        if len(found) >= at_least and all(run.state and run.state.is_final() for run in found):
            return found
        await asyncio.sleep(0.1)
    return found


async def artifact(flow_run_id: UUID, key: str) -> str:
    """The newest artifact of this key that a run left."""
    async with get_client() as client:
        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[key]),
                flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run_id]),
            ),
            sort=ArtifactSort.CREATED_DESC,
        )
    assert found, f"no artifact {key}"
    return str(found[0].data)


@pytest.fixture(scope="session")
def run(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A story of seven scenes by the offline writer."""
    folder: Path = tmp_path_factory.mktemp("stories")
    return asyncio.run(run_story(StoryOrder(depth=2, out=str(folder))))
