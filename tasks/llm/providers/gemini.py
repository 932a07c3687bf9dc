"""Gemini through google-genai."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google import genai
from google.genai import errors as sdk
from google.genai import types

from tasks.calls.errors import LLMError, TryLater
from tasks.calls.progress import watcher
from tasks.calls.prompt import Prompt, Reply, Usage
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.ledger.prices import worst_usage
from tasks.llm.providers.classify import from_status, garbled
from tasks.llm.providers.connections import connection_errors, pool
from tasks.llm.providers.context_cache import ContextCache
from tasks.llm.providers.gemini_answer import GeminiAnswer
from tasks.llm.providers.received import receiving, whole
from tasks.llm.providers.schema import flat_schema

SAFETY = [
    types.SafetySetting(category=category, threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH)
    for category in (
        types.HarmCategory.HARM_CATEGORY_HARASSMENT,
        types.HarmCategory.HARM_CATEGORY_HATE_SPEECH,
        types.HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT,
        types.HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT,
    )
]
"""Fiction has villains: only what is probably harmful is blocked. A world's own boundaries are in
its prompts."""

_NO_FUNCTIONS = types.AutomaticFunctionCallingConfig(disable=True)


class Gemini:
    """The default provider. One attempt a call: the SDK's own retries are off."""

    name = "gemini"

    def __init__(self, settings: Settings) -> None:
        self._key, self.model, url = settings.access(self.name)
        self._settings = settings
        self._http = pool(settings)
        self.client = genai.Client(
            vertexai=False,
            api_key=self._key.get_secret_value(),
            http_options=types.HttpOptions(
                base_url=url or None,
                api_version="v1beta",
                timeout=int(settings.llm_timeout * 1000),
                retry_options=types.HttpRetryOptions(attempts=1),
                httpx_async_client=self._http,
            ),
        )
        self._caches = ContextCache(self.client, self.model)

    async def generate(self, prompt: Prompt) -> Reply:
        """Ask once; streams while somebody watches. Raises one of `tasks.calls.errors`."""
        started = time.monotonic()
        made = 0
        try:
            with receiving() as got, self.errors():
                async with asyncio.timeout(self._settings.llm_timeout):
                    cache, made = await self._caches.name(prompt)
                    got.begin(0)
                    grown = watcher()
                    with self._lost(cache), whole(got):
                        request = self._request(prompt, cache)
                        if grown is None:
                            await self.client.aio.models.generate_content(**request)
                        else:
                            await self._stream(request, grown)
                answer = GeminiAnswer.of(got.events())
                seconds = time.monotonic() - started
                return answer.reply(
                    self.model, worst_usage(prompt), made, seconds, streamed=grown is not None
                )
        except LLMError as error:
            if made and error.usage is None and not error.billed:
                error.usage = Usage(tokens_in=made)
            raise

    async def reach(self) -> None:
        """Look the model up, which costs nothing. Raises as `generate` does."""
        with self.errors():
            async with asyncio.timeout(self._settings.llm_timeout):
                await self.client.aio.models.get(model=self.model)

    async def close(self) -> None:
        """Close its connections, and delete what it cached."""
        await self._caches.close()
        await self._http.aclose()

    async def _stream(self, request: dict[str, Any], grown: Callable[[int], None]) -> None:
        length = 0
        async for chunk in await self.client.aio.models.generate_content_stream(**request):
            for candidate in chunk.candidates or []:
                for part in (candidate.content and candidate.content.parts) or []:
                    length += 0 if part.thought else len(part.text or "")
            grown(length)

    def _request(self, prompt: Prompt, cache: str) -> dict[str, Any]:
        """The arguments of the SDK. What is in the cache is not sent again."""
        # The shared part comes first and by itself, so that Gemini's implicit cache knows it.
        texts = [text for text in ("" if cache else prompt.shared, prompt.text) if text]
        content = types.Content(role="user", parts=[types.Part(text=text) for text in texts])
        return {"model": self.model, "contents": content, "config": self._config(prompt, cache)}

    def _config(self, prompt: Prompt, cache: str) -> types.GenerateContentConfig:
        settings = self._settings
        thinking = prompt.thinking_budget
        if thinking is None:
            thinking = settings.llm_thinking_budget
        return types.GenerateContentConfig(
            cached_content=cache or None,
            system_instruction=None if cache else prompt.system or None,
            temperature=settings.llm_temperature
            if prompt.temperature is None
            else prompt.temperature,
            max_output_tokens=prompt.max_output_tokens,
            seed=prompt.seed,
            response_mime_type="application/json" if prompt.schema else None,
            response_json_schema=flat_schema(prompt.schema) if prompt.schema else None,
            thinking_config=None
            if thinking is None
            else types.ThinkingConfig(thinking_budget=thinking),
            safety_settings=SAFETY,
            automatic_function_calling=_NO_FUNCTIONS,
            automatic_continuation=False,
        )

    def read(self, response: Mapping[str, Any], seconds: float) -> Reply:
        """The reply in a response that came by another way. Raises as `generate` does."""
        with self.errors():
            answer = GeminiAnswer.of([response])
            return answer.reply(self.model, Usage(estimated=True), 0, seconds)

    def wire(self, prompt: Prompt) -> dict[str, Any]:
        """A request as the API takes it, in JSON."""
        request = self._request(prompt, "")
        config: types.GenerateContentConfig = request["config"]
        generation = config.model_dump(
            include={"temperature", "max_output_tokens", "seed", "thinking_config"},
            exclude_none=True,
            by_alias=True,
        )
        if config.response_json_schema is not None:
            generation["responseMimeType"] = config.response_mime_type
            generation["responseJsonSchema"] = config.response_json_schema
        wire = {
            "contents": [request["contents"].model_dump(exclude_none=True, by_alias=True)],
            "generationConfig": generation,
            "safetySettings": [
                setting.model_dump(mode="json", exclude_none=True) for setting in SAFETY
            ],
        }
        if prompt.system:
            wire["systemInstruction"] = {"parts": [{"text": prompt.system}]}
        return wire

    @contextmanager
    def _lost(self, cache: str) -> Iterator[None]:
        """A cache the server has forgotten: the call works without it."""
        try:
            yield
        except sdk.ClientError as error:
            if not cache or error.code not in (400, 403, 404):
                raise
            self._caches.forget(cache)
            lost = "gemini has lost its context cache; the next attempt goes without."
            raise TryLater(lost, delay=0.0, provider=self.name) from None

    @contextmanager
    def errors(self) -> Iterator[None]:
        """The SDK's errors as ours. The originals may hold the key, so they are not chained."""
        try:
            with connection_errors(self.name, self._key):
                yield
        except sdk.APIError as error:
            message = scrub(error.message or "", [self._key])
            headers = getattr(error.response, "headers", None)
            raise from_status(
                error.code, message, provider=self.name, body=error.details, headers=headers
            ) from None
        except sdk.UnknownApiResponseError as error:
            raise garbled(scrub(str(error), [self._key]), provider=self.name) from None
