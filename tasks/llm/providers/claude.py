"""Claude through anthropic."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import anthropic
from anthropic.types import MessageParam, TextBlockParam
from pydantic import BaseModel

from tasks.calls.progress import watcher
from tasks.calls.prompt import Prompt, Reply, Usage
from tasks.core.settings import Settings
from tasks.ledger.prices import worst_usage
from tasks.llm.providers import claude_answer
from tasks.llm.providers.connections import pool
from tasks.llm.providers.received import receiving, whole
from tasks.llm.providers.sdk_errors import api_errors

LEAST_THINKING = 1024
"""Tokens; Claude takes no smaller budget.
https://platform.claude.com/docs/en/build-with-claude/extended-thinking"""


class Claude:
    """One attempt a call: the SDK's own retries are off. It takes no temperature and no seed."""

    name = "claude"

    def __init__(self, settings: Settings) -> None:
        self._key, self.model, url = settings.access(self.name)
        self._settings = settings
        self.client = anthropic.AsyncAnthropic(
            api_key=self._key.get_secret_value(),
            base_url=url or "https://api.anthropic.com",
            timeout=settings.llm_timeout,
            max_retries=0,
            http_client=pool(settings),
        )

    async def generate(self, prompt: Prompt) -> Reply:
        """Ask once; streams while somebody watches. Raises one of `tasks.calls.errors`."""
        started = time.monotonic()
        request = self.request(prompt)
        grown = watcher()
        with receiving() as got, self.errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                with whole(got):
                    if grown is None:
                        await self.client.messages.create(**request)
                    else:
                        await self._stream(request, grown)
            told = claude_answer.message(got.events())
            return claude_answer.reply(
                told,
                self.model,
                worst_usage(prompt),
                time.monotonic() - started,
                streamed=grown is not None,
            )

    async def reach(self) -> None:
        """Look the model up, which costs nothing. Raises as `generate` does."""
        with self.errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                await self.client.models.retrieve(self.model)

    async def close(self) -> None:
        """Close its connections."""
        await self.client.close()

    def errors(self) -> AbstractContextManager[None]:
        """The SDK's errors as ours; the key never shows in them."""
        return api_errors(anthropic, self.name, self._key)

    async def _stream(self, request: dict[str, Any], grown: Callable[[int], None]) -> None:
        length = 0
        async with self.client.messages.stream(**request) as stream:
            async for text in stream.text_stream:
                length += len(text)
                grown(length)

    def request(self, prompt: Prompt) -> dict[str, Any]:
        """The arguments of the SDK."""
        system: list[TextBlockParam] = []
        if prompt.system:
            system.append({"type": "text", "text": prompt.system})
        if prompt.shared:
            # Read again within five minutes it costs a tenth; too short a text is not cached.
            cached: TextBlockParam = {"type": "text", "text": prompt.shared}
            system.append({**cached, "cache_control": {"type": "ephemeral"}})
        message: MessageParam = {"role": "user", "content": prompt.text}
        request: dict[str, Any] = {
            "model": self.model,
            "max_tokens": prompt.max_output_tokens,
            "system": system,
            "messages": [message],
        }
        if prompt.schema is not None:
            schema = {"type": "json_schema", "schema": strict_schema(prompt.schema)}
            request["output_config"] = {"format": schema}
        thinking = prompt.thinking_budget
        if thinking is None:
            thinking = self._settings.llm_thinking_budget
        # The answer's room includes the thinking, of which it has to be more.
        budget = min(max(LEAST_THINKING, thinking or 0), prompt.max_output_tokens - 1)
        if thinking and budget >= LEAST_THINKING:
            request["thinking"] = {"type": "enabled", "budget_tokens": budget}
        return request

    def read(self, message: Mapping[str, Any], seconds: float) -> Reply:
        """The reply in a message that came by another way. Raises as `generate` does."""
        with self.errors():
            return claude_answer.reply(message, self.model, Usage(estimated=True), seconds)


@cache
def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The schema as Claude's structured output takes it. Do not change the result."""
    return anthropic.transform_schema(schema)
