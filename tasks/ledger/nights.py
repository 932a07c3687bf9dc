"""What was spent night by night, for the Prefect UI."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Connection, case, distinct, func, select

from tasks.core.markdown import escape
from tasks.ledger.ledger import Ledger
from tasks.ledger.money import to_usd
from tasks.ledger.receipt import money
from tasks.ledger.tables import attempts
from tasks.story.base import Usd

NIGHTS = 30
"""Rows of the table and bars of the picture."""

KEY = "spend-by-night"


@dataclass
class Night:
    """A day (UTC) of the ledger."""

    day: str
    runs: int
    stories: int
    calls: int
    usd: Usd
    saved_usd: Usd
    by_model: dict[str, Usd] = field(default_factory=dict)
    """USD by `provider: model`."""


async def nights(ledger: Ledger, most: int = NIGHTS) -> list[Night]:
    """The last days on which anything was asked, the newest first."""
    return await ledger.run(lambda connection: _nights(connection, most))


def _nights(connection: Connection, most: int) -> list[Night]:
    c = attempts.c
    found = connection.execute(
        select(
            c.day,
            func.count(distinct(c.run_id)),
            func.count(distinct(c.story_id)),
            func.count(case((c.outcome != "cached", 1))),
            func.sum(c.cost_nano),
            func.sum(c.saved_nano),
        )
        .group_by(c.day)
        .order_by(c.day.desc())
        .limit(most)
    ).all()
    days = {
        day: Night(day, runs, stories, calls, to_usd(int(nano)), to_usd(int(saved)))
        for day, runs, stories, calls, nano, saved in found
    }
    model = c.provider + ": " + c.model
    for day, name, nano in connection.execute(
        select(c.day, model, func.sum(c.cost_nano))
        .where(c.day.in_(days))
        .group_by(c.day, model)
        .order_by(c.day, model)
    ):
        days[day].by_model[name] = to_usd(int(nano))
    return list(days.values())


async def publish_nights(ledger: Ledger, cap: Usd | None) -> None:
    """Leave the table and its picture in the Prefect UI, under keys that stay. `cap` is the day's,
    in USD."""
    from prefect.artifacts import acreate_image_artifact, acreate_table_artifact

    found = await nights(ledger)
    if not found:
        return
    total = sum((night.usd for night in found), Decimal(0))
    said = f"{found[0].day}: {money(found[0].usd)}; {money(total)} in {len(found)} nights"
    await acreate_table_artifact([_row(night, cap) for night in found], key=KEY, description=said)
    picture = base64.b64encode(bars(found[::-1], cap).encode()).decode()
    await acreate_image_artifact(
        f"data:image/svg+xml;base64,{picture}", key=f"{KEY}-picture", description=said
    )


def _row(night: Night, cap: Usd | None) -> dict[str, str | int]:
    return {
        "night": night.day,
        "runs": night.runs,
        "stories": night.stories,
        "calls": night.calls,
        "USD": money(night.usd),
        "cap of the day": "" if cap is None else money(cap),
        "by model": ", ".join(f"{escape(m)} {money(usd)}" for m, usd in night.by_model.items()),
        "saved by the cache": money(night.saved_usd),
    }


WIDTH, HEIGHT, FOOT, HEAD = 760, 260, 40, 24
"""Pixels of the picture, of its dates and of its sums."""

COLOURS = ("#4f6bed", "#2f9e77", "#c2703d", "#9b59b6", "#7a869a")
"""Of the models in their order; those after the last share it."""


def bars(found: Sequence[Night], cap: Usd | None) -> str:
    """An SVG picture of USD by night, the oldest first: a bar a night, in it a part a model."""
    models = sorted({model for night in found for model in night.by_model})
    colours = {m: COLOURS[min(i, len(COLOURS) - 1)] for i, m in enumerate(models)}
    top = max([*(night.usd for night in found), cap or Decimal(0)]) or Decimal(1)
    scale = float(HEIGHT - FOOT - HEAD) / float(top)
    step = WIDTH / max(len(found), 7)
    parts = [_bar(night, step * at, step, scale, colours) for at, night in enumerate(found)]
    if cap:
        y = HEIGHT - FOOT - float(cap) * scale
        parts.append(
            f'<line x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#c0392b" '
            f'stroke-dasharray="6 4"/><text x="4" y="{y - 4:.1f}">cap {money(cap)}</text>'
        )
    legend = "".join(
        f'<rect x="{8 + 250 * i}" y="{HEIGHT + 4}" width="10" height="10" fill="{colours[m]}"/>'
        f'<text x="{22 + 250 * i}" y="{HEIGHT + 13}">{html.escape(m[:38])}</text>'
        for i, m in enumerate(models[:3])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 20}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}{legend}</svg>"
    )


def _bar(night: Night, left: float, step: float, scale: float, colours: Mapping[str, str]) -> str:
    y, parts = float(HEIGHT - FOOT), []
    for model, usd in night.by_model.items():
        y -= (height := float(usd) * scale)
        parts.append(
            f'<rect x="{left + step * 0.15:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" '
            f'height="{height:.1f}" fill="{colours[model]}"/>'
        )
    middle = left + step / 2
    label = f'<text text-anchor="middle" x="{middle:.1f}"'
    date = f'{label} y="{HEIGHT - FOOT + 16}">{night.day[5:]}</text>'
    return f'{"".join(parts)}{label} y="{y - 5:.1f}">${night.usd:.2f}</text>{date}'
