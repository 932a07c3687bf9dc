"""Deployments: one command sets them up, and a process worker runs them."""

import asyncio
import os
import subprocess
from pathlib import Path

from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment

from flows.sweep import sweep
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer
from tests.flows.test_cli import command, talewright

LIMIT = "gemini.gemini-2-5-flash.requests"


async def test_deploy_can_be_run_again_and_a_worker_writes_the_story(
    prefect_server: str, tmp_path: Path
) -> None:
    key = {"GEMINI_API_KEY": CANARY, "LLM_RATE_LIMIT": "600"}
    for options in ((), ("--run", "sweep/daily-sweep")):
        done = talewright("deploy", *options, cwd=tmp_path, **key)
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
    assert (tmp_path / "last-ferry-3" / "index.html").exists()
    assert {call.key for call in gemini.calls} == {CANARY}, "the key came from its block"
    async with get_client() as client:
        limit = await client.read_global_concurrency_limit_by_name(LIMIT)
    assert limit.active


async def run_by_worker(name: str, parameters: dict[str, object], gemini: str) -> FlowRun:
    """Run a deployment on a process worker whose environment has no key, to its end."""
    run: FlowRun = await run_deployment(name, parameters=parameters, timeout=0)  # type: ignore[misc]
    worker = subprocess.Popen(
        command("worker"),
        env=os.environ | {"GEMINI_BASE_URL": gemini},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
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
    return run


async def test_sweep_drops_old_answers_and_keeps_the_books(prefect_server: str) -> None:
    assert (await sweep(days=1))["answers"] == 0
