"""When one provider is asked again: the only retries in the house, besides Prefect's for a step."""

import random
from dataclasses import dataclass

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from tasks.calls.errors import LLMError, Malformed, TryLater, Unreachable
from tasks.core.settings import Settings

MOST_REFUSALS = 10
"""Refusals before it is the next provider's turn; an unreachable server has until the deadline."""

MOST_MALFORMED = 2
"""Answers that ended oddly before it is the next provider's turn; each of them was billed."""

LONGEST_WAIT = 30.0
"""Seconds between two attempts, unless the server asks for more."""

_backoff = wait_random_exponential(multiplier=1.0, max=LONGEST_WAIT, min=0.1)


@dataclass
class Waited:
    """Seconds that the attempts of a call waited for their turn."""

    seconds: float = 0.0


def retrying(settings: Settings, waited: Waited | None = None) -> AsyncRetrying:
    """Retry what may pass, until `llm_deadline` seconds are gone beside those in `waited`; raises
    the last error.

    Waits as long as the server asks, else exponentially with full jitter.
    """
    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, LLMError) and error.retry),
        wait=_wait,
        stop=_Deadline(settings.llm_deadline, waited or Waited()) | _RefusedTooOften(),
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    error = _error(state)
    if isinstance(error, TryLater) and error.delay is not None:
        # Spread those who were refused together; never sooner than the server asked.
        return error.delay + random.uniform(0, 0.1 + 0.1 * error.delay)
    return _backoff(state)


class _Deadline(stop_base):
    def __init__(self, seconds: float, waited: Waited) -> None:
        self._seconds, self._waited = seconds, waited

    def __call__(self, retry_state: RetryCallState) -> bool:
        gone = (retry_state.seconds_since_start or 0.0) - self._waited.seconds
        return gone + retry_state.upcoming_sleep >= self._seconds


class _RefusedTooOften(stop_base):
    def __call__(self, retry_state: RetryCallState) -> bool:
        refusals: int = getattr(retry_state, "refusals", 0)
        refusals += not isinstance(_error(retry_state), Unreachable)
        retry_state.refusals = refusals  # type: ignore[attr-defined]
        malformed: int = getattr(retry_state, "malformed", 0)
        malformed += isinstance(_error(retry_state), Malformed)
        retry_state.malformed = malformed  # type: ignore[attr-defined]
        return refusals >= MOST_REFUSALS or malformed >= MOST_MALFORMED


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
