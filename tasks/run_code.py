"""Run code: every snippet of a scene, in the story's sandbox."""

from collections.abc import Sequence

from prefect import task

from tasks.sandbox import Sandbox, find_code
from tasks.step import CACHE_POLICY
from tasks.story.code import CodeReport


@task(
    name="run code",
    task_run_name="{label}: run code",
    persist_result=True,
    cache_policy=CACHE_POLICY,
)
async def run_code(text: str, sandbox: Sandbox, label: str) -> list[CodeReport]:
    """One report a snippet, in the order of the text; later snippets may use earlier ones."""
    snippets = find_code(text)
    return [await sandbox.run(snippet, snippets[:i]) for i, snippet in enumerate(snippets)]


def code_table(reports: Sequence[tuple[str, CodeReport]]) -> list[dict[str, str]]:
    """The rows of a story's table artifact, from scene ids and their reports."""
    return [
        {
            "scene": scene_id,
            "lines": f"{report.snippet.first_line}-{report.snippet.last_line}",
            "verdict": report.verdict,
            "engine": report.engine,
            "output as stated": {True: "yes", False: "no", None: ""}[report.matches_expected],
            "error": report.error or "",
            "seconds": f"{report.seconds:.3f}",
            "usd": f"{report.cost_usd:f}",
            "run again": report.reproduce or "",
        }
        for scene_id, report in reports
    ]
