"""Mend code: a snippet that failed is offered to the writer once, with its error."""

from dataclasses import replace
from typing import Protocol

from prefect import task

from tasks.ladder import Asker, ask, climb
from tasks.llm.errors import LLMError
from tasks.llm.prompt import Prompt, Purpose
from tasks.run_code import run_code
from tasks.sandbox import Sandbox
from tasks.step import CACHE_POLICY
from tasks.story.code import CodeReport, MendedCode, Snippet

FAILED = {"raised", "timeout", "resource"}


class MendPrompt(Protocol):
    """Renders the prompt 'mend' for a snippet and its error."""

    def __call__(self, snippet: Snippet, error: str) -> Prompt:
        """The prompt, with the schema MendedCode."""
        ...


@task(
    name="mend code",
    task_run_name="{label}: mend code",
    persist_result=True,
    cache_policy=CACHE_POLICY - "prompt_for",
)
async def mend_code(
    client: Asker,
    prompt_for: MendPrompt,
    purpose: Purpose,
    sandbox: Sandbox,
    text: str,
    reports: list[CodeReport],
    label: str,
) -> tuple[str, list[CodeReport]]:
    """The text and reports with every snippet the writer could mend; the others as they were.

    An answer that still fails, or that does not come, changes nothing.
    """
    purpose = replace(purpose, step="run_code", reason="mend")
    for report in [report for report in reports if report.verdict in FAILED]:
        code = report.snippet.code
        if code not in text:
            continue
        prompt = prompt_for(report.snippet, report.error or report.verdict)
        try:
            reply = await ask(client, prompt, purpose)
            mended = (await climb(client, prompt, purpose, reply, MendedCode)).value
        except LLMError:
            continue
        ran = await sandbox.run(report.snippet.model_copy(update={"code": mended.code}))
        if ran.verdict == "passed" and "```" not in mended.code:
            text = text.replace(code, mended.code.rstrip("\n") + "\n", 1)
    return text, await run_code.fn(text, sandbox, label)
