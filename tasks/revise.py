"""Ask the writer again for branches: one that was refused, or new ones for a scene without any."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.answers.ladder import Answer, ask, climb
from tasks.calls.prompt import Prompt, Purpose
from tasks.llm.client import Client


@task(
    name="revise",
    task_run_name="{label}: {purpose.reason}",
    cache_policy=NO_CACHE,
)
async def revise(client: Client, prompt: Prompt, purpose: Purpose, label: str) -> Answer[Any]:
    """The answer to the prompt by its schema, on any rung of the parsing ladder.

    Raises Malformed when there is none.
    """
    if prompt.schema is None:
        raise TypeError(f"The prompt {prompt.id} has no schema to parse by.")
    reply = await ask(client, prompt, purpose)
    return await climb(client, prompt, purpose, reply, prompt.schema)
