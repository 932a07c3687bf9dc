"""`talewright cache`: the answers that are kept so that nothing is paid twice."""

import asyncio
from typing import Annotated

import typer

from tasks.core.count import counted
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger


def cache(
    days: Annotated[
        int | None,
        typer.Option(min=0, max=36500, help="Drop answers that were not used for so many days."),
    ] = None,
    megabytes: Annotated[
        int | None, typer.Option(min=0, help="Drop the longest unused beyond this size.")
    ] = None,
) -> None:
    """Show how many answers are kept, and drop old ones with --days or --megabytes.

    A dropped answer is asked and paid for again when it is needed. What was spent stays on record.
    """
    typer.echo(asyncio.run(_clean(days, megabytes)))


async def _clean(days: int | None, megabytes: int | None) -> str:
    async with Ledger.open(Settings()) as ledger:
        dropped = 0
        if days is not None:
            dropped += await ledger.forget(days)
        if megabytes is not None:
            dropped += await ledger.shrink(megabytes * 1_000_000)
        answers, size = await ledger.kept()
    return f"{counted(answers, 'answer')} kept, {size / 1e6:.1f} MB; {dropped} dropped."
