"""Kill a 60-scene story 20 times and finish it: `python -m tests.bench.killed [kills] [seed]`.

A Gemini server counts what it answered and billed. Each run of the command is killed with its whole
process group at a random moment after its first call, then started again. Printed: answers paid
twice, those whose process died while they were in flight, and the ledger beside the server's count.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from flows.source import read_story
from tasks.llm.ledger import Ledger
from tasks.llm.prices import Prices
from tasks.llm.prompt import Usage
from tasks.settings import Settings
from tests.emulators.gemini import GeminiServer

ORDER = ["write", "--depth", "6", "--scenes", "60"]


def main(kills: int, seed: int) -> None:
    """Run, kill, finish and count."""
    dice = random.Random(seed)
    home = Path(tempfile.mkdtemp(prefix="talewright-killed-"))
    with GeminiServer(latency=0.5) as server:
        environment = os.environ | {
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": server.url,
            "TALEWRIGHT_HOME": str(home),
        }
        command = [sys.executable, "-m", "flows.cli", *ORDER, "--out", str(home / "stories")]
        flying = [kill(command, environment, server, dice.uniform(0, 0.9)) for _ in range(kills)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        counts = server.counts()
    story = read_story(next((home / "stories").glob("*/story.json")))
    print(f"calls in flight at each kill: {flying}")
    asyncio.run(report(home, counts))
    print(f"exit {done.returncode}, {len(story.scenes)} scenes, {len(story.missing)} missing")


def kill(
    command: list[str], environment: dict[str, str], server: GeminiServer, seconds: float
) -> int:
    """Kill a run so many seconds after its first call; how many calls were in flight."""
    before = len(server.calls)
    run = subprocess.Popen(
        command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while run.poll() is None and not server.in_flight and len(server.calls) == before:
        time.sleep(0.01)
    time.sleep(seconds)
    flying = server.in_flight
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    return flying


async def report(home: Path, counts: dict[str, int]) -> None:
    """The ledger beside the server's own count."""
    settings = Settings(talewright_home=home)
    async with Ledger.open(settings) as ledger:
        total = (await ledger.tally()).total
    usage = Usage(counts["tokens_in"], counts["tokens_cached"], 0, counts["tokens_out"])
    billed = Prices({}).cost("gemini", settings.gemini_model, usage)
    print(f"server: {counts['answered']} answers, ${billed:.6f}")
    settled = total.calls - total.in_flight
    print(
        f"ledger: {settled} settled, ${total.cost_usd:.6f}; {total.in_flight} in flight at a kill, "
        f"${total.in_flight_usd:.6f} set aside for them"
    )
    unheard = counts["answered"] - settled
    print(f"answers the server gave to a process that was killed: {unheard}")
    print(f"answers paid twice: {counts['requests_answered_twice']}")


if __name__ == "__main__":
    main(*(int(argument) for argument in [*sys.argv[1:], "20", "1"][:2]))
