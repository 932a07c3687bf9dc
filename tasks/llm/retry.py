"""When one provider is asked again: the only retries in the house, besides Prefect's for a step."""

import random

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_before_delay,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from tasks.llm.errors import LLMError, TryLater, Unreachable
from tasks.settings import Settings

MOST_REFUSALS = 10
"""Refusals before it is the next provider's turn; an unreachable server has until the deadline."""

LONGEST_WAIT = 30.0
"""Seconds between two attempts, unless the server asks for more."""

_backoff = wait_random_exponential(multiplier=1.0, max=LONGEST_WAIT, min=0.1)


def retrying(settings: Settings) -> AsyncRetrying:
    """Retry what may pass, until `llm_deadline` seconds are gone; raises the last error.

    Waits as long as the server asks, else exponentially with full jitter.
    """
    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, LLMError) and error.retry),
        wait=_wait,
        stop=stop_before_delay(settings.llm_deadline) | _RefusedTooOften(),
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    error = _error(state)
    if isinstance(error, TryLater) and error.delay is not None:
        # Spread those who were refused together; never sooner than the server asked.
        return error.delay + random.uniform(0, 0.1 + 0.1 * error.delay)
    return _backoff(state)


class _RefusedTooOften(stop_base):
    def __call__(self, retry_state: RetryCallState) -> bool:
        refusals: int = getattr(retry_state, "refusals", 0)
        refusals += not isinstance(_error(retry_state), Unreachable)
        retry_state.refusals = refusals  # type: ignore[attr-defined]
        return refusals >= MOST_REFUSALS


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
