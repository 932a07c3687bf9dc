"""Keys from Prefect's Secret blocks, for workers whose environment has none."""

import os
from contextlib import suppress

from prefect import runtime
from prefect.blocks.system import Secret

from tasks.calls.providers import PROVIDERS
from tasks.core.settings import Settings

KEYS = (*dict.fromkeys(row.key for row in PROVIDERS.values()), "E2B_API_KEY")


def block_name(key: str) -> str:
    """`GEMINI_API_KEY` is kept in the block `gemini-api-key`."""
    return key.lower().replace("_", "-")


async def save_keys(settings: Settings) -> list[str]:
    """Keep the keys of this machine's settings in Secret blocks; the names of the blocks."""
    saved = []
    for key in KEYS:
        if (value := getattr(settings, key.lower())) is not None:
            # Made by Secret[str], it would be a block of another type, which nobody finds.
            block: Secret[str] = Secret(value=value.get_secret_value())
            await block.asave(block_name(key), overwrite=True)
            saved.append(block_name(key))
    return saved


async def load_keys() -> None:
    """In the process of a deployment's run, put into the environment what it lacks and a block
    has."""
    if not runtime.deployment.id:
        return
    for key in KEYS:
        if not os.environ.get(key):
            with suppress(ValueError):  # there is no such block
                block: Secret[str] = await Secret.aload(block_name(key))
                os.environ[key] = block.get()
