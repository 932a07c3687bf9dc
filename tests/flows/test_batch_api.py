"""A night of stories through the batch API: a job a level, half the price, nothing sent twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from flows.orders.stories import BatchOrder
from tests.canary import CANARY
from tests.emulators.gemini_batch import GeminiBatchServer
from tests.flows.test_write_stories import run_batch

LEVELS = 6
"""Three of scenes, and as many of judgements on them and their branches."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[GeminiBatchServer]:
    with GeminiBatchServer(duration=0.2) as server:
        monkeypatch.setenv("GEMINI_API_KEY", CANARY)
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("LLM_BATCH_POLL", "0.1")
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
        yield server


async def test_stories_share_a_job_a_level_at_half_the_price(
    prefect_server: str, server: GeminiBatchServer, tmp_path: Path
) -> None:
    order = BatchOrder(depth=2, sandbox="none", out=str(tmp_path / "out"), batch_api=True)
    night = await run_batch(order)
    assert night.state == "Completed"
    batch = night.batch
    assert {told.scenes for told in batch.told} == {7}
    counts = server.counts()
    assert (counts["jobs"], counts["requests_answered_twice"]) == (LEVELS, 0)
    totals = [told.receipt.total for told in batch.told]
    assert sum(total.batched for total in totals) == counts["answered"]
    assert sum(t.batch_saved_usd for t in totals) == batch.cost_usd > Decimal(0)


def test_a_killed_night_goes_on_without_sending_a_job_again(
    prefect_server: str, server: GeminiBatchServer, tmp_path: Path
) -> None:
    server.duration = 1.0
    command = [sys.executable, "-m", "flows.cli", "batch", "--batch", "--depth", "1"]
    command += ["--sandbox", "none", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    while not server.jobs:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = server.counts()
    assert (counts["jobs"], counts["jobs_submitted_twice"]) == (4, 0)
    assert counts["requests_answered_twice"] == 0
