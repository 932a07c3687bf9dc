"""What a killed worker leaves behind: a run that Prefect takes for running, and no receipt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Running

from flows import sweep as room
from flows.orders.stories import StoryOrder
from flows.runs.alive import beats
from flows.sweep import sweep
from flows.write_story import write_story


@asynccontextmanager
async def beating(client: PrefectClient, run_id: UUID) -> AsyncIterator[None]:
    """A run whose worker sends heartbeats, once the server has one."""

    async def beat() -> None:
        while True:
            resource = {"prefect.resource.id": f"prefect.flow-run.{run_id}"}
            emit_event(event="prefect.flow-run.heartbeat", resource=resource)
            await asyncio.sleep(0.2)

    heart = asyncio.create_task(beat())
    try:
        async with asyncio.timeout(20):
            while not await beats(client, run_id, 2.0):
                await asyncio.sleep(0.1)
        yield
    finally:
        heart.cancel()


async def running(client: PrefectClient, deployment_id: UUID) -> UUID:
    """A run that has just begun."""
    run = await client.create_flow_run_from_deployment(deployment_id)
    began: State[object] = Running()
    await client.set_flow_run_state(run.id, began, force=True)
    return run.id


async def receipts(client: PrefectClient, run_id: UUID) -> int:
    found = await client.read_artifacts(
        artifact_filter=ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]),
            key=ArtifactFilterKey(any_=["receipt"]),
        )
    )
    return len(found)


@pytest.mark.usefixtures("prefect_server")
async def test_a_run_whose_worker_died_is_crashed_and_has_a_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path))
    monkeypatch.setattr(room, "SILENCE", 2.0)
    async with get_client() as client:
        flow_id = await client.create_flow(write_story)
        deployment_id = await client.create_deployment(
            flow_id,
            "swept",
            parameters={"order": StoryOrder().model_dump(mode="json")},
            tags=["talewright", "story"],
        )
        runs = [await running(client, deployment_id) for _ in range(3)]
        _, alive, ending = runs
        async with beating(client, alive):
            await asyncio.sleep(room.SILENCE + 0.5)
            sweeping = asyncio.create_task(sweep())
            await asyncio.sleep(room.SILENCE / 2)
            ended: State[object] = Completed()
            await client.set_flow_run_state(ending, ended, force=True)
            swept = await sweeping
        assert swept["dead runs"] >= 1  # other tests kill workers, too
        states = [(await client.read_flow_run(run)).state for run in runs]
        names = [state.name for state in states if state]
        assert names == ["Crashed", "Running", "Completed"]
        assert [await receipts(client, run) for run in runs] == [1, 0, 0]
        await client.delete_flow_run(alive)
