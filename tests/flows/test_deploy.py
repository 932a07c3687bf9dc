"""Deployments: one command sets them up, and a process worker runs them."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Crashed
from prefect.utilities.callables import parameter_schema

from flows.sweep import sweep
from flows.write_story import write_story
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer
from tests.flows.test_cli import command, talewright

LIMIT = "gemini.gemini-2-5-flash.requests"


async def test_what_one_command_deploys_another_runs(prefect_server: str, tmp_path: Path) -> None:
    key = {"GEMINI_API_KEY": CANARY, "LLM_RATE_LIMIT": "600"}
    done = talewright("deploy", "--run", "sweep/daily-sweep", cwd=tmp_path, **key)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Deployment write-story/nightly: runs on schedule" in done.stdout
    assert "Secret block gemini-api-key: saved" in done.stdout
    assert CANARY not in done.stdout + done.stderr
    assert "Run of sweep/daily-sweep: http://127.0.0.1:" in done.stdout
    order = {"depth": 0, "sandbox": "none", "out": str(tmp_path), "seed": 3}
    try:
        with GeminiServer() as gemini:
            run = await run_by_worker("write-story/nightly", {"order": order}, gemini.url)
    finally:
        await Secret.adelete("gemini-api-key")
    assert run.state_name == "Completed"
    assert run.state
    told = await run.state.aresult()
    assert told.folder == tmp_path / "last-ferry-3"
    assert (tmp_path / "last-ferry-3" / "index.html").exists()
    assert {call.key for call in gemini.calls} == {CANARY}, "the key came from its block"
    async with get_client() as client:
        limit = await client.read_global_concurrency_limit_by_name(LIMIT)
    assert limit.active


async def test_a_batch_is_shared_out_and_a_lost_part_is_written_by_another_run(
    prefect_server: str, tmp_path: Path
) -> None:
    assert talewright("deploy", cwd=tmp_path).returncode == 0, "it can be run again"
    batch = {"depth": 0, "sandbox": "none", "model": "offline", "out": str(tmp_path)}
    parts: list[FlowRun] = []

    async def lose_one(batch_id: UUID) -> None:
        nonlocal parts
        tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[str(batch_id)]))
        lost: UUID | None = None
        async with get_client() as client:
            while len(parts) < 3:
                await asyncio.sleep(0.05)
                parts = await client.read_flow_runs(flow_run_filter=tagged)
                for part in parts:
                    lost = lost or part.id
                    if part.id == lost and part.state_name != "Crashed":
                        await client.set_flow_run_state(part.id, Crashed(), force=True)

    run = await run_by_worker(
        "write-stories/night-batch",
        {"batch": batch | {"stories_per_run": 1, "max_cost_usd": 1}},
        meanwhile=lose_one,
    )
    assert run.state_name == "Completed"
    assert run.state
    assert run.state.message == "2 of 2 stories complete"
    assert len(list(tmp_path.glob("*/story.json"))) == 2


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel's packages were installed into, as pip does it."""
    folder = tmp_path_factory.mktemp("installed")
    clone = Path(__file__).parents[2]
    build = WheelBuilder(str(clone)).build(directory=str(folder / "dist"), versions=["standard"])
    with ZipFile(next(iter(build))) as wheel:
        wheel.extractall(folder / "site-packages")
    return folder / "site-packages"


async def test_an_installed_wheel_deploys_from_an_empty_folder(
    prefect_server: str, installed: Path, tmp_path: Path
) -> None:
    done = talewright("deploy", cwd=tmp_path, PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr + done.stdout
    async with get_client() as client:
        nightly = await client.read_deployment_by_name("write-story/nightly")
    assert nightly.entrypoint == "flows.write_story.write_story"
    [step] = nightly.pull_steps or []
    assert str(tmp_path) in str(step), "stories go below the folder of the command"


def in_the_background() -> None:
    """As a shell starts it there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def nothing(run_id: UUID) -> None:
    """While a run goes on."""


async def run_by_worker(
    name: str,
    parameters: dict[str, object],
    gemini: str = "",
    meanwhile: Callable[[UUID], Awaitable[None]] = nothing,
) -> FlowRun:
    """Run a deployment on a process worker whose environment has no key, to its end."""
    run: FlowRun = await run_deployment(name, parameters=parameters, timeout=0)  # type: ignore[misc]
    worker = subprocess.Popen(
        command("worker", "--limit", "4"),
        env=os.environ | {"GEMINI_BASE_URL": gemini, "PREFECT_WORKER_QUERY_SECONDS": "0.5"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=in_the_background,
    )
    other = asyncio.ensure_future(meanwhile(run.id))
    try:
        async with get_client() as client:
            for _ in range(300):
                run = await client.read_flow_run(run.id)
                if run.state and run.state.is_final():
                    break
                await asyncio.sleep(0.2)
    finally:
        worker.terminate()
        worker.wait(20)
    await other
    return run


async def test_a_wrong_parameter_is_refused_by_name_before_a_run_is_made(
    prefect_server: str,
) -> None:
    async with get_client() as client:
        flow_id = await client.create_flow(write_story)
        deployment_id = await client.create_deployment(
            flow_id, "checked", parameter_openapi_schema=parameter_schema(write_story).model_dump()
        )
        with pytest.raises(PrefectHTTPStatusError, match=r"order.depth.*maximum of 12"):
            await client.create_flow_run_from_deployment(
                deployment_id, parameters={"order": {"depth": 99}}
            )


async def test_sweep_drops_old_answers_and_keeps_the_books(prefect_server: str) -> None:
    assert (await sweep(days=1))["answers"] == 0
