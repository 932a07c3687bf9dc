"""How far a run is and what it has spent of its cap, in the Prefect UI while it goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from tasks.llm.client import Client
from tasks.receipt import money
from tasks.story.count import counted

EVERY = 1.0
"""Seconds between two updates, at least."""


@asynccontextmanager
async def progress(client: Client, scenes: int) -> AsyncIterator[Callable[[], None]]:
    """Show the progress of a run of so many scenes at most; call what is given for each of them.

    Two artifacts, `progress` and, under a cap, `spend`, keep their keys from night to night.
    """
    done = 0
    news = asyncio.Event()

    def scene_done() -> None:
        nonlocal done
        done += 1
        news.set()

    async def show() -> None:
        await aupdate_progress_artifact(
            bar, min(100.0, 100 * done / max(1, scenes)), _scenes(done, scenes)
        )
        if purse is not None and cap is not None:
            spent = await client.ledger.spent(client.run_id)
            await aupdate_progress_artifact(purse, float(100 * spent / cap), _spent(spent, cap))

    async def follow() -> None:
        while True:
            await news.wait()
            news.clear()
            await show()
            await asyncio.sleep(EVERY)

    cap = client.settings.llm_max_cost
    bar = await acreate_progress_artifact(0.0, "progress", _scenes(0, scenes))
    purse: UUID | None = None
    if cap is not None:
        purse = await acreate_progress_artifact(0.0, "spend", _spent(Decimal(0), cap))
    following = asyncio.create_task(follow())
    try:
        yield scene_done
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await show()


def _scenes(done: int, scenes: int) -> str:
    return f"{done} of at most {counted(scenes, 'scene')}"


def _spent(spent: Decimal, cap: Decimal) -> str:
    return f"{money(spent)} of {money(cap)}"
