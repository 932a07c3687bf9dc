"""Comparisons, of prompts and of nights, in the Prefect UI."""

from pathlib import Path

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from slugify import slugify

from tasks.compare.comparison import Comparison
from tasks.compare.keep import PAGE
from tasks.compare.report import markdown
from tasks.compare.trend import quality_trend
from tasks.core.markdown import escape
from tasks.ledger.ledger import Ledger


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
    rows = [
        {
            "day": day.day,
            "prompt": day.prompt,
            "model": day.model,
            "scenes": day.scenes,
            "score": f"{day.score:.3f} ± {2 * day.error:.3f}",
            "refused": f"{day.refused:.0%}",
            "changed": f"{day.change:+.1f} standard errors" if day.changed else "",
        }
        for day in reversed(days)
    ]
    if rows:
        await acreate_table_artifact(rows, key="scores", description="Scores by day")
