"""The code of some stories in E2B: `python -m tests.sandbox.stories NUMBER SECONDS`.

Each story runs two programs that take that long. Prints how many had which verdicts.
"""

import asyncio
import sys
from collections import Counter

from tasks.core.settings import Settings
from tasks.sandbox.e2b import E2B


async def main(stories: int, seconds: float) -> None:
    program = f"import time\ntime.sleep({seconds})\nprint(6 * 7)"
    at_once = asyncio.Semaphore(30)
    told = await asyncio.gather(*(tell(f"s{n}", program, at_once) for n in range(stories)))
    print(dict(Counter(told)))


async def tell(story_id: str, program: str, at_once: asyncio.Semaphore) -> str:
    async with at_once:
        engine = E2B(Settings(), "leaks", story_id)
        try:
            runs = [await engine.run(program), await engine.run(program)]
        finally:
            await engine.close()
    return ", ".join(run.verdict for run in runs)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
