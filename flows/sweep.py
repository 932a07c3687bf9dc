"""The flow `sweep`: what runs left behind that nobody needs any more."""

from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import Field

from flows.secrets import load_keys
from tasks.llm.ledger import Ledger
from tasks.sandbox import e2b
from tasks.settings import Settings


# It takes seconds, can be run again, and E2B or the database may be away for a moment.
@flow(name="sweep", retries=3, retry_delay_seconds=60, timeout_seconds=600)
async def sweep(
    days: Annotated[int, Field(ge=1, description="Answers unused for so long are dropped.")] = 90,
) -> dict[str, int]:
    """End E2B sandboxes that were left running, and drop old answers from the cache.

    Returns how many of each. What was spent stays in the ledger for good.
    """
    await load_keys()
    settings = Settings()
    async with Ledger.open(settings) as ledger:
        swept = {"answers": await ledger.forget(days)}
    if settings.e2b_api_key is not None:
        swept["sandboxes"] = await e2b.sweep(settings)
    get_run_logger().info("Swept: %s", ", ".join(f"{n} {name}" for name, n in swept.items()))
    return swept
