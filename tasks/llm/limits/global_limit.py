"""Prefect global concurrency limits, and what is said to the user where one cannot be had."""

from httpx import HTTPError
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from tasks.core.errors import UserError


async def create(
    client: PrefectClient, name: str, slots: int, decay_per_second: float = 0.0
) -> None:
    """Create the limit, or bring it up to date. Raises UserError if the API is not there."""
    try:
        for _ in range(2):
            try:
                await client.upsert_global_concurrency_limit_by_name(name, slots, decay_per_second)
                return
            except ObjectAlreadyExists:
                continue  # another process was first; what it made may differ
    except HTTPError as error:
        raise UserError(
            f"The limit {name!r} is kept by the Prefect server at {client.api_url}, which does not "
            f"answer ({type(error).__name__}). Start it, or unset LLM_RATE_LIMIT, "
            "LLM_TOKENS_PER_MINUTE, LLM_REQUESTS_PER_DAY and LLM_CONCURRENCY."
        ) from None


async def read(client: PrefectClient, name: str) -> GlobalConcurrencyLimitResponse:
    """The limit as it is now. Raises UserError if it is gone."""
    try:
        return await client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        raise gone(name) from None


def gone(name: str) -> UserError:
    """A limit that does not exist is an error: Prefect would let everybody pass."""
    return UserError(
        f"The concurrency limit {name!r} is gone from the Prefect server. Run the command again: "
        "it makes the limit anew."
    )
