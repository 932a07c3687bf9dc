"""Any server of the OpenAI chat protocol, such as Ollama or vLLM, through openai."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import openai
from pydantic import BaseModel

from tasks.calls.errors import LLMError
from tasks.calls.progress import watcher
from tasks.calls.prompt import Prompt, Reply
from tasks.core.run_log import logger
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.ledger.prices import worst_usage
from tasks.llm.providers.classify import from_status, server_message
from tasks.llm.providers.connections import pool
from tasks.llm.providers.dialect import Dialect, keep, known
from tasks.llm.providers.openai_answer import OpenAIAnswer
from tasks.llm.providers.received import receiving, whole
from tasks.llm.providers.schema import flat_schema
from tasks.llm.providers.sdk_errors import api_errors
from tasks.llm.providers.wire import count, obj, string

OPENAI = "https://api.openai.com/v1"
"""OpenAI's own server."""


class OpenAICompatible:
    """One attempt a call: the SDK's own retries are off. Local servers need no key. `server` is
    the base URL of another server than OpenAI's."""

    name = "openai"

    def __init__(self, settings: Settings) -> None:
        self._key, self.model, url = settings.access(self.name)
        self._settings = settings
        url = (url or OPENAI).rstrip("/")
        self.server = "" if url == OPENAI else url
        self._place = f"{url} {self.model}"
        # OpenAI's newer models take no max_tokens, and other servers know nothing else.
        usual = Dialect(room="max_tokens" if self.server else "max_completion_tokens")
        self._dialect = known(settings, self._place) or usual
        self._client = openai.AsyncOpenAI(
            api_key=self._key.get_secret_value() or "none",
            base_url=url,
            timeout=settings.llm_timeout,
            max_retries=0,
            http_client=pool(settings),
        )

    async def generate(self, prompt: Prompt) -> Reply:
        """Ask once; streams while somebody watches. Raises one of `tasks.calls.errors`."""
        started = time.monotonic()
        while True:
            dialect = self._dialect
            request = self._request(prompt, dialect)
            try:
                return await self._once(prompt, request, started)
            except LLMError as error:
                learnt = dialect.without(str(error), request) if error.status in REFUSED else None
                if learnt is None or error.billed:
                    raise
                if dialect == self._dialect:  # else another call has learnt it meanwhile
                    self._learn(learnt)

    async def _once(self, prompt: Prompt, request: dict[str, Any], started: float) -> Reply:
        grown = watcher()
        with receiving() as got, self._errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                with whole(got):
                    if grown is None:
                        await self._client.chat.completions.create(**request)
                    else:
                        await self._stream(request, grown)
            events = got.events()
            check_error(events, self.name)
            return OpenAIAnswer.of(events).reply(
                self.model,
                worst_usage(prompt),
                time.monotonic() - started,
                streamed=grown is not None,
            )

    def _learn(self, dialect: Dialect) -> None:
        self._dialect = dialect
        keep(self._settings, self._place, dialect)
        logger().info("%s is asked otherwise from now on: %s", self._place, dialect.said)

    @property
    def remarks(self) -> str:
        """What was learnt of the server, for people."""
        return self._dialect.said

    async def reach(self) -> None:
        """Look the model up, which costs nothing. Raises as `generate` does."""
        with self._errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                try:
                    await self._client.models.retrieve(self.model)
                except openai.NotFoundError:
                    if not self.server:
                        raise
                    # Servers such as llama.cpp's know their list only, and take any name.
                    await self._client.models.list()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def _stream(self, request: dict[str, Any], grown: Callable[[int], None]) -> None:
        length = 0
        streamed: dict[str, Any] = request | {"stream": True}
        if self._dialect.stream_usage:
            streamed["stream_options"] = request["stream_options"] = {"include_usage": True}
        chunks: Any = await self._client.chat.completions.create(**streamed)
        async for chunk in chunks:
            for choice in chunk.choices or []:
                length += len(string(choice.delta and choice.delta.content))
            grown(length)

    def _request(self, prompt: Prompt, dialect: Dialect) -> dict[str, Any]:
        schema = self._schema(prompt.schema) if prompt.schema is not None else None
        told = "" if dialect.system else prompt.system
        form = ""
        if schema is not None and dialect.format in ("json_object", "prompt"):
            form = f"Answer with one JSON object of this JSON schema:\n{json.dumps(schema)}"
        user = "\n\n".join(text for text in (told, prompt.shared, prompt.text, form) if text)
        system = prompt.system if dialect.system else ""
        messages = [{"role": "system", "content": system}] if system else []
        request: dict[str, Any] = {
            "model": self.model,
            "messages": [*messages, {"role": "user", "content": user}],
            dialect.room: prompt.max_output_tokens,
        }
        if dialect.seed:
            request["seed"] = prompt.seed
        if dialect.temperature:
            warmth = prompt.temperature
            request["temperature"] = self._settings.llm_temperature if warmth is None else warmth
        if prompt.schema is not None and schema is not None and dialect.format != "prompt":
            named = {"name": prompt.schema.__name__, "schema": schema}
            request["response_format"] = {
                "json_schema": {"type": "json_schema", "json_schema": named},
                "json_object with schema": {"type": "json_object", "schema": schema},
                "json_object": {"type": "json_object"},
            }[dialect.format]
        return request

    def _schema(self, schema: type[BaseModel]) -> dict[str, Any]:
        """OpenAI's own server takes all of JSON schema; the grammar that others make of bounds on
        lengths is too large for them."""
        return flat_schema(schema) if self.server else plain_schema(schema)

    def _errors(self) -> AbstractContextManager[None]:
        return api_errors(openai, self.name, self._key)


REFUSED = (400, 404, 415, 422, 500, 501)
"""Statuses with which servers refuse a parameter; llama-cpp-python's answers 500."""


def check_error(events: Sequence[Mapping[str, Any]], provider: str) -> None:
    """Raise for an error that came with status 200, as OpenRouter sends it."""
    for event in events:
        if (error := event.get("error")) and not event.get("choices"):
            code = count(obj(error).get("code")) or 500
            status = code if 400 <= code < 600 else 500
            raise from_status(status, scrub(server_message(event)), provider=provider, body=event)


@cache
def plain_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema, computed once. Do not change the result."""
    return schema.model_json_schema()
