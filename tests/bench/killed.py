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
from tests.emulators.gemini import Call, GeminiServer

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
        unheard = [kill(command, environment, server, dice.uniform(0, 0.9)) for _ in range(kills)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        counts = server.counts()
    story = read_story(next((home / "stories").glob("*/story.json")))
    print(f"answers to a dead process, by kill: {[len(calls) for calls in unheard]}")
    asyncio.run(report(home, counts, [call for calls in unheard for call in calls]))
    print(f"exit {done.returncode}, {len(story.scenes)} scenes, {len(story.missing)} missing")


def kill(
    command: list[str], environment: dict[str, str], server: GeminiServer, seconds: float
) -> list[Call]:
    """Kill a run so many seconds after its first call; what was answered when it was dead."""
    before = len(server.calls)
    run = subprocess.Popen(
        command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while run.poll() is None and not server.in_flight and len(server.calls) == before:
        time.sleep(0.01)
    time.sleep(seconds)
    before = len(server.calls)
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    while server.in_flight:
        time.sleep(0.01)
    return [call for call in server.calls[before:] if call.status == 200]


async def report(home: Path, counts: dict[str, int], unheard: list[Call]) -> None:
    """The ledger beside the server's own count."""
    settings = Settings(talewright_home=home)
    async with Ledger.open(settings) as ledger:
        total = (await ledger.tally()).total
    usage = Usage(counts["tokens_in"], counts["tokens_cached"], 0, counts["tokens_out"])
    lost = Usage(
        tokens_in=sum(call.tokens_in for call in unheard) + counts["tokens_of_lost_caches"],
        tokens_out=sum(call.tokens_out + call.tokens_thinking for call in unheard),
    )
    billed, unheard_usd = (
        Prices({}).cost("gemini", settings.gemini_model, one) for one in (usage, lost)
    )
    print(
        f"server: {counts['answered'] - len(unheard)} answers heard, ${billed - unheard_usd:.6f}; "
        f"{len(unheard)} and caches given to dead processes, ${unheard_usd:.6f}"
    )
    print(
        f"ledger: {total.calls - total.in_flight} settled, ${total.cost_usd:.6f}; "
        f"{total.in_flight} in flight at a kill, ${total.in_flight_usd:.6f} set aside for them"
    )
    print(f"answers paid twice: {counts['requests_answered_twice']}")


if __name__ == "__main__":
    main(*(int(argument) for argument in [*sys.argv[1:], "20", "1"][:2]))
