"""CPU a call costs beside the provider's: `python -m tests.bench.overhead [calls]`.

Pace with a shared limit that is never reached, purse with a cap, ledger, and cache. The CPU is of
this process and all its threads, without the Prefect server's.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

# First: Prefect reads its API's URL when it is imported.
from tests.conftest import serve_prefect  # isort: split

from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.llm.client import Client
from tasks.llm.limits.pace import Pace
from tests.ledger.conftest import PRICES, BilledProvider, prompt, purpose

AT_ONCE = 100


async def spread(calls: int, call: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """CPU in ms a call, and calls a second, with a hundred at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(n: int) -> None:
        async with gate:
            await call(n)

    cpu, clock = time.process_time(), time.monotonic()
    await asyncio.gather(*(one(n) for n in range(calls)))
    cpu, clock = time.process_time() - cpu, time.monotonic() - clock
    return cpu / calls * 1000, calls / clock


async def main(calls: int) -> None:
    """Print CPU and rate of a bare provider, of new calls and of cached ones."""
    provider = BilledProvider(seconds=0.1)
    settings = Settings(
        talewright_home=Path(tempfile.mkdtemp(prefix="talewright-bench-")),
        llm_rate_limit=600_000,
        llm_max_cost=Decimal(10_000),
        llm_concurrency=AT_ONCE,
    )
    bare, _ = await spread(calls, lambda n: provider.generate(prompt(f"bare {n}")))
    print(f"bare provider {bare:.2f} ms CPU a call")
    async with Ledger.open(settings) as ledger, Pace.open(settings, provider) as pace:
        client = Client(
            settings,
            "bench",
            ledger,
            PRICES,
            [provider],
            paces={(provider.name, provider.model): pace},
        )
        for name in ("new", "cached"):
            cpu, rate = await spread(calls, lambda n: client.ask(prompt(f"{n}"), purpose("bench")))
            print(f"{name:13} {cpu - bare:.2f} ms CPU a call more, {rate:.0f} calls/s")


if __name__ == "__main__":
    servers = serve_prefect()
    next(servers)
    asyncio.run(main(int([*sys.argv[1:], "2000"][0])))
    next(servers, None)
