"""Mend code: a snippet that failed is offered to the writer once, with its error."""

from dataclasses import replace
from typing import Protocol

from prefect import task

from tasks.answers.ladder import Asker, ask, climb
from tasks.calls.errors import LLMError
from tasks.calls.prompt import Prompt, Purpose
from tasks.core.prefect_steps import CACHE_POLICY
from tasks.sandbox import Sandbox, find_code
from tasks.story.code import CodeReport, MendedCode, Snippet

FAILED = {"raised", "timeout", "resource"}

MOST_MENDED = 2
"""Snippets of a scene that are offered: each is a call that costs, and a text where more fail is
not worth it."""


class MendPrompt(Protocol):
    """Renders the prompt 'mend' for a snippet and its error."""

    def __call__(self, snippet: Snippet, error: str) -> Prompt:
        """The prompt, with the schema MendedCode."""
        ...


@task(
    name="mend code",
    task_run_name="{label}: mend code",
    persist_result=True,
    cache_policy=CACHE_POLICY,
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
    """The text and reports with the snippets the writer could mend; the others as they were.

    The first MOST_MENDED that fail are offered. An answer that still fails, or that does not come,
    changes nothing but the cost. What stands below a mended snippet runs again, for it may use it.
    """
    purpose = replace(purpose, step="run_code", reason="mend")
    done: list[CodeReport] = []
    as_written = text
    offered = 0
    for i, report in enumerate(reports):
        before = [one.snippet for one in done if one.verdict == "passed"]
        if text != as_written:
            report = _after(report, await sandbox.run(find_code(text)[i], before))
        if report.verdict in FAILED and offered < MOST_MENDED:
            offered += 1
            prompt = prompt_for(report.snippet, report.error or report.verdict)
            code = await _answer(client, prompt, purpose)
            better = None if code is None else _replaced(text, i, code)
            if better is not None:
                ran = _after(report, await sandbox.run(find_code(better)[i], before))
                if ran.verdict == "passed":
                    text, report = better, ran
                else:
                    report = report.model_copy(update={"cost_usd": ran.cost_usd})
        done.append(report)
    return text, done


async def _answer(client: Asker, prompt: Prompt, purpose: Purpose) -> str | None:
    try:
        reply = await ask(client, prompt, purpose)
        return (await climb(client, prompt, purpose, reply, MendedCode)).value.code
    except LLMError:
        return None


def _after(earlier: CodeReport, ran: CodeReport) -> CodeReport:
    """A report that bears the cost of the one before it too."""
    return ran.model_copy(update={"cost_usd": earlier.cost_usd + ran.cost_usd})


def _replaced(text: str, which: int, code: str) -> str | None:
    """The text with other code in that snippet; None if it would change anything else."""
    snippets = find_code(text)
    old = snippets[which].code.rstrip("\n")
    above = "\n".join(text.split("\n")[: snippets[which].first_line])
    start = text.find(old, len(above))
    if start < 0:
        return None
    better = text[:start] + code.rstrip("\n") + text[start + len(old) :]
    wanted = [one.code.rstrip("\n") for one in snippets]
    wanted[which] = code.rstrip("\n")
    found = [one.code.rstrip("\n") for one in find_code(better)]
    return better if found == wanted else None
