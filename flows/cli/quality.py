"""`talewright receipt --quality`: how good the scenes were, day by day."""

import asyncio
from collections.abc import Iterator
from html import escape as html
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.compare.report import head
from tasks.compare.trend import Trend, quality_trend
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger


def show_quality(*, as_json: bool) -> None:
    """Print scores and parsing rungs by day, prompt version and model; leave the plots as a page.

    Raises UserError if no model has written anything yet.
    """
    settings = Settings()
    trend = asyncio.run(_read(settings))
    if not trend.days:
        raise UserError("No model has written a scene yet; the offline writer's are not counted.")
    if as_json:
        print(trend.model_dump_json(indent=2, exclude={"plots"}))
        return
    page = settings.home / "quality.html"
    page.write_text("".join(_page(trend)), "utf-8")
    _show(trend, page)


async def _read(settings: Settings) -> Trend:
    async with Ledger.open(settings) as ledger:
        return await quality_trend(ledger)


def _page(trend: Trend) -> Iterator[str]:
    yield f"{head('Quality')}<h1>Quality</h1>"
    for day in trend.days:
        if day.changed:
            side = "better" if day.change > 0 else "worse"
            yield f'<p class="verdict {side}">{html(day.sentence)}</p>'
    yield f'<div class="plots">{"".join(trend.plots)}</div></html>\n'


def _show(trend: Trend, page: Path) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("day", "prompt", "hash"):
        table.add_column(column, no_wrap=True)
    table.add_column("model", overflow="fold")
    for column in ("scenes", "score", "refused"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("parsed", min_width=8)
    for day in trend.days:
        rungs = ", ".join(f"{count} {rung}" for rung, count in day.rungs.items())
        table.add_row(
            *(day.day, day.prompt, day.prompt_hash[:6], escape(day.model), str(day.scenes)),
            *(f"{day.score:.3f} ± {2 * day.error:.3f}", f"{day.refused:.0%}", rungs),
            style="yellow" if day.changed else "",
        )
    out = Console(highlight=False)
    out.print(table)
    for day in trend.days:
        if day.changed:
            out.print(f"[yellow]{escape(day.sentence)}[/]")
    out.print(f"Plots: {escape(str(page))}", soft_wrap=True)
