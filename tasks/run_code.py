"""Run code: every snippet of a scene, in the story's sandbox."""

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
