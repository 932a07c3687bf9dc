"""One pool of connections for each provider, and what their failures mean."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from pydantic import SecretStr, ValidationError

from tasks.llm.classify import from_connection, garbled, untrusted
from tasks.llm.scrub import scrub
from tasks.settings import Settings


def pool(settings: Settings) -> httpx2.AsyncClient:
    """An HTTP client for an SDK that keeps a connection for every call in flight.

    The SDKs' own keep 20 of 100 or none, and google-genai would take aiohttp where it finds it,
    which retries by itself.
    """
    most = settings.llm_concurrency
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
    return httpx2.AsyncClient(limits=limits, timeout=settings.llm_timeout)


@contextmanager
def connection_errors(provider: str, key: SecretStr | None) -> Iterator[None]:
    """Failures of the connection as Unreachable, or BadRequest where no retry can help.

    The originals are not chained: a traceback may show them, and they may hold the key.
    """
    try:
        yield
    except (TimeoutError, httpx2.TimeoutException) as error:
        sent = not isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        raise from_connection("no answer in time", provider=provider, sent=sent) from None
    except httpx2.TransportError as error:
        reason = scrub(f"{type(error).__name__}: {error}", [key])
        if _untrusted(error):
            raise untrusted(reason, provider=provider) from None
        sent = not isinstance(error, httpx2.ConnectError)
        raise from_connection(reason, provider=provider, sent=sent) from None
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise garbled(scrub(str(error), [key]), provider=provider) from None


def _untrusted(error: BaseException | None) -> bool:
    """Whether TLS itself failed, and not the network under it."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
            return True
        error = error.__cause__ or error.__context__
    return False
