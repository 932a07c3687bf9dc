"""Errors of the anthropic and openai SDKs, which one generator wrote alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from pydantic import SecretStr

from tasks.core.scrub import scrub
from tasks.llm.providers.classify import from_connection, from_status, server_message
from tasks.llm.providers.connections import connection_error, connection_errors

IN_STREAM = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "api_error": 500,
    "overloaded_error": 529,
}
"""An error inside a stream comes after status 200 and has only a type.
https://platform.claude.com/docs/en/api/errors"""


@contextmanager
def api_errors(sdk: ModuleType, provider: str, key: SecretStr | None) -> Iterator[None]:
    """The SDK's errors as ours; `key` never shows in them."""
    try:
        with connection_errors(provider, key):
            yield
    except sdk.APIStatusError as error:
        status = error.status_code
        if status < 400:
            status = IN_STREAM.get(str(getattr(error, "type", "")), 500)
        raise from_status(
            status,
            scrub(server_message(error.body) or error.message, [key]),
            provider=provider,
            body=error.body,
            headers=error.response.headers,
        ) from None
    except sdk.APITimeoutError:
        raise from_connection("no answer in time", provider=provider, sent=True) from None
    except sdk.APIConnectionError as error:
        raise connection_error(error.__cause__ or error, provider, key) from None
    except sdk.APIError as error:
        raise from_status(
            500, scrub(error.message, [key]), provider=provider, body=error.body
        ) from None
