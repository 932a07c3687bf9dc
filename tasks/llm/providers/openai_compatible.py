"""Any server of the OpenAI chat protocol, such as Ollama or vLLM, through openai."""

import asyncio
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import openai
from openai.types import CompletionUsage
from pydantic import BaseModel, SecretStr

from tasks.calls.progress import watcher
from tasks.calls.prompt import Prompt, Reply, Usage
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.core.surrogates import without_surrogates
from tasks.ledger.prices import worst_usage
from tasks.llm.providers.classify import broken_stream, check_finish
from tasks.llm.providers.connections import pool
from tasks.llm.providers.sdk_errors import api_errors

OPENAI = "https://api.openai.com/v1"
"""OpenAI's own server."""


class OpenAICompatible:
    """One attempt a call: the SDK's own retries are off. Local servers need no key. `server` is
    the base URL of another server than OpenAI's."""

    name = "openai"

    def __init__(self, settings: Settings) -> None:
        """Raises UserError without a model's name."""
        if not settings.openai_model:
            raise UserError("Set OPENAI_MODEL to the model the server should use.")
        self.model = settings.openai_model
        self._settings = settings
        url = (settings.openai_base_url or OPENAI).rstrip("/")
        self.server = "" if url == OPENAI else url
        self._key = settings.openai_api_key or SecretStr("none")
        self._client = openai.AsyncOpenAI(
            api_key=self._key.get_secret_value(),
            base_url=url,
            timeout=settings.llm_timeout,
            max_retries=0,
            http_client=pool(settings),
        )

    async def generate(self, prompt: Prompt) -> Reply:
        """Ask once; streams while somebody watches. Raises one of `tasks.calls.errors`."""
        started = time.monotonic()
        request = self._request(prompt)
        grown = watcher()
        with api_errors(openai, self.name, self._settings.openai_api_key):
            async with asyncio.timeout(self._settings.llm_timeout):
                if grown is None:
                    text, finish, usage = await self._ask(request)
                else:
                    text, finish, usage = await self._stream(request, grown)
            text = without_surrogates(text)
            counted = _usage(prompt, usage)
            check_finish(finish, text, counted, provider=self.name)
        return Reply(
            text=text,
            usage=counted,
            finish_reason=finish,
            provider=self.name,
            model=self.model,
            seconds=time.monotonic() - started,
        )

    async def reach(self) -> None:
        """Look the model up, which costs nothing. Raises as `generate` does."""
        with api_errors(openai, self.name, self._settings.openai_api_key):
            async with asyncio.timeout(self._settings.llm_timeout):
                await self._client.models.retrieve(self.model)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def _ask(self, request: dict[str, Any]) -> tuple[str, str, CompletionUsage | None]:
        answer = await self._client.chat.completions.create(**request)
        if not answer.choices:
            return "", "", answer.usage
        choice = answer.choices[0]
        finish = "refusal" if choice.message.refusal else choice.finish_reason or ""
        return choice.message.content or "", finish, answer.usage

    async def _stream(
        self, request: dict[str, Any], grown: Callable[[int], None]
    ) -> tuple[str, str, CompletionUsage | None]:
        parts: list[str] = []
        finish = ""
        refused = False
        usage = None
        streamed = request | {"stream": True, "stream_options": {"include_usage": True}}
        chunks: Any = await self._client.chat.completions.create(**streamed)
        async for chunk in chunks:
            usage = chunk.usage or usage
            for choice in chunk.choices or []:
                parts.append((choice.delta and choice.delta.content) or "")
                refused = refused or bool(choice.delta and choice.delta.refusal)
                finish = choice.finish_reason or finish
            grown(sum(map(len, parts)))
        if not finish:
            raise broken_stream(self.name)
        return "".join(parts), "refusal" if refused else finish, usage

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        user = "\n\n".join(text for text in (prompt.shared, prompt.text) if text)
        messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
        # OpenAI's newer models take no max_tokens, and other servers know nothing else.
        room = "max_tokens" if self.server else "max_completion_tokens"
        warmth = prompt.temperature
        request: dict[str, Any] = {
            "model": self.model,
            "messages": [*messages, {"role": "user", "content": user}],
            room: prompt.max_output_tokens,
            "seed": prompt.seed,
            "temperature": self._settings.llm_temperature if warmth is None else warmth,
        }
        if prompt.schema is not None:
            named = {"name": prompt.schema.__name__, "schema": plain_schema(prompt.schema)}
            request["response_format"] = {"type": "json_schema", "json_schema": named}
        return request


@cache
def plain_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema, computed once. Do not change the result."""
    return schema.model_json_schema()


def _usage(prompt: Prompt, usage: CompletionUsage | None) -> Usage:
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return worst_usage(prompt)
    inward, outward = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        tokens_in=usage.prompt_tokens,
        tokens_cached=(inward.cached_tokens or 0) if inward else 0,
        tokens_thinking=(outward.reasoning_tokens or 0) if outward else 0,
        tokens_out=usage.completion_tokens,
    )
