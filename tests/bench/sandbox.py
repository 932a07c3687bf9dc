"""500 snippets through each local engine: `python -m tests.bench.sandbox`."""

import asyncio
import time

from tasks.sandbox.bubblewrap import Bubblewrap
from tasks.sandbox.engine import EngineRunner
from tasks.sandbox.monty import MontyEngine

SNIPPETS = [f"print(sum(i * {n} for i in range(100)))" for n in range(500)]


async def rate(engine: EngineRunner) -> tuple[float, int]:
    """Snippets a second, and how many passed."""
    await engine.run("print(0)")
    started = time.monotonic()
    runs = await asyncio.gather(*(engine.run(code) for code in SNIPPETS))
    seconds = time.monotonic() - started
    await engine.close()
    return len(runs) / seconds, sum(run.verdict == "passed" for run in runs)


async def main() -> None:
    for engine in (Bubblewrap(), MontyEngine()):
        speed, passed = await rate(engine)
        print(f"{engine.name:12} {speed:8.0f} a second   {passed} of {len(SNIPPETS)} passed")


if __name__ == "__main__":
    asyncio.run(main())
