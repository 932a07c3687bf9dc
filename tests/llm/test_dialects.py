"""Servers of the OpenAI protocol as they are: what they refuse is left out, and wherever they put
an answer it is found. Each case is a form that was seen on the wire."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tasks.answers.json import parse
from tasks.calls.errors import CutShort, LLMError, Malformed, RateLimited
from tasks.calls.progress import watching, writing
from tasks.calls.prompt import Prompt, Reply
from tasks.core.settings import Settings
from tasks.llm.providers.openai_compatible import OpenAICompatible
from tests.emulators.http import Answer, HttpServer, Request, json_answer


class Scene(BaseModel):
    title: str
    text: str


TEXT = '{"title": "The quay", "text": "Rain."}'
DRAFT = '{"title": "A draft", "text": "No."}'
PROMPT = Prompt("scene", 1, "hash", text="Write.", system="You write.", schema=Scene, temperature=0)
USAGE = {"prompt_tokens": 9, "completion_tokens": 11, "total_tokens": 20}
Refusal = Callable[[dict[str, Any]], Answer | None]


def whole(finish: str | None = "stop", usage: Any = USAGE, **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": TEXT} | message
    choice = {"index": 0, "message": said, "finish_reason": finish}
    return {"id": "m", "object": "chat.completion", "choices": [choice], "usage": usage}


class Local(HttpServer):
    """A server that refuses what `refusal` does, and answers the rest."""

    def __init__(self, refusal: Refusal = lambda body: None, reply: Any = None) -> None:
        super().__init__()
        self.refusal = refusal
        self.reply = whole() if reply is None else reply
        self.asked: list[dict[str, Any]] = []

    async def answer(self, request: Request) -> Answer:
        body = request.json()
        self.asked.append(body)
        return self.refusal(body) or json_answer(self.reply)


async def ask(server: Local, home: Path, **more: Any) -> Reply:
    settings = Settings(
        openai_base_url=f"{server.url}/v1", openai_model="m", talewright_home=home, **more
    )
    provider = OpenAICompatible(settings)
    try:
        return await provider.generate(PROMPT)
    finally:
        await provider.close()


def error(status: int, message: Any, **more: Any) -> Answer:
    return json_answer({"error": {"message": message, **more}}, status)


def only_warmth_of_one(body: dict[str, Any]) -> Answer | None:
    said = "Unsupported value: 'temperature' does not support 0 with this model. Only the default"
    code = {"param": "temperature", "code": "unsupported_value"}
    return error(400, said, **code) if body.get("temperature", 1) != 1 else None


def no_max_tokens(body: dict[str, Any]) -> Answer | None:
    said = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens'."
    return error(400, said) if "max_tokens" in body else None


def no_schema(body: dict[str, Any]) -> Answer | None:
    """As llama-cpp-python's server."""
    kind = body.get("response_format", {}).get("type")
    said = "Invalid response_format: Input should be 'text' or 'json_object'"
    return error(500, said, type="internal_server_error") if kind == "json_schema" else None


def no_formats(body: dict[str, Any]) -> Answer | None:
    said = [{"type": "extra_forbidden", "loc": ["body", "response_format"],
             "msg": "response_format is not known here"}]  # fmt: skip
    return json_answer({"detail": said}, 422) if "response_format" in body else None


def no_system(body: dict[str, Any]) -> Answer | None:
    roles = [message["role"] for message in body["messages"]]
    return json_answer({"error": "System role not supported"}, 400) if "system" in roles else None


def no_seed(body: dict[str, Any]) -> Answer | None:
    return error(422, "Extra inputs are not permitted: seed") if "seed" in body else None


REFUSALS = {
    "temperature": (only_warmth_of_one, 1),
    "max_tokens": (no_max_tokens, 1),
    "json_schema": (no_schema, 1),
    "response_format": (no_formats, 3),
    "system": (no_system, 1),
    "seed": (no_seed, 1),
}


@pytest.mark.parametrize(("refusal", "refused"), REFUSALS.values(), ids=REFUSALS)
async def test_what_a_server_refuses_is_left_out_from_then_on(
    tmp_path: Path, refusal: Refusal, refused: int
) -> None:
    with Local(refusal) as server:
        for _ in range(2):  # by another process, too
            assert (await ask(server, tmp_path)).text == TEXT
    assert len(server.asked) == refused + 2, "it is learnt once"
    last = server.asked[-1]
    told = json.dumps(last["messages"])
    assert "You write." in told
    if "response_format" not in last:
        assert "JSON schema" in told


async def test_a_refusal_that_names_nothing_we_sent_is_shown_in_the_servers_words(
    tmp_path: Path,
) -> None:
    for body in (
        {"error": {"message": "context length is 2048"}},
        {"error": "context length is 2048"},
        {"message": "context length is 2048"},
        {"detail": [{"msg": "context length is 2048"}]},
        {"errors": [{"reason": "context length is 2048"}]},
        "context length is 2048",
    ):
        with Local(lambda _, body=body: json_answer(body, 400)) as server:  # type: ignore[misc]
            with pytest.raises(LLMError, match="context length is 2048"):
                await ask(server, tmp_path)
            assert len(server.asked) == 1


TEXTS: dict[str, dict[str, Any]] = {
    "a list of parts": whole(content=[{"type": "text", "text": TEXT}]),
    "parts with values": whole(content=[{"type": "text", "text": {"value": TEXT}}]),
    "reasoning_content": whole(content="", reasoning_content=f"Let me think.\n{TEXT}"),
    "reasoning": whole(content=None, reasoning=TEXT),
    "a tool call": whole(
        "tool_calls", content=None, tool_calls=[{"function": {"name": "x", "arguments": TEXT}}]
    ),
    "no finish reason": whole(None),
    "an empty finish reason": whole(""),
    "eos": whole("eos"),
    "a number": whole(0),  # type: ignore[arg-type]
    "a text completion": {"choices": [{"text": TEXT, "finish_reason": "stop"}], "usage": USAGE},
    "thoughts with a draft": whole(
        content='<think>{"title": "A draft", "text": "No."}</think>' + TEXT
    ),
    "thoughts without a beginning": whole(
        content='{"title": "Or", "text": "no"}?\n</think>\n' + TEXT
    ),
}


@pytest.mark.parametrize("body", TEXTS.values(), ids=TEXTS)
async def test_an_answer_is_found_wherever_it_is(tmp_path: Path, body: dict[str, Any]) -> None:
    with Local(reply=body) as server:
        reply = await ask(server, tmp_path)
    assert parse(reply.text, Scene).value == Scene(title="The quay", text="Rain.")
    assert (reply.usage.tokens_in, reply.usage.tokens_out) == (9, 11)
    assert len(server.asked) == 1


@pytest.mark.parametrize("finish", ["", None, "eos", "odd"])
async def test_half_an_answer_with_an_odd_end_is_not_taken(
    tmp_path: Path, finish: str | None
) -> None:
    half = Local(reply=whole(finish, content=TEXT[:20]))
    with half as server, pytest.raises((Malformed, CutShort)):
        await ask(server, tmp_path)


COUNTS: dict[str, tuple[Any, tuple[int, int] | None]] = {
    "missing": (None, None),
    "fractions": ({"prompt_tokens": 8.5, "completion_tokens": 10.2}, (9, 11)),
    "strings": ({"prompt_tokens": "9", "completion_tokens": "11"}, (9, 11)),
    "reasoning only in the total": (USAGE | {"total_tokens": 50}, (9, 41)),
}


@pytest.mark.parametrize(("usage", "counted"), COUNTS.values(), ids=COUNTS)
async def test_usage_as_servers_send_it(
    tmp_path: Path, usage: Any, counted: tuple[int, int] | None
) -> None:
    with Local(reply=whole(usage=usage)) as server:
        reply = await ask(server, tmp_path)
    if counted is None:
        assert reply.usage.estimated
    else:
        assert (reply.usage.tokens_in, reply.usage.tokens_out) == counted


async def test_what_openrouter_says_it_takes_is_the_cost(tmp_path: Path) -> None:
    with Local(reply=whole(usage=USAGE | {"cost": 0.00042})) as server:
        reply = await ask(server, tmp_path)
    assert reply.usage.cost_usd == Decimal("0.00042")


async def test_an_error_with_status_200_is_one(tmp_path: Path) -> None:
    body = {"error": {"message": "upstream is busy", "code": 429}}
    with Local(reply=body) as server, pytest.raises(RateLimited, match="upstream is busy"):
        await ask(server, tmp_path)


async def test_a_stream_without_usage_and_with_an_odd_end(tmp_path: Path) -> None:
    class Streaming(Local):
        async def answer(self, request: Request) -> Answer:
            self.asked.append(request.json())
            if "stream_options" in request.json():
                return error(400, "Unrecognized request argument: stream_options")
            parts = [{"content": TEXT[:9]}, {"content": TEXT[9:]}, {}]
            told = [{"choices": [{"index": 0, "delta": one}]} for one in parts]
            lines = "".join(f"data: {json.dumps(one)}\n\n" for one in told)
            return Answer(
                body=(lines + "data: [DONE]\n\n").encode(),
                headers={"content-type": "text/event-stream"},
            )

    lengths: list[int] = []
    with Streaming() as server, watching(lambda _, n: lengths.append(n)), writing("scene 1"):
        reply = await ask(server, tmp_path)
    assert reply.text == TEXT
    assert reply.usage.estimated
    assert lengths[-1] == len(TEXT)
    assert len(server.asked) == 2
