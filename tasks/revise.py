"""Ask the writer again for branches: one that was refused, or new ones for a scene without any."""

from typing import Any

from prefect import task

from tasks.ladder import ask, climb
from tasks.llm.client import Client
from tasks.llm.prompt import Prompt, Purpose
from tasks.step import CACHE_POLICY


@task(
    name="revise",
    task_run_name="{label}: {purpose.reason}",
    persist_result=True,
    cache_policy=CACHE_POLICY,
)
async def revise(client: Client, prompt: Prompt, purpose: Purpose, label: str) -> Any:
    """The value of `prompt.schema` that answers the prompt, on any rung of the parsing ladder.

    Raises Malformed when there is none.
    """
    if prompt.schema is None:
        raise TypeError(f"The prompt {prompt.id} has no schema to parse by.")
    reply = await ask(client, prompt, purpose)
    return (await climb(client, prompt, purpose, reply, prompt.schema)).value
