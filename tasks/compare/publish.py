"""Comparisons, of prompts and of nights, in the Prefect UI."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from slugify import slugify

from tasks.compare.comparison import Comparison
from tasks.compare.keep import PAGE
from tasks.compare.report import markdown
from tasks.compare.trend import quality_trend
from tasks.core.markdown import escape
from tasks.ledger.ledger import Ledger
from tasks.ledger.nights import nights
from tasks.ledger.receipt import money
from tasks.story.base import Usd


async def publish_comparison(comparison: Comparison, folder: Path) -> None:
    """Leave the report as an artifact, under a key that stays when it is run again."""
    where = f"The page with plots: `{escape(str(folder / PAGE))}`\n"
    await acreate_markdown_artifact(
        f"{markdown(comparison)}\n{where}",
        key=f"comparison-{slugify(comparison.title)}",
        description=escape(" ".join(comparison.sentences)[:500]),
    )


DAYS = 30
"""Rows of the trend."""


async def publish_trend(ledger: Ledger) -> None:
    """Leave the scores of the last days by prompt version and model, if a model wrote any."""
    days = sorted((await quality_trend(ledger)).days, key=lambda day: day.day)[-DAYS:]
    spent = {night.day: night.by_model for night in await nights(ledger, DAYS)}
    rows = [
        {
            "day": day.day,
            "prompt": day.prompt,
            "model": day.model,
            "scenes": day.scenes,
            "score": f"{day.score:.3f} ± {2 * day.error:.3f}",
            "USD": money(_spent_on(spent.get(day.day, {}), day.model)),
            "refused": f"{day.refused:.0%}",
            "changed": f"{day.change:+.1f} standard errors" if day.changed else "",
        }
        for day in reversed(days)
    ]
    if rows:
        await acreate_table_artifact(
            rows, key="scores", description=f"{days[-1].day}: scores by day, model and prompt"
        )


def _spent_on(by_model: Mapping[str, Usd], model: str) -> Usd:
    """USD of a day for a model, whoever provides it and for every step."""
    return sum(
        (usd for name, usd in by_model.items() if name.partition(": ")[2] == model), Decimal(0)
    )
