"""Gemini through google-genai."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from google import genai
from google.genai import errors as sdk
from google.genai import types

from tasks.calls.errors import BadKey, LLMError, Refused, TryLater
from tasks.calls.progress import watcher
from tasks.calls.prompt import Prompt, Reply, Usage
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.core.surrogates import without_surrogates
from tasks.ledger.prices import worst_usage
from tasks.llm.providers.classify import broken_stream, check_finish, from_status, garbled
from tasks.llm.providers.connections import connection_errors, pool
from tasks.llm.providers.context_cache import ContextCache
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


@dataclass
class _Answer:
    """What has come of an answer so far."""

    parts: list[str] = field(default_factory=list)
    finish: str = ""
    explanation: str = ""
    blocked: str = ""
    safety: dict[str, str] = field(default_factory=dict)
    usage: types.GenerateContentResponseUsageMetadata | None = None

    def add(self, response: types.GenerateContentResponse) -> None:
        """Take in a whole response or the next chunk of one."""
        self.usage = response.usage_metadata or self.usage
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            self.blocked = feedback.block_reason.value
            self.explanation = feedback.block_reason_message or ""
        if not response.candidates:
            return
        candidate = response.candidates[0]
        for part in (candidate.content and candidate.content.parts) or []:
            if part.text and not part.thought:
                self.parts.append(part.text)
        for rating in candidate.safety_ratings or []:
            if rating.category and rating.probability:
                self.safety[rating.category.value] = rating.probability.value
        if candidate.finish_reason is not None:
            self.finish = candidate.finish_reason.value
            self.explanation = candidate.finish_message or ""


class Gemini:
    """The default provider. One attempt a call: the SDK's own retries are off."""

    name = "gemini"

    def __init__(self, settings: Settings) -> None:
        """Raises BadKey without a key."""
        if settings.gemini_api_key is None:
            raise BadKey("No key for Gemini: set GEMINI_API_KEY.", provider=self.name)
        self.model = settings.gemini_model
        self._settings = settings
        self._key = settings.gemini_api_key
        self._http = pool(settings)
        self.client = genai.Client(
            vertexai=False,
            api_key=self._key.get_secret_value(),
            http_options=types.HttpOptions(
                base_url=settings.gemini_base_url or None,
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
        answer = _Answer()
        grown = watcher()
        made = 0
        try:
            with self.errors():
                async with asyncio.timeout(self._settings.llm_timeout):
                    cache, made = await self._caches.name(prompt)
                    request = self._request(prompt, cache)
                    with self._lost(cache):
                        if grown is None:
                            models = self.client.aio.models
                            answer.add(await models.generate_content(**request))
                        else:
                            await self._stream(request, answer, grown)
                return self._reply(answer, worst_usage(prompt), made, time.monotonic() - started)
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

    async def _stream(
        self, request: dict[str, Any], answer: _Answer, grown: Callable[[int], None]
    ) -> None:
        chunks = await self.client.aio.models.generate_content_stream(**request)
        async for chunk in chunks:
            answer.add(chunk)
            grown(sum(map(len, answer.parts)))
        if not answer.finish and not answer.blocked:
            raise broken_stream(self.name)

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

    def read(self, response: types.GenerateContentResponse, seconds: float) -> Reply:
        """The reply in a response that came by another way. Raises as `generate` does."""
        answer = _Answer()
        with self.errors():
            answer.add(response)
            return self._reply(answer, Usage(estimated=True), 0, seconds)

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

    def _reply(self, answer: _Answer, unknown: Usage, made: int, seconds: float) -> Reply:
        """`unknown` is assumed where no usage was reported; `made` tokens went into a cache."""
        text = without_surrogates("".join(answer.parts))
        usage = _usage(answer.usage) or unknown
        usage = replace(usage, tokens_in=usage.tokens_in + made)
        if answer.blocked:
            raise Refused(
                scrub(f"gemini blocked the prompt ({answer.blocked}). {answer.explanation}"),
                provider=self.name,
                usage=usage,
            )
        check_finish(
            answer.finish, text, usage, provider=self.name, explanation=scrub(answer.explanation)
        )
        return Reply(
            text=text,
            usage=usage,
            finish_reason=answer.finish,
            provider=self.name,
            model=self.model,
            seconds=seconds,
            safety=answer.safety,
        )

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


def _usage(reported: types.GenerateContentResponseUsageMetadata | None) -> Usage | None:
    """The tokens reported, if they were."""
    if reported is None or reported.prompt_token_count is None:
        return None
    thinking = reported.thoughts_token_count or 0
    out = (reported.candidates_token_count or 0) + thinking
    return Usage(
        tokens_in=reported.prompt_token_count,
        tokens_cached=reported.cached_content_token_count or 0,
        tokens_thinking=thinking,
        # Where a count is missing, the total has it.
        tokens_out=max(out, (reported.total_token_count or 0) - reported.prompt_token_count),
    )
