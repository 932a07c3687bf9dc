"""One pool of connections for each provider, and what their failures mean."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from pydantic import SecretStr

from tasks.calls.errors import LLMError, Malformed
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.llm.providers.classify import from_connection, garbled, untrusted
from tasks.llm.providers.received import bound, received

FOREIGN = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError)
"""What an SDK, or we, stumble over in an answer that has not the shape of the API's."""

ANSWER = (b'"candidates"', b'"choices"', b'"content"')
"""What an answer of Gemini, OpenAI or Claude has, and no other page."""


def pool(settings: Settings) -> httpx2.AsyncClient:
    """An HTTP client for an SDK that keeps a connection for every call in flight.

    The SDKs' own keep 20 of 100 or none, and google-genai would take aiohttp where it finds it,
    which retries by itself.
    """
    most = settings.llm_connections
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
    return httpx2.AsyncClient(
        limits=limits,
        timeout=settings.llm_timeout,
        headers={"accept-encoding": "gzip, deflate"},  # which can be decompressed step by step
        event_hooks={"response": [bound]},
    )


@contextmanager
def connection_errors(provider: str, key: SecretStr | None) -> Iterator[None]:
    """Failures of the connection, and what is no answer of the API, as our errors.

    The originals are not chained: a traceback may show them, and they may hold the key.
    """
    try:
        yield
    except (TimeoutError, httpx2.TransportError, ValueError, *FOREIGN) as error:
        raise connection_error(error, provider, key) from None


def connection_error(error: BaseException, provider: str, key: SecretStr | None) -> LLMError:
    """Unreachable, TryLater for what is no answer of an API, BadRequest where no retry helps."""
    reason = scrub(f"{type(error).__name__}: {error}", [key])
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        sent = not isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        return from_connection("no answer in time", provider=provider, sent=sent)
    if isinstance(error, (ValueError, *FOREIGN)):
        return unreadable(reason, provider=provider)
    if _untrusted(error):
        return untrusted(reason, provider=provider)
    sent = not isinstance(error, httpx2.ConnectError)
    return from_connection(reason, provider=provider, sent=sent)


def unreadable(reason: str, *, provider: str) -> LLMError:
    """Malformed with all that came where that is an answer of the API, which is paid; TryLater for
    another page."""
    got = received()
    if got is None or not got.answered or not any(mark in got.body for mark in ANSWER):
        return garbled(reason, provider=provider)
    said = f"{provider} sent an answer that cannot be read: {reason}"
    return Malformed(said, text=got.text, provider=provider)


def _untrusted(error: BaseException | None) -> bool:
    """Whether TLS itself failed, and not the network under it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False
