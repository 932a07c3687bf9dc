"""Gemini's context cache for what all calls of a story share.

Cached input costs a tenth, but making the cache costs as much as sending the text once, and keeping
it five minutes a third of that, with the cheapest models nearly as much again
(https://ai.google.dev/gemini-api/docs/pricing). Nobody knows how many calls will follow, so the
text is sent plain until that has cost as much as the cache: then the cache never costs more than
twice the best choice. The fee for keeping it is in no usage; it is booked as if the text were sent
once more, which is at least as much.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from google import genai
from google.genai import errors as sdk
from google.genai import types

from tasks.calls.prompt import Prompt

LEAST_BYTES = 16_384
"""About 4,096 tokens, the largest minimum of the current models; less is refused."""

PLAIN_SENDS = 2
"""Making the cache and keeping it costs less than two plain sends."""

SECONDS = 300
"""How long a cache is kept; it is made again if calls still come."""

MARGIN = 30
"""Seconds before its end in which a cache is no longer used."""


@dataclass
class _Entry:
    """`closed`: not to be made, for now or, when the server refused it, for good."""

    sends: int = 0
    name: str = ""
    until: float = 0.0
    closed: bool = False


class ContextCache:
    """The caches of one client, by the text they hold."""

    def __init__(self, client: genai.Client, model: str) -> None:
        self._client = client
        self._model = model
        self._entries: dict[tuple[str, str], _Entry] = {}

    async def name(self, prompt: Prompt) -> tuple[str, int]:
        """The cache to use for a prompt, or '', and the tokens that making and keeping it cost."""
        if len(prompt.shared.encode()) + len(prompt.system.encode()) < LEAST_BYTES:
            return "", 0
        entry = self._entries.setdefault((prompt.system, prompt.shared), _Entry())
        now = time.monotonic()
        if entry.name and now < entry.until:
            return entry.name, 0
        entry.sends += 1
        if entry.closed or entry.sends <= PLAIN_SENDS:
            return "", 0
        entry.closed, refused = True, False  # others send plain meanwhile
        try:
            made = await self._make(prompt)
        except sdk.APIError as error:
            refused = error.code < 500 and error.code != HTTPStatus.TOO_MANY_REQUESTS
            return "", 0
        finally:
            entry.closed, entry.sends = refused, 0
        if made.name is None:
            return "", 0
        entry.name, entry.until = made.name, now + SECONDS - MARGIN
        counted = (made.usage_metadata and made.usage_metadata.total_token_count) or 0
        most = len(prompt.shared.encode()) + len(
            prompt.system.encode()
        )  # a token is a byte or more
        return made.name, 2 * (counted if 0 < counted <= most else most)

    def forget(self, name: str) -> None:
        """A cache the server no longer has."""
        for entry in self._entries.values():
            if entry.name == name:
                entry.name = ""

    async def close(self) -> None:
        """Delete what is left, so that keeping it costs no more."""
        for entry in self._entries.values():
            if entry.name and time.monotonic() < entry.until:
                with suppress(Exception):  # it ends by itself within minutes
                    await self._client.aio.caches.delete(name=entry.name)

    async def _make(self, prompt: Prompt) -> types.CachedContent:
        content = types.Content(role="user", parts=[types.Part(text=prompt.shared)])
        config = types.CreateCachedContentConfig(
            contents=[content], system_instruction=prompt.system or None, ttl=f"{SECONDS}s"
        )
        return await self._client.aio.caches.create(model=self._model, config=config)
