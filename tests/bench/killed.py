"""Kill a 60-scene story 30 times and finish it: `python -m tests.bench.killed [kills] [seed]`.

A Gemini server counts what it answered and billed. Each run of the command is killed with its whole
process group at a random moment after its first call, then started again. Then each answer in the
ledger is looked up in the server's log, by its text and tokens. What the server answered beyond
that went to a process that was killed before the answer was in its books; the ledger names those
calls as in flight.
"""

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from flows.story.source import read_story
from tasks.calls.prompt import Usage
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.money import to_usd
from tasks.ledger.prices import Prices
from tasks.ledger.tables import answers, attempts
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
        for _ in range(kills):
            kill(command, environment, server, dice.uniform(0, 0.9))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    story = read_story(next((home / "stories").glob("*/story.json")))
    print(f"exit {done.returncode}, {len(story.scenes)} scenes, {len(story.missing)} missing")
    asyncio.run(report(Settings(talewright_home=home), server))


def kill(
    command: list[str], environment: dict[str, str], server: GeminiServer, seconds: float
) -> None:
    """Kill a run so many seconds after its first call, and wait until the server is at rest."""
    before = len(server.calls)
    run = subprocess.Popen(
        command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while run.poll() is None and not server.in_flight and len(server.calls) == before:
        time.sleep(0.01)
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    while server.in_flight:
        time.sleep(0.01)


async def report(settings: Settings, server: GeminiServer) -> None:
    """The ledger beside the server's own log."""
    async with Ledger.open(settings) as ledger:
        rows = await ledger.run(_rows)
    settled = [row for row in rows if row.outcome == "ok"]
    in_flight = [row for row in rows if row.outcome == "in flight"]
    log = Counter(
        Answered(call.answer, call.tokens_in, call.tokens_cached, call.tokens_out)
        for call in server.calls
        if call.status == 200
    )
    caches = Counter(server.cache_tokens)
    whole = _usd(settings, log, caches)
    print(f"server: {log.total()} answers and {caches.total()} context caches, ${whole:.6f}")
    unknown = [row for row in settled if not _found(row, log, caches)]
    booked = to_usd(sum(row.cost_nano for row in settled))
    print(
        f"ledger: {len(settled)} answers settled, ${booked:.6f}; unknown to the server:",
        len(unknown),
    )
    lost = _usd(settings, log, caches)
    print(f"not settled: {log.total()} answers and {caches.total()} caches, ${lost:.6f}; ", end="")
    print(f"ledger and these beside the server: ${booked + lost - whole:.6f}")
    aside = to_usd(sum(row.reserved_nano for row in in_flight))
    print(f"in flight at a kill: {len(in_flight)} calls, ${aside:.6f} set aside for them")
    twice = Counter(row.request for row in settled)
    again = {row.request for row in in_flight} & twice.keys()
    print(f"settled and paid twice: {twice.total() - len(twice)}; ", end="")
    print(f"in flight at a kill and asked again: {len(again)}")


@dataclass(frozen=True)
class Answered:
    """An answer by the SHA-256 of its text, and its tokens."""

    text: str
    tokens_in: int
    tokens_cached: int
    tokens_out: int


def _rows(connection: Connection) -> list[Any]:
    join = attempts.outerjoin(answers, attempts.c.request == answers.c.request)
    return list(connection.execute(select(attempts, answers.c.reply).select_from(join)))


def _found(row: Any, log: Counter[Answered], caches: Counter[int]) -> bool:
    """Take a settled attempt's answer out of the log, and the context cache it paid for."""
    text = hashlib.sha256(json.loads(row.reply)["text"].encode()).hexdigest()
    for kept in (0, *caches):
        tokens = row.tokens_in - kept, row.tokens_cached, row.tokens_out
        if log[Answered(text, *tokens)] and (not kept or caches[kept]):
            log[Answered(text, *tokens)] -= 1
            caches[kept] -= kept > 0
            return True
    return False


def _usd(settings: Settings, log: Counter[Answered], caches: Counter[int]) -> Decimal:
    """What the answers and the caches of a log cost."""
    usages = [Usage(one.tokens_in, one.tokens_cached, 0, one.tokens_out) for one in log.elements()]
    usages += [Usage(tokens_in=tokens) for tokens in caches.elements()]
    prices = Prices({})
    return sum(
        (prices.cost("gemini", settings.access("gemini").model, one) for one in usages), Decimal(0)
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in [*sys.argv[1:], "30", "1"][:2]))
