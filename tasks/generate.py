"""Generate: one answer of a model to one prompt."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.answers.ladder import Asker, ask
from tasks.calls.progress import writing
from tasks.calls.prompt import Prompt, Purpose, Reply


@task(task_run_name="{label}: generate", cache_policy=NO_CACHE)
async def generate(client: Asker, prompt: Prompt, purpose: Purpose, label: str) -> Reply:
    """Ask for one answer. A cut one is returned too; the parsing ladder asks for it again."""
    with writing(label):
        return await ask(client, prompt, purpose)
