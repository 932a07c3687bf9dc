"""A cap of $0.50 that two processes race for: `python -m tests.bench.cap [runs] [LEDGER_URL]`.

Each process has 100 calls in flight of which any would fit alone, with random true costs and 20 %
failures. Printed: the most the ledger ever held, and how much of the cap the runs could use.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.llm.client import Client
from tests.ledger.conftest import PRICES, BilledProvider, prompt, purpose

CAP = Decimal("0.50")
CALLS = 100


async def spend(home: str, url: str) -> None:
    """For each line of standard input, a run's name and a seed: ask, print what was billed."""
    settings = Settings(
        talewright_home=Path(home),
        talewright_ledger_url=SecretStr(url),
        llm_max_cost=CAP,
        llm_deadline=5.0,
    )
    async with Ledger.open(settings) as ledger:
        while line := await asyncio.to_thread(sys.stdin.readline):
            run, seed = line.split()
            provider = BilledProvider(seed=int(seed), failures=0.2)
            client = Client(settings, run, ledger, PRICES, [provider])
            asked = (prompt(f"{run} {seed} {n}", room=1500) for n in range(CALLS))
            await asyncio.gather(
                *(client.ask(one, purpose(run)) for one in asked), return_exceptions=True
            )
            print(provider.billed, flush=True)


async def main(runs: int, url: str) -> None:
    """Start two processes, give them the runs, and compare."""
    home = tempfile.mkdtemp(prefix="talewright-bench-")
    command = [sys.executable, "-m", "tests.bench.cap", "--worker", home, url]
    workers = [
        subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    used: list[Decimal] = []
    over = wrong = 0
    settings = Settings(talewright_home=Path(home), talewright_ledger_url=SecretStr(url))
    async with Ledger.open(settings) as ledger:
        for n in range(runs):
            for number, worker in enumerate(workers):
                assert worker.stdin is not None
                worker.stdin.write(f"run{n} {2 * n + number}\n")
                worker.stdin.flush()
            billed = sum((Decimal(w.stdout.readline()) for w in workers if w.stdout), Decimal(0))
            cost = (await ledger.tally(run_id=f"run{n}")).total.cost_usd
            over += max(cost, billed) > CAP
            wrong += cost != billed
            used.append(cost / CAP)
    for worker in workers:
        worker.communicate("")
    low, mean, most = min(used), statistics.mean(used), max(used)
    print(f"{runs} runs: over the cap {over}, ledger other than billed {wrong}")
    print(f"used of the cap: least {low:.3f}, mean {mean:.3f}, most {most:.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(spend(*sys.argv[2:]))
    else:
        given = [*sys.argv[1:], *["200", ""][len(sys.argv) - 1 :]]
        asyncio.run(main(int(given[0]), given[1]))
