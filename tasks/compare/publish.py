"""A comparison in the Prefect UI."""

from pathlib import Path

from prefect.artifacts import acreate_markdown_artifact
from slugify import slugify

from tasks.compare.comparison import Comparison
from tasks.compare.keep import PAGE
from tasks.compare.report import markdown
from tasks.markdown import escape


async def publish_comparison(comparison: Comparison, folder: Path) -> None:
    """Leave the report as an artifact, under a key that stays when it is run again."""
    where = f"The page with plots: `{escape(str(folder / PAGE))}`\n"
    await acreate_markdown_artifact(
        f"{markdown(comparison)}\n{where}",
        key=f"comparison-{slugify(comparison.title)}",
        description=" ".join(comparison.sentences)[:500],
    )
