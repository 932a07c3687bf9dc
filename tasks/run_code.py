"""Run code: every snippet of a scene, in the story's sandbox."""

from collections.abc import Sequence

from prefect import task
from prefect.artifacts import acreate_table_artifact

from tasks.core.markdown import escape
from tasks.core.prefect_steps import CACHE_POLICY
from tasks.sandbox import Sandbox
from tasks.story.code import CodeReport, Snippet
from tasks.story.scene import Scene

MOST_SNIPPETS = 8
"""Snippets of a scene that are run. Each costs a sandbox's time, and one text has room for a
thousand; a scene that is a story has three."""


@task(
    name="run code",
    task_run_name="{label}: run code",
    persist_result=True,
    cache_policy=CACHE_POLICY,
)
async def run_code(snippets: Sequence[Snippet], sandbox: Sandbox, label: str) -> list[CodeReport]:
    """One report a snippet, in their order; later ones may use those before them that passed."""
    reports: list[CodeReport] = []
    for snippet in snippets:
        passed = [report.snippet for report in reports if report.verdict == "passed"]
        reports.append(await sandbox.run(snippet, passed))
    return reports


def not_run(snippets: Sequence[Snippet], reports: Sequence[CodeReport]) -> list[CodeReport]:
    """One report about those of a scene's snippets that none of `reports` is about, if any."""
    left = snippets[len(reports) :]
    if not left or not reports:
        return []
    return [
        CodeReport(
            snippet=left[0],
            verdict="not_executed",
            engine=reports[-1].engine,
            error=f"from here on {len(left)} of {len(snippets)} snippets were not run: "
            f"a scene has {MOST_SNIPPETS} at most",
        )
    ]


async def publish_code(scenes: Sequence[Scene], key: str) -> None:
    """Leave a table of all code of a story in the UI, under one key for all nights; nothing for a
    story without code."""
    rows = [_row(scene.scene_id, report) for scene in scenes for report in scene.code]
    if rows:
        await acreate_table_artifact(
            rows, key=f"code-{key.replace('_', '-')}", description="Code in the story, as it ran"
        )


def _row(scene_id: str, report: CodeReport) -> dict[str, str]:
    return {
        "scene": scene_id,
        "lines": f"{report.snippet.first_line}-{report.snippet.last_line}",
        "verdict": report.verdict,
        "engine": report.engine,
        "output as stated": {True: "yes", False: "no", None: ""}[report.matches_expected],
        "error": escape(report.error or ""),
        "seconds": f"{report.seconds:.3f}",
        "USD": f"{report.cost_usd:f}",
        "run again": escape(report.reproduce or ""),
    }
