"""A batch that is cancelled in the UI or takes too long: it stops, leaves its receipt and no
sandbox, and goes on when started again."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.states import Cancelled, Cancelling, Crashed, Failed, Running
from prefect.workers.process import ProcessWorker

from flows.orders.stories import BatchOrder
from flows.results import BatchResult
from flows.write_stories import write_stories
from tests.emulators.coder import Coder
from tests.emulators.e2b import E2BEmulator
from tests.emulators.gemini import GeminiServer
from tests.flows.conftest import artifact

POOL = "cancelled"
CODE = "import time\ntime.sleep(0.2)\nprint('lit')\n"


class Slow(Coder):
    """Puts a program that takes a moment into every scene."""

    code = CODE


@pytest.fixture
def coder(
    prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GeminiServer]:
    """Gemini, for this process and the worker's."""
    with Slow(latency=0.3) as server:
        monkeypatch.setenv("GEMINI_API_KEY", "none")
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
        yield server


@pytest.fixture
def e2b(monkeypatch: pytest.MonkeyPatch) -> Iterator[E2BEmulator]:
    """E2B, for this process and the worker's."""
    with E2BEmulator() as emulator:
        for name, value in emulator.settings().items():
            monkeypatch.setenv(name.upper(), value)
        yield emulator


@asynccontextmanager
async def deployed() -> AsyncIterator[str]:
    """write-stories as a deployment with a process worker; its name."""
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template)
    async with get_client() as client:
        await client.create_work_pool(pool)
    here = await Flow.afrom_source(
        Path(__file__).parents[2], "flows/write_stories.py:write_stories"
    )
    await here.adeploy(POOL, work_pool_name=POOL, print_next_steps=False)
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"write-stories/{POOL}"
    finally:
        worker.terminate()
        worker.wait(20)


async def test_a_cancelled_batch_stops_leaves_a_receipt_and_no_sandbox_and_goes_on(
    coder: GeminiServer, e2b: E2BEmulator, tmp_path: Path
) -> None:
    order = BatchOrder(depth=2, sandbox="e2b", out=str(tmp_path / "out"))
    async with deployed() as name, get_client() as client:
        parameters = {"batch": order.model_dump()}
        run = await run_deployment(name, parameters=parameters, timeout=0)  # type: ignore[misc]
        until = time.monotonic() + 60
        while coder.counts()["answered"] < 8 or not e2b.running:
            assert time.monotonic() < until, coder.counts()
            await asyncio.sleep(0.1)
        coder.latency = 60.0  # so that nothing is complete before it is cancelled
        await client.set_flow_run_state(run.id, Cancelling())
        in_flight = coder.in_flight
        cancelled = time.monotonic()
        while e2b.running:  # until the last story has left its receipt
            assert time.monotonic() < cancelled + 10, e2b.counts()
            await asyncio.sleep(0.05)
        asked, boxes = coder.counts()["calls"], e2b.counts()["asked"]
        async with asyncio.timeout(60):  # the worker ends the process and runs the hooks
            while (await client.read_flow_run(run.id)).state_name != "Cancelled":
                await asyncio.sleep(0.1)
    coder.latency = 0.1
    receipt = await artifact(run.id, "receipt")
    assert "cancelled" in receipt.splitlines()[0]
    assert "$0.000000**" not in receipt
    assert coder.counts()["calls"] == asked, "it went on asking"
    assert e2b.counts()["asked"] == boxes, "it went on running code"
    state = await write_stories(order, return_state=True)
    again = await state.aresult(raise_on_failure=False)
    assert isinstance(again, BatchResult), state.message
    assert [told.scenes for told in again.complete] == [7, 7]
    assert sum(told.receipt.total.cached for told in again.told) >= 8 - in_flight
    # What was in flight at the end may have been answered to nobody.
    assert coder.counts()["requests_answered_twice"] <= in_flight
    assert not e2b.running


async def test_the_parts_of_a_batch_end_with_it_however_it_ends(
    prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path))
    ends: list[tuple[State[object], list[Any]]] = [
        (Crashed(), write_stories.on_crashed_hooks),
        (Failed(), write_stories.on_failure_hooks),
        (Cancelled(), write_stories.on_cancellation_hooks),
    ]
    async with get_client() as client:
        for state, hooks in ends:
            batch = await client.create_flow_run(write_stories, parameters={"batch": None})
            part = await client.create_flow_run(
                write_stories, tags=[str(batch.id)], state=Running()
            )
            for hook in hooks:
                await hook(write_stories, batch, state)
            assert (await client.read_flow_run(part.id)).state_name == "Cancelling"
            assert await artifact(batch.id, "receipt")


async def test_a_batch_that_takes_too_long_leaves_a_receipt_and_no_sandbox(
    coder: GeminiServer, e2b: E2BEmulator, tmp_path: Path
) -> None:
    order = BatchOrder(depth=6, sandbox="e2b", out=str(tmp_path / "out"))
    state = await write_stories.with_options(timeout_seconds=8)(order, return_state=True)
    assert state.name == "TimedOut"
    assert e2b.counts()["asked"] > 0
    assert not e2b.running
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    for key in ("receipt", "receipt-last-ferry", "receipt-night-hum"):
        assert "$0.000000**" not in await artifact(run_id, key)
