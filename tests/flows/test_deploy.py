"""Deployments: one command sets them up, and a process worker runs them."""

import asyncio
import subprocess
import sys
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment

from flows.sweep import sweep
from tests.flows.test_cli import talewright


async def test_deploy_can_be_run_again_and_a_worker_writes_the_story(
    prefect_server: str, tmp_path: Path
) -> None:
    for _ in range(2):
        done = talewright("deploy", cwd=tmp_path)
        assert done.returncode == 0, done.stderr + done.stdout
    run = await run_deployment(  # type: ignore[misc]
        "write-story/nightly", parameters={"order": {"depth": 1, "out": str(tmp_path)}}, timeout=0
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "-p", "talewright", "-t", "process"],
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
    assert run.state_name == "Completed"
    assert (tmp_path / "last-ferry-1" / "index.html").exists()


async def test_sweep_drops_old_answers_and_keeps_the_books(prefect_server: str) -> None:
    assert (await sweep(days=1))["answers"] == 0
