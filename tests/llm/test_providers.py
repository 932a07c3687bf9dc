"""What providers send, what they make of an answer, and how they stream."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tasks.calls.errors import TryLater, Unreachable
from tasks.calls.progress import watching, writing
from tasks.calls.prompt import Prompt, Usage
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.ledger.prices import Prices
from tasks.llm.chain import chain, open_provider, providers
from tasks.llm.providers.claude import Claude
from tasks.llm.providers.openai_compatible import OpenAICompatible
from tasks.llm.providers.schema import flat_schema
from tasks.story.scene import SceneDraft
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer, error, response
from tests.emulators.http import Answer, HttpServer, Request, json_answer

PROMPT = Prompt(
    "scene", 1, "hash", text="Write.", shared="A world.", system="You write.", schema=SceneDraft
)
USAGE = {
    "promptTokenCount": 900,
    "cachedContentTokenCount": 400,
    "candidatesTokenCount": 50,
    "thoughtsTokenCount": 30,
    "totalTokenCount": 980,
}
SCENE = '{"title": "A scene"}'


class Recording(HttpServer):
    """Gives one answer, and keeps what it was asked."""

    def __init__(self, reply: Answer) -> None:
        super().__init__()
        self.reply = reply
        self.asked: list[Request] = []

    async def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.reply


def settings(**changes: Any) -> Settings:
    return Settings(**changes)


async def test_both_gemini_sdks_give_the_same_reply() -> None:
    body = response(SCENE, USAGE)
    rating = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}
    body["candidates"][0]["safetyRatings"] = [rating]
    replies = []
    with Recording(json_answer(body)) as server:
        for name in ("gemini", "gemini-legacy"):
            provider = open_provider(
                name,
                settings(gemini_api_key=CANARY, gemini_base_url=server.url),
            )
            replies.append(await provider.generate(PROMPT))
            await provider.close()
    new, old = replies
    assert new.text == old.text == SCENE
    assert new.usage == old.usage == Usage(900, 400, 30, 80)
    assert (new.finish_reason, new.model, new.provider) == ("STOP", "gemini-2.5-flash", "gemini")
    assert (old.finish_reason, old.model, old.provider) == ("STOP", "gemini-2.5-flash", "gemini")
    prices = Prices.read(settings())
    costs = {prices.cost(reply.provider, reply.model, reply.usage) for reply in replies}
    assert len(costs) == 1
    assert new.safety == old.safety == {"HARM_CATEGORY_HARASSMENT": "LOW"}


@pytest.mark.parametrize("name", ["gemini", "gemini-legacy"])
async def test_what_gemini_is_asked(name: str) -> None:
    with Recording(json_answer(response(SCENE, USAGE))) as server:
        provider = open_provider(
            name,
            settings(gemini_api_key=CANARY, gemini_base_url=server.url),
        )
        await provider.generate(PROMPT)
        await provider.close()
        (asked,) = server.asked
    body = asked.json()
    assert asked.path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert asked.headers["x-goog-api-key"] == CANARY
    assert CANARY not in asked.path + str(asked.query), "no key in what servers log"
    assert [part["text"] for part in body["contents"][0]["parts"]] == ["A world.", "Write."]
    assert body["systemInstruction"]["parts"][0]["text"] == "You write."
    config = body["generationConfig"]
    schema = config.get("responseJsonSchema") or config["responseSchema"]
    assert set(schema["properties"]) == set(SceneDraft.model_fields)
    assert config["maxOutputTokens"] == PROMPT.max_output_tokens
    assert len(body["safetySettings"]) == 4


async def test_a_thinking_budget_is_sent() -> None:
    with Recording(json_answer(response(SCENE, USAGE))) as server:
        provider = open_provider(
            "gemini",
            settings(gemini_api_key=CANARY, gemini_base_url=server.url, llm_thinking_budget=0),
        )
        await provider.generate(PROMPT)
        await provider.close()
        config = server.asked[0].json()["generationConfig"]
    assert list(config["thinkingConfig"].values()) == [0]


@pytest.mark.parametrize(
    ("budget", "room", "sent"),
    [
        (500, 8192, 1024),
        (8192, 8192, 8191),
        (2000, 1025, 1024),
        (2000, 1024, None),
        (0, 8192, None),
    ],
)
async def test_claude_thinks_less_than_it_may_answer(
    budget: int, room: int, sent: int | None
) -> None:
    provider = Claude(settings(anthropic_api_key=CANARY, llm_thinking_budget=budget))
    asked = provider.request(replace(PROMPT, max_output_tokens=room))
    await provider.close()
    assert asked.get("thinking", {}).get("budget_tokens") == sent


async def test_a_watched_answer_grows_and_is_the_same() -> None:
    grown: list[int] = []
    with GeminiServer() as server:
        provider = open_provider(
            "gemini", settings(gemini_api_key=CANARY, gemini_base_url=server.url)
        )
        with watching(lambda _, characters: grown.append(characters)), writing("scene 1"):
            watched = await provider.generate(PROMPT)
        await provider.close()
    assert len(grown) > 3
    assert grown == sorted(grown)
    assert grown[-1] == len(watched.text)
    assert SceneDraft.model_validate_json(watched.text)
    assert not watched.usage.estimated


async def test_claude_caches_what_a_story_shares() -> None:
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": SCENE}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 100,
            "cache_read_input_tokens": 400,
            "cache_creation_input_tokens": 25,
            "output_tokens": 80,
        },
    }
    with Recording(json_answer(message)) as server:
        provider = open_provider(
            "claude", settings(anthropic_api_key=CANARY, claude_base_url=server.url)
        )
        reply = await provider.generate(PROMPT)
        await provider.close()
        body = server.asked[0].json()
    assert body["system"][1]["cache_control"] == {"type": "ephemeral"}
    assert body["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert reply.text == SCENE
    assert reply.usage == Usage(
        tokens_in=525, tokens_cached=400, tokens_out=80, tokens_cache_written=25
    )
    # claude-haiku-4-5, USD per million: 1 in, 0.10 read and 1.25 written to the cache, 5 out.
    cost = Prices.read(settings()).cost("claude", reply.model, reply.usage)
    assert cost == Decimal("0.00057125")


async def test_an_openai_compatible_server_needs_no_key() -> None:
    body = {
        "id": "m",
        "object": "chat.completion",
        "created": 1,
        "model": "llama",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": SCENE},
            }
        ],
        "usage": {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100},
    }
    with Recording(json_answer(body)) as server:
        chosen = settings(openai_base_url=f"{server.url}/v1", openai_model="llama")
        (provider,) = providers(chosen)
        reply = await provider.generate(PROMPT)
        await provider.close()
        asked = server.asked[0].json()
    assert reply.text == SCENE
    assert reply.usage == Usage(tokens_in=90, tokens_out=10)
    assert asked["response_format"]["json_schema"]["name"] == "SceneDraft"


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("", "max_completion_tokens"),
        ("https://api.openai.com/v1/", "max_completion_tokens"),
        ("http://localhost:11434/v1", "max_tokens"),
    ],
)
async def test_the_room_for_an_answer_as_each_server_takes_it(url: str, field: str) -> None:
    provider = OpenAICompatible(
        settings(openai_api_key=CANARY, openai_base_url=url, openai_model="m")
    )
    asked = provider._request(PROMPT, provider._dialect)
    await provider.close()
    rooms = {name: value for name, value in asked.items() if name.startswith("max_")}
    assert rooms == {field: PROMPT.max_output_tokens}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["offline"]),
        ({"gemini_api_key": "k"}, ["gemini"]),
        ({"gemini_api_key": "k", "anthropic_api_key": "k"}, ["gemini", "claude"]),
        ({"gemini_api_key": "k", "use_real_llm": False}, ["offline"]),
        ({"gemini_api_key": "k", "llm_chain": "gemini, offline"}, ["gemini", "offline"]),
        ({"gemini_api_key": "k", "llm_chain": "offline"}, ["offline"]),
    ],
)
def test_the_chain(given: dict[str, Any], expected: list[str]) -> None:
    assert chain(settings(**given)) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"llm_chain": "gemini"}, "set GEMINI_API_KEY"),
        ({"llm_chain": "gpt"}, "LLM_CHAIN names gpt"),
        ({"use_real_llm": True}, "there is no key"),
        ({"use_real_llm": True, "llm_chain": "offline"}, "there is no key"),
    ],
)
def test_settings_that_do_not_fit(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        chain(settings(**given))


@pytest.mark.parametrize(
    ("module", "name", "extra", "env"),
    [
        ("anthropic", "claude", "anthropic", {"ANTHROPIC_API_KEY": CANARY}),
        ("openai", "openai", "openai", {"OPENAI_BASE_URL": "http://x", "OPENAI_MODEL": "m"}),
        (
            "google.generativeai",
            "gemini-legacy",
            "google-generativeai",
            {"GEMINI_API_KEY": CANARY},
        ),
    ],
)
def test_a_missing_sdk_says_which_extra_to_install(
    module: str, name: str, extra: str, env: dict[str, str]
) -> None:
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from tasks.llm.chain import open_provider\n"
        "from tasks.core.settings import Settings\n"
        f"open_provider({name!r}, Settings())"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, env=os.environ | env, capture_output=True, text=True)
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("tasks.core.errors.UserError")
    assert f"pip install 'talewright[{extra}]'" in last


def test_the_flat_schema_has_neither_references_nor_unions() -> None:
    text = json.dumps(flat_schema(SceneDraft))
    for word in ("$ref", "$defs", "anyOf", "oneOf", "discriminator", "maxLength", "const"):
        assert f'"{word}"' not in text
    assert flat_schema(SceneDraft) is flat_schema(SceneDraft), "computed once"


def test_keys_do_not_show() -> None:
    shown = settings(gemini_api_key=CANARY, anthropic_api_key=CANARY)
    assert CANARY not in f"{shown!r} {shown} {shown.model_dump_json()}"


LONG = replace(PROMPT, shared="The world is wide. " * 1000)


class Faulty(GeminiServer):
    """Gives `faults` to those who make a cache, one by one."""

    def __init__(self, *faults: Answer) -> None:
        super().__init__()
        self.faults = list(faults)

    def _cache(self, request: Request) -> Answer:
        return self.faults.pop(0) if self.faults else super()._cache(request)


@pytest.mark.parametrize(
    ("fault", "again"), [(error(503), True), (Answer(broken="reset"), True), (error(400), False)]
)
async def test_a_cache_is_made_later_unless_it_was_refused(fault: Answer, again: bool) -> None:
    with Faulty(fault) as server:
        provider = open_provider(
            "gemini", settings(gemini_api_key=CANARY, gemini_base_url=server.url)
        )
        for _ in range(8):
            with suppress(Unreachable):
                await provider.generate(LONG)
        await provider.close()
    assert server.faults == []
    assert len(server.cache_tokens) == again


async def test_a_cache_that_was_made_is_booked_when_the_call_fails() -> None:
    with GeminiServer() as server:
        provider = open_provider(
            "gemini", settings(gemini_api_key=CANARY, gemini_base_url=server.url)
        )
        for _ in range(2):
            await provider.generate(LONG)
        server.next(error(503))
        with pytest.raises(TryLater) as failed:
            await provider.generate(LONG)
        await provider.close()
    assert failed.value.usage == Usage(tokens_in=server.cache_tokens[0])


async def test_what_a_story_shares_is_cached_once_that_pays() -> None:
    with GeminiServer() as server:
        provider = open_provider(
            "gemini", settings(gemini_api_key=CANARY, gemini_base_url=server.url)
        )
        usages = [(await provider.generate(LONG)).usage for _ in range(5)]
        assert server.counts()["tokens_in"] == sum(usage.tokens_in for usage in usages)
        plain, made, cached = usages[0].tokens_in, usages[2].tokens_in, usages[4]
        assert [usage.tokens_cached > 0 for usage in usages] == [False, False, True, True, True]
        assert made > 1.9 * plain, "making the cache is billed too"
        assert cached.tokens_in - cached.tokens_cached < 0.01 * plain
        server.caches.clear()
        with pytest.raises(TryLater):
            await provider.generate(LONG)
        assert (await provider.generate(LONG)).usage.tokens_cached == 0
        await provider.close()
