"""Gemini through google-generativeai, for those who have to stay with it.

Its support has ended: no seed, no thinking budget, no streaming here. It works only synchronously
over REST, so every call takes a thread.
"""

import asyncio
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache, partial
from importlib import import_module
from typing import Any

import requests
from google.protobuf.json_format import ParseError
from pydantic import BaseModel
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError

from tasks.calls.prompt import Prompt, Reply
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.ledger.prices import worst_usage
from tasks.llm.providers.classify import (
    from_connection,
    from_status,
    server_message,
    untrusted,
)
from tasks.llm.providers.connections import connection_errors, unreadable
from tasks.llm.providers.gemini_answer import GeminiAnswer
from tasks.llm.providers.received import STEP, received, receiving, whole
from tasks.llm.providers.schema import flat_schema

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # the end of its support, on every import
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    genai: Any = import_module("google.generativeai")
    default_client: Any = import_module("google.generativeai.client").get_default_generative_client

SAFETY = {
    "HARASSMENT": "BLOCK_ONLY_HIGH",
    "HATE_SPEECH": "BLOCK_ONLY_HIGH",
    "SEXUALLY_EXPLICIT": "BLOCK_ONLY_HIGH",
    "DANGEROUS": "BLOCK_ONLY_HIGH",
}
"""As in tasks.llm.providers.gemini."""


class GeminiLegacy:
    """One attempt a call: the SDK's own retries are off."""

    name = "gemini"

    def __init__(self, settings: Settings) -> None:
        self._key, self.model, url = settings.access(self.name)
        self._settings = settings
        endpoint = url or "https://generativelanguage.googleapis.com"
        genai.configure(
            api_key=self._key.get_secret_value(),
            transport="rest",
            client_options={"api_endpoint": endpoint},
        )
        session = default_client().transport._session
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Bounded(pool_maxsize=settings.llm_connections))
        # The loop's own pool has six threads on two cores.
        self._threads = ThreadPoolExecutor(settings.llm_connections, "google-generativeai")

    async def generate(self, prompt: Prompt) -> Reply:
        """Ask once; raises one of `tasks.calls.errors`."""
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        with receiving() as got, self._errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                with whole(got):
                    ask = partial(copy_context().run, self._ask, prompt)
                    await loop.run_in_executor(self._threads, ask)
            answer = GeminiAnswer.of(got.events())
            return answer.reply(self.model, worst_usage(prompt), 0, time.monotonic() - started)

    async def reach(self) -> None:
        """Look the model up, which costs nothing. Raises as `generate` does."""
        loop = asyncio.get_running_loop()
        with self._errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                await loop.run_in_executor(self._threads, genai.get_model, f"models/{self.model}")

    async def close(self) -> None:
        """Let go of its threads; calls under way end by their own timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, prompt: Prompt) -> None:
        model = genai.GenerativeModel(self.model, system_instruction=prompt.system or None)
        warmth = prompt.temperature
        config: dict[str, Any] = {
            "temperature": self._settings.llm_temperature if warmth is None else warmth,
            "max_output_tokens": prompt.max_output_tokens,
        }
        if prompt.schema is not None:
            config["response_mime_type"] = "application/json"
            config["response_schema"] = proto_schema(prompt.schema)
        model.generate_content(
            [text for text in (prompt.shared, prompt.text) if text],
            generation_config=config,
            safety_settings=SAFETY,
            request_options={"timeout": self._settings.llm_timeout, "retry": None},
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The SDK's errors as ours, not chained: they may hold the key."""
        try:
            with connection_errors(self.name, self._key):
                yield
        except GoogleAPICallError as error:
            response = error.response
            body = _body(response)
            raise from_status(
                int(error.code or 500),
                scrub(server_message(body) or error.message, [self._key]),
                provider=self.name,
                body=body,
                headers=getattr(response, "headers", None),
            ) from None
        except (requests.JSONDecodeError, ParseError) as error:
            raise unreadable(scrub(str(error), [self._key]), provider=self.name) from None
        except (requests.RequestException, RetryError) as error:
            reason = scrub(f"{type(error).__name__}: {error}", [self._key])
            if isinstance(error, requests.exceptions.SSLError):
                raise untrusted(reason, provider=self.name) from None
            # urllib3 gives up connecting with a MaxRetryError; what comes later is another.
            sent = not (error.args and isinstance(error.args[0], MaxRetryError))
            raise from_connection(reason, provider=self.name, sent=sent) from None


class _Bounded(HTTPAdapter):
    """Reads the whole of an answer, within its bounds, before the SDK sees it."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request. Raises TooLong."""
        response = super().send(*args, **{**kwargs, "stream": True})
        if (got := received()) is not None:
            got.begin(response.status_code)
            for chunk in response.iter_content(STEP):
                got.add(chunk)
            got.whole = True
            response._content = bytes(got.body)
        return response


@cache
def proto_schema(schema: type[BaseModel]) -> Any:
    """The response schema as the SDK's own message, which it then passes on as it is."""
    return genai.protos.Schema(_proto(flat_schema(schema)))


def _proto(node: Any) -> dict[str, Any]:
    """The same schema with the field names and types of the protocol."""
    proto = {key: node[key] for key in ("description", "enum", "required") if key in node}
    proto["type_"] = node["type"].upper()
    if "items" in node:
        proto["items"] = _proto(node["items"])
    if "properties" in node:
        proto["properties"] = {name: _proto(inner) for name, inner in node["properties"].items()}
    return proto


def _body(response: Any) -> object:
    try:
        return response.json()
    except (AttributeError, ValueError):
        return None
