"""How near to its limit the pace keeps, and how many calls are refused on the way.

`python -m tests.bench.pace --rpm 600 --calls 500 --processes 1` starts a Prefect server and a
server of the Gemini protocol that enforces the limit, and prints a row.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from tests.emulators.gemini import Call, GeminiServer, error
from tests.emulators.http import Answer, Request


class TokenLimited(GeminiServer):
    """Enforces input tokens a minute, with a burst of a tenth of them."""

    tpm = 0.0

    def allow(self, tpm: float) -> None:
        """Begin with a full bucket."""
        self.tpm, self.room, self.at = tpm, tpm / 10, time.monotonic()

    async def answer(self, request: Request) -> Answer:
        if self.tpm and ":generateContent" in request.path:
            now = time.monotonic()
            self.room = min(self.tpm / 10, self.room + (now - self.at) * self.tpm / 60)
            self.at = now
            need = self.usage(request.json(), "")["promptTokenCount"]
            if need > self.room:
                wait = (need - self.room) / self.tpm * 60
                self.next(error(429, "tokens", retry_delay=wait, quota_id="TokensPerMinute"))
            else:
                self.room -= need
        return await super().answer(request)


async def ask_all(url: str, first: int, calls: int, words: int) -> None:
    """Ask for `calls` answers, all at once."""
    from tasks.calls.prompt import Prompt, Purpose
    from tasks.core.settings import Settings
    from tasks.llm.client import Client

    settings = Settings(gemini_base_url=url, gemini_api_key="bench", llm_chain="gemini")
    async with Client.open(settings, run_id=f"bench-{first}") as client:
        purpose = Purpose(client.run_id, "bench", "1", "generate")
        await asyncio.gather(
            *(
                client.ask(Prompt("bench", 1, "0" * 12, f"call {n} " + "word " * words), purpose)
                for n in range(first, first + calls)
            )
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rpm", type=int)
    options.add_argument("--tpm", type=int)
    options.add_argument("--calls", type=int, default=500)
    options.add_argument("--untold", action="store_true", help="The limit has to be found.")
    options.add_argument("--words", type=int, default=0)
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--latency", type=float, default=0.5)
    options.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        url, first, calls = given.worker
        asyncio.run(ask_all(url, int(first), int(calls), given.words))
        return
    with (
        temporary_settings({PREFECT_SERVER_ANALYTICS_ENABLED: False}),
        prefect_test_harness(server_startup_timeout=120),
        TokenLimited(latency=given.latency, rpm=given.rpm) as server,
    ):
        if given.tpm:
            server.allow(given.tpm)
        ended = run(given, server.url)
        report(given, server.calls, ended)


def run(given: argparse.Namespace, url: str) -> list[int]:
    """Share the calls among the processes; their exit codes."""
    share = given.calls // given.processes
    environment = os.environ | {
        "PREFECT_API_URL": PREFECT_API_URL.value(),
        "TALEWRIGHT_HOME": tempfile.mkdtemp(prefix="talewright-bench-"),
        **({"LLM_RATE_LIMIT": str(given.rpm)} if given.rpm and not given.untold else {}),
        **({"LLM_TOKENS_PER_MINUTE": str(given.tpm)} if given.tpm and not given.untold else {}),
    }
    command = [sys.executable, "-m", "tests.bench.pace", "--words", str(given.words), "--worker"]
    workers = [
        subprocess.Popen([*command, url, str(n * share), str(share)], env=environment)
        for n in range(given.processes)
    ]
    return [worker.wait() for worker in workers]


def report(given: argparse.Namespace, calls: Sequence[Call], ended: list[int]) -> None:
    """Print the row. The ideal begins with the burst and then keeps the limit."""
    answered = sorted(call.at for call in calls if call.status == 200)
    refused = sum(call.status == 429 for call in calls)
    seconds = answered[-1] - answered[0]
    used = sum(call.tokens_in for call in calls if call.status == 200) if given.tpm else given.calls
    limit = given.tpm or given.rpm
    ideal = (used / limit - 0.1) * 60
    window = max(sum(at <= other < at + 60 for other in answered) for at in answered)
    print(
        f"rpm={given.rpm} tpm={given.tpm} processes={given.processes} ended={ended} "
        f"answered={len(answered)}/{given.calls} refused={refused} {seconds:.1f} s, "
        f"ideal {ideal:.1f} s: {ideal / seconds:.3f} of the limit; most in 60 s: {window}"
    )


if __name__ == "__main__":
    main()
