"""`talewright receipt`: what a run, a story or a day cost, from the ledger."""

import asyncio
import csv
import sys
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from flows.cli.quality import show_quality
from tasks.core.count import counted
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.receipt import cells, estimated, in_flight, money
from tasks.ledger.tallies import Tallies
from tasks.story.receipt import Tally

GROUPS = ("step", "model", "prompt", "reason", "story", "scene")


def receipt(
    run: Annotated[str, typer.Argument(help="Id of a run; the last one if nothing is named.")] = "",
    story: Annotated[str, typer.Option(help="Only this story, e.g. last-ferry-1.")] = "",
    day: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="All runs of a day (UTC).")] = "",
    quality: Annotated[
        bool, typer.Option("--quality", help="Instead: scores by day, prompt version and model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Print what a run cost, by step, model, prompt version, reason, story and scene."""
    if quality:
        show_quality(as_json=as_json)
        return
    if day:
        day = _date(day)
    run_id, tallies = asyncio.run(_read(run, story, day))
    if as_json:
        print(TypeAdapter(Tallies).dump_json(tallies, indent=2).decode())
    elif as_csv:
        _write_csv(tallies)
    else:
        _show(tallies, ", ".join(part for part in (run_id, story, day) if part))


def _date(day: str) -> str:
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        raise typer.BadParameter(f"no such date: {day}", param_hint="--day") from None


async def _read(run: str, story: str, day: str) -> tuple[str, Tallies]:
    async with Ledger.open(Settings()) as ledger:
        run_id = run or ("" if story or day else await ledger.last_run() or "")
        if not (run_id or story or day):
            raise UserError("The ledger is empty: nothing has been written yet.")
        tallies = await ledger.tally(run_id=run_id or None, story_id=story or None, day=day or None)
    if not tallies.total.calls and not tallies.total.cached:
        raise UserError("The ledger has nothing under that name.")
    return run_id, tallies


def _show(tallies: Tallies, title: str) -> None:
    out = Console(highlight=False)
    out.print(f"[bold]Receipt[/] {title}")
    for group in GROUPS:
        rows: list[Tally] = getattr(tallies, f"by_{group}")
        out.print(_table(group, rows), "")
    total = tallies.total
    out.print(
        f"Total {money(total.cost_usd)} for {counted(total.calls, 'call')}; the cache saved "
        f"{money(total.saved_usd)} on {counted(total.cached, 'answer')}."
    )
    if total.batched:
        out.print(
            f"Batch jobs saved {money(total.batch_saved_usd)} on {total.batched} of the calls."
        )
    if total.estimated:
        out.print(estimated(total))
    if total.in_flight:
        out.print(in_flight(total))


def _table(group: str, rows: Sequence[Tally]) -> Table:
    """The figures of a group; columns that may well be zero throughout only where they are not."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("by " + group, overflow="fold", min_width=10)
    names = ("USD", "calls", "cached", "failed", "in", "of it\ncached", "thinking", "out")
    filled = [cells(tally) for tally in rows]
    shown = [
        n
        for n, name in enumerate(names)
        if name in ("USD", "calls", "in", "out") or any(row[n] != "0" for row in filled)
    ]
    for n in shown:
        table.add_column(names[n], justify="right", no_wrap=True)
    for tally, row in zip(rows, filled, strict=True):
        table.add_row(tally.name, *(row[n] for n in shown))
    return table


def _write_csv(tallies: Tallies) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["by", *Tally.model_fields])
    for group in (*GROUPS, "total"):
        rows = [tallies.total] if group == "total" else getattr(tallies, f"by_{group}")
        writer.writerows([group, *tally.model_dump().values()] for tally in rows)
