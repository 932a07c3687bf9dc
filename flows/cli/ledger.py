"""`talewright ledger`: what a process that ended left open in the books."""

import asyncio
from decimal import Decimal

import typer

from tasks.core.count import counted
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger, Lost
from tasks.ledger.receipt import money

app = typer.Typer(help="The ledger of calls and their costs.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """The ledger of calls and their costs."""


@app.command()
def release() -> None:
    """Name the calls in flight whose process has ended, and free what is set aside for them.

    They may have been billed, each at most for the sum that is shown; look at the provider's own
    bill if it matters. Caps then count them no more.
    """
    lost = asyncio.run(_release())
    for one in lost:
        typer.echo(
            f"{one.at:%Y-%m-%d %H:%M}  {one.story_id} {one.scene_id}  {one.model}  "
            f"up to {money(one.most_usd)}  run {one.run_id}"
        )
    most = money(sum((one.most_usd for one in lost), Decimal(0)))
    typer.echo(f"{counted(len(lost), 'call')} freed, which may have cost up to {most}.")


async def _release() -> list[Lost]:
    async with Ledger.open(Settings()) as opened:
        lost = await opened.lost()
        await opened.give_up(lost)
    return lost
