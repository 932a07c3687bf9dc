"""Everything a provider can do wrong, as one small family.

Each error says what happens next: `retry` (again, here), `move_on` (the next provider of the
chain may answer), and whether the attempt may have been `billed`.
"""

import copyreg
from decimal import Decimal
from typing import Any


class LLMError(Exception):
    """A model did not give a usable answer. The text is for the user."""

    retry = False
    move_on = False
    billed = False
    status = 0
    """The HTTP status of the answer, if it was an error's."""
    unknown = False
    """The server does not know what was asked for (404)."""

    def __init__(self, message: str, *, provider: str = "", usage: object | None = None) -> None:
        super().__init__(message)
        self.provider = provider
        self.usage = usage
        """Usage the provider reported for the failed attempt (`prompt.Usage`), if it did."""


class TryLater(LLMError):
    """Too many requests or an overloaded server: the same call may work in a while."""

    retry = True
    move_on = True

    def __init__(self, message: str, *, delay: float | None = None, provider: str = "") -> None:
        super().__init__(message, provider=provider)
        self.delay = delay
        """Seconds the server asked to wait, if it said."""


class RateLimited(TryLater):
    """Refused for its rate (429 per minute): everybody waits."""


class QuotaGone(LLMError):
    """The day's quota is used up."""

    move_on = True


class Unreachable(LLMError):
    """No connection, or it broke, or the answer never ended."""

    retry = True
    move_on = True


class Refused(LLMError):
    """The provider's safety filter refused the prompt or the answer."""

    move_on = True
    billed = True


class CutShort(LLMError):
    """The answer ended before it was complete. `text` is what came."""

    billed = True

    def __init__(
        self, message: str, *, text: str = "", provider: str = "", usage: object | None = None
    ) -> None:
        super().__init__(message, provider=provider, usage=usage)
        self.text = text


class Malformed(LLMError):
    """The answer ended oddly, or is no scene on any rung of the ladder. `text` is what came."""

    retry = True
    move_on = True
    billed = True

    def __init__(self, message: str, *, text: str = "", provider: str = "") -> None:
        super().__init__(message, provider=provider)
        self.text = text


class BadRequest(LLMError):
    """The request cannot succeed as it is: unknown model, wrong parameter, location."""


class BadKey(BadRequest):
    """The key is missing, wrong or not allowed."""


class NoPrice(BadRequest):
    """The model has no known price, so no cap could hold."""


class CapReached(LLMError):
    """The next call's worst case does not fit under a spend cap. Nothing was sent."""

    def __init__(self, message: str, *, cap_usd: Decimal, spent_usd: Decimal) -> None:
        super().__init__(message)
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd

    def __reduce__(self) -> tuple[Any, ...]:
        # Prefect keeps results by pickle, which would call __init__ without the named arguments.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]
