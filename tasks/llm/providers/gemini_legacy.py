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
from functools import cache
from importlib import import_module
from typing import Any

import requests
from google.protobuf.json_format import ParseError
from pydantic import BaseModel
from urllib3.exceptions import MaxRetryError

from tasks.calls.errors import BadKey, Refused
from tasks.calls.prompt import Prompt, Reply, Usage
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.ledger.prices import worst_usage
from tasks.llm.providers.classify import (
    check_finish,
    from_connection,
    from_status,
    garbled,
    server_message,
    untrusted,
)
from tasks.llm.providers.connections import connection_errors
from tasks.llm.providers.schema import flat_schema

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # the end of its support, on every import
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    genai: Any = import_module("google.generativeai")

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
        """Raises BadKey without a key."""
        if settings.gemini_api_key is None:
            raise BadKey("No key for Gemini: set GEMINI_API_KEY.", provider=self.name)
        self.model = settings.gemini_model
        self._settings = settings
        self._key = settings.gemini_api_key
        endpoint = settings.gemini_base_url or "https://generativelanguage.googleapis.com"
        genai.configure(
            api_key=self._key.get_secret_value(),
            transport="rest",
            client_options={"api_endpoint": endpoint},
        )
        # The loop's own pool has six threads on two cores.
        self._threads = ThreadPoolExecutor(settings.llm_connections, "google-generativeai")

    async def generate(self, prompt: Prompt) -> Reply:
        """Ask once; raises one of `tasks.calls.errors`."""
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        with self._errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                answer = await loop.run_in_executor(self._threads, self._ask, prompt)
            return self._reply(prompt, answer, time.monotonic() - started)

    async def reach(self) -> None:
        """Look the model up, which costs nothing. Raises as `generate` does."""
        loop = asyncio.get_running_loop()
        with self._errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                await loop.run_in_executor(self._threads, genai.get_model, f"models/{self.model}")

    async def close(self) -> None:
        """Let go of its threads; calls under way end by their own timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, prompt: Prompt) -> Any:
        model = genai.GenerativeModel(self.model, system_instruction=prompt.system or None)
        warmth = prompt.temperature
        config: dict[str, Any] = {
            "temperature": self._settings.llm_temperature if warmth is None else warmth,
            "max_output_tokens": prompt.max_output_tokens,
        }
        if prompt.schema is not None:
            config["response_mime_type"] = "application/json"
            config["response_schema"] = proto_schema(prompt.schema)
        return model.generate_content(
            [text for text in (prompt.shared, prompt.text) if text],
            generation_config=config,
            safety_settings=SAFETY,
            request_options={"timeout": self._settings.llm_timeout, "retry": None},
        )

    def _reply(self, prompt: Prompt, answer: Any, seconds: float) -> Reply:
        usage = _usage(prompt, answer.usage_metadata)
        blocked = answer.prompt_feedback.block_reason
        if blocked:
            why = f"gemini blocked the prompt ({blocked.name})."
            raise Refused(why, provider=self.name, usage=usage)
        candidate = answer.candidates[0] if answer.candidates else None
        text = "".join(part.text for part in candidate.content.parts) if candidate else ""
        finish = candidate.finish_reason.name if candidate and candidate.finish_reason else ""
        check_finish(finish, text, usage, provider=self.name)
        ratings = candidate.safety_ratings if candidate else []
        return Reply(
            text=text,
            usage=usage,
            finish_reason=finish,
            provider=self.name,
            model=self.model,
            seconds=seconds,
            safety={rating.category.name: rating.probability.name for rating in ratings},
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
            raise garbled(scrub(str(error), [self._key]), provider=self.name) from None
        except (requests.RequestException, RetryError) as error:
            reason = scrub(f"{type(error).__name__}: {error}", [self._key])
            if isinstance(error, requests.exceptions.SSLError):
                raise untrusted(reason, provider=self.name) from None
            # urllib3 gives up connecting with a MaxRetryError; what comes later is another.
            sent = not (error.args and isinstance(error.args[0], MaxRetryError))
            raise from_connection(reason, provider=self.name, sent=sent) from None


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


def _usage(prompt: Prompt, reported: Any) -> Usage:
    """The protocol of this SDK has no field for thinking, but the total counts it."""
    if not reported.prompt_token_count:
        return worst_usage(prompt)
    seen = reported.prompt_token_count + reported.candidates_token_count
    thinking = max(0, reported.total_token_count - seen)
    return Usage(
        tokens_in=reported.prompt_token_count,
        tokens_cached=reported.cached_content_token_count,
        tokens_thinking=thinking,
        tokens_out=reported.candidates_token_count + thinking,
    )
