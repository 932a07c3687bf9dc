"""What a killed worker leaves behind: a run that Prefect takes for running, and no receipt."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
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
from prefect.events import RelatedResource, emit_event
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Completed, Running

from flows.orders.stories import StoryOrder
from flows.runs.alive import crash_the_silent
from flows.sweep import sweep
from flows.write_story import write_story

TAGS = ["talewright", "story"]


@pytest.fixture
async def deployment(prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A deployment of `write-story` as prefect.yaml has it."""
    monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path))
    async with get_client() as client:
        return await client.create_deployment(
            await client.create_flow(write_story),
            "swept",
            parameters={"order": StoryOrder().model_dump(mode="json")},
            tags=TAGS,
        )


def beat(run_id: UUID) -> None:
    """What Prefect's engine sends for a run that is alive."""
    tags = [
        RelatedResource(
            {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
        )
        for tag in TAGS
    ]
    resource = {"prefect.resource.id": f"prefect.flow-run.{run_id}"}
    emit_event(event="prefect.flow-run.heartbeat", resource=resource, related=tags)


@asynccontextmanager
async def beating(run_id: UUID) -> AsyncIterator[None]:
    """A run whose worker sends heartbeats."""

    async def beats() -> None:
        while True:
            beat(run_id)
            await asyncio.sleep(1)

    heart = asyncio.create_task(beats())
    try:
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


async def state_name(client: PrefectClient, run_id: UUID) -> str:
    state = (await client.read_flow_run(run_id)).state
    return (state and state.name) or ""


async def test_a_run_without_a_heartbeat_is_crashed_by_the_server_and_swept_with_a_receipt(
    deployment: UUID,
) -> None:
    async with get_client() as client:
        watch = await client.create_automation(
            crash_the_silent("a test's own", timedelta(seconds=10))
        )
        try:
            dead, alive = [await running(client, deployment) for _ in range(2)]
            beat(dead)
            async with beating(alive), asyncio.timeout(100):
                while await state_name(client, dead) != "Crashed":
                    await asyncio.sleep(0.5)
                swept = await sweep()
                assert await state_name(client, alive) == "Running"
        finally:
            await client.delete_automation(watch)
        assert swept["receipts"] >= 1  # other tests kill workers, too
        assert [await receipts(client, run) for run in (dead, alive)] == [1, 0]
        await sweep()
        assert await receipts(client, dead) == 1, "one receipt a run"
        await client.delete_flow_run(alive)


async def test_runs_that_ended_long_ago_are_deleted_with_their_artifacts(deployment: UUID) -> None:
    async with get_client() as client:
        old, new = [await running(client, deployment) for _ in range(2)]
        for run in (old, new):
            ended: State[object] = Completed()
            await client.set_flow_run_state(run, ended, force=True)
        # The server notes the time itself, so what happened long ago is written beside it.
        database = sqlite3.connect(get_current_settings().home / "prefect.db", timeout=30)
        with closing(database), database:
            long_ago = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S.%f")
            changed = database.execute(
                "UPDATE flow_run SET end_time = ? WHERE id = ?", (long_ago, str(old))
            )
            assert changed.rowcount == 1
        swept = await sweep(keep_runs_days=2)
        assert swept["runs"] >= 1
        with pytest.raises(ObjectNotFound):
            await client.read_flow_run(old)
        assert await state_name(client, new) == "Completed"
        assert "runs" not in await sweep(keep_runs_days=None), "who wants to keeps them for good"
