"""How far a run is and what it has spent of its cap, in the Prefect UI while it goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from tasks.core.count import counted
from tasks.ledger.receipt import money
from tasks.llm.client import Client

EVERY = 1.0
"""Seconds between two updates, at least."""

LAST = 10.0
"""Seconds for the last update: with the server away it would hold up a run that is done."""


@asynccontextmanager
async def progress(client: Client, scenes: int) -> AsyncIterator[Callable[[], None]]:
    """Show the progress of a run of so many scenes at most; call what is given for each of them.

    Two artifacts, `progress` and, under a cap, `spend`, keep their keys from night to night. An
    update that fails is remarked on, and the run goes on.
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

    async def try_to_show(seconds: float | None = None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await show()
        except Exception as error:
            get_run_logger().warning("The progress could not be shown: %r", error)

    async def follow() -> None:
        while True:
            await news.wait()
            news.clear()
            await try_to_show()
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
        await try_to_show(LAST)


def _scenes(done: int, scenes: int) -> str:
    return f"{done} of at most {counted(scenes, 'scene')}"


def _spent(spent: Decimal, cap: Decimal) -> str:
    return f"{money(spent)} of {money(cap)}"
