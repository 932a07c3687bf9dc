"""Fifty stories of seven scenes through the batch API: `python -m tests.bench.half_price [kills]
[seed]`.

A server of Gemini's batch API counts jobs and answers. The command is killed with its whole
process group at random moments, as often as asked for (20), then run to its end. Printed: jobs,
jobs sent twice, answers paid twice, and what the same tokens cost one by one.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tasks.calls.prompt import Usage
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.prices import Prices
from tests.emulators.gemini_batch import GeminiBatchServer

ORDER = ["batch", "--batch", "--repeats", "25", "--depth", "2", "--sandbox", "none"]
LEVELS = 6
"""Three of scenes, and as many of judgements on them."""


def main(kills: int, seed: int) -> None:
    """Run, kill, finish and count."""
    dice = random.Random(seed)
    home = Path(tempfile.mkdtemp(prefix="talewright-half-price-"))
    with GeminiBatchServer(duration=4.0) as server:
        environment = os.environ | {
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": server.url,
            "TALEWRIGHT_HOME": str(home),
            "LLM_BATCH_POLL": "0.5",
        }
        command = [sys.executable, "-m", "flows.cli", *ORDER, "--out", str(home / "stories")]
        started = time.monotonic()
        for _ in range(kills):
            run = subprocess.Popen(
                command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
            time.sleep(dice.uniform(4.0, 14.0))
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        counts = server.counts()
    print(f"exit {done.returncode} after {time.monotonic() - started:.0f} s, {kills} kills")
    print(done.stdout.strip().splitlines()[-1])
    asyncio.run(report(home, counts))


async def report(home: Path, counts: dict[str, int]) -> None:
    """The jobs, and the ledger beside the server's own count."""
    settings = Settings(talewright_home=home)
    async with Ledger.open(settings) as ledger:
        total = (await ledger.tally()).total
    usage = Usage(counts["tokens_in"], counts["tokens_cached"], 0, counts["tokens_out"])
    full = Prices({}).cost("gemini", settings.access("gemini").model, usage)
    print(
        f"jobs: {counts['jobs']} for {LEVELS} levels, {counts['jobs_submitted_twice']} sent twice"
    )
    print(f"server: {counts['answered']} answers, {counts['requests_answered_twice']} paid twice")
    print(f"ledger: {total.calls} calls, {total.batched} in jobs, ${total.cost_usd:.6f} paid; "
          f"{total.in_flight} still in flight, ${total.in_flight_usd:.6f} set aside")  # fmt: skip
    print(f"the same tokens one by one: ${full:.6f}, paid {total.cost_usd / full:.4f} of it")


if __name__ == "__main__":
    main(*(int(argument) for argument in [*sys.argv[1:], "20", "1"][:2]))
