"""Parse: from a model's answer to a value of the schema that was asked for."""

from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from tasks.answers.json import Parsed, parse
from tasks.answers.ladder import Answer, Asker, climb
from tasks.calls.errors import Malformed
from tasks.calls.prompt import Prompt, Purpose, Reply
from tasks.llm.raw import keep_raw

__all__ = ["Answer", "Parsed", "keep_raw", "parse", "parse_answer"]

SHOWN = 20_000
"""Characters of a raw answer in its artifact; the file has all of it."""


@task(name="parse", task_run_name="{label}: parse", cache_policy=NO_CACHE)
async def parse_answer(
    client: Asker, prompt: Prompt, purpose: Purpose, reply: Reply, label: str
) -> Answer[Any]:
    """The value in `reply`, asking again for what is wrong with it.

    Raises Malformed when every rung of the ladder failed; the raw answer is then kept in a file,
    which the error names, and in an artifact.
    """
    if prompt.schema is None:
        raise TypeError(f"The prompt {prompt.id} has no schema to parse by.")
    try:
        return await climb(client, prompt, purpose, reply, prompt.schema)
    except Malformed as error:
        path = keep_raw(client.settings, purpose, error.text)
        await acreate_markdown_artifact(
            _page(error, path), key="raw-answer", description=f"{label}: an unusable answer"
        )
        raise Malformed(
            f"{error} The raw answer is in {path}.", text=error.text, provider=error.provider
        ) from None


def _page(error: Malformed, path: Path) -> str:
    # An indented block cannot be closed by anything in the text.
    lines = error.text[:SHOWN].splitlines() or ["(nothing)"]
    block = "\n".join(f"    {line}" for line in lines)
    writer = error.provider or "the model"
    return f"An answer of {writer} could not be used. All of it: `{path}`\n\n{block}\n"
