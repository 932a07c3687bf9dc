"""A run cancelled in the UI: it stops, leaves its receipt, and goes on when started again."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling

from flows.order import StoryOrder
from tests.emulators.gemini import GeminiServer
from tests.flows.conftest import artifact, run_story

SERVE = "from flows.write_story import write_story; write_story.serve('cancelled')"


@pytest.fixture
def server(
    prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GeminiServer]:
    """Gemini, asked by a process that serves write-story as a deployment."""
    with GeminiServer(latency=0.5) as server:
        monkeypatch.setenv("GEMINI_API_KEY", "none")
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
        serving = subprocess.Popen(
            [sys.executable, "-c", SERVE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield server
        finally:
            serving.terminate()
            serving.wait(20)


async def start(order: StoryOrder) -> FlowRun:
    for _ in range(300):
        try:
            return await run_deployment(  # type: ignore[no-any-return, misc]
                "write-story/cancelled", parameters={"order": order.model_dump()}, timeout=0
            )
        except ObjectNotFound:
            await asyncio.sleep(0.1)
    raise AssertionError("write-story is not served")


async def test_a_cancelled_run_stops_leaves_a_receipt_and_goes_on(
    server: GeminiServer, tmp_path: Path
) -> None:
    order = StoryOrder(depth=3, out=str(tmp_path / "out"))
    run = await start(order)
    until = time.monotonic() + 60
    while server.counts()["answered"] < 4 and time.monotonic() < until:
        await asyncio.sleep(0.1)
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Cancelling())
        in_flight = server.in_flight
        cancelled = time.monotonic()
        while (run := await client.read_flow_run(run.id)).state_name != "Cancelled":
            assert time.monotonic() < cancelled + 10, run.state
            await asyncio.sleep(0.1)
    asked = server.counts()["calls"]
    receipt = await artifact(run.id, "receipt")
    assert "cancelled" in receipt.splitlines()[0]
    assert "$0.000000**" not in receipt
    await asyncio.sleep(1.5)
    assert server.counts()["calls"] == asked, "it went on asking"
    again = await run_story(order)
    assert again.state == "Completed"
    assert len(again.story.scenes) == 15
    assert again.told.receipt.total.cached >= 4
    # What was in flight at the end may have been answered to nobody.
    assert server.counts()["requests_answered_twice"] <= in_flight
