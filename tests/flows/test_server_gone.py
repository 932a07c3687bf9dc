"""Prefect's server goes away for good while a command writes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from flows.cli.ending import INCOMPLETE
from flows.runs.server import SERVER_SETTINGS
from flows.story.source import read_story
from tests.emulators.gemini import GeminiServer
from tests.ports import free_port


def serve(port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A Prefect server of this test's own, once it answers."""
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        command, env=environment | SERVER_SETTINGS, stdout=quiet, stderr=quiet
    )
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/api/health").raise_for_status()
            return server
        except httpx.HTTPError:
            assert server.poll() is None
            time.sleep(0.2)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("limit", [{}, {"LLM_RATE_LIMIT": "600"}], ids=["free", "limited"])
def test_a_story_is_finished_without_its_server(limit: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    with GeminiServer(latency=0.5) as gemini:
        environment = os.environ | {
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "TALEWRIGHT_HOME": str(tmp_path / "home"),
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": gemini.url,
            **limit,
        }
        server = serve(port, environment)
        run = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "write", "--depth", "1", "--out", str(tmp_path)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            while gemini.counts()["answered"] < 2:
                assert run.poll() is None
                time.sleep(0.05)
            server.send_signal(signal.SIGKILL)
            server.wait()
            out, err = run.communicate(timeout=200)
        finally:
            run.kill()
            server.kill()
    assert run.returncode == INCOMPLETE, err
    assert "The Last Ferry: complete" in out
    assert "records of this run are incomplete" in err
    assert len(read_story(tmp_path / "last-ferry-1" / "story.json").scenes) == 3
    assert (tmp_path / "last-ferry-1" / "index.html").exists()
