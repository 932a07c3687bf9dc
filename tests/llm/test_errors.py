"""What every way to fail becomes, by its form on the wire, for each SDK: tasks/llm/ERRORS.md."""

import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect.serializers import PickleSerializer

from tasks.calls.errors import (
    BadKey,
    BadRequest,
    CapReached,
    CutShort,
    LLMError,
    Malformed,
    QuotaGone,
    RateLimited,
    Refused,
    TryLater,
    Unreachable,
)
from tasks.calls.progress import watching, writing
from tasks.calls.prompt import Prompt, Provider, Usage
from tasks.core.errors import InputError
from tasks.core.settings import Settings
from tasks.llm.chain import open_provider
from tasks.llm.providers.classify import retry_delay
from tests.canary import CANARY, exception_texts, find_canary
from tests.emulators.gemini import error, event, response
from tests.emulators.http import Answer, HttpServer, Request, json_answer

USAGE = {"promptTokenCount": 90, "candidatesTokenCount": 10, "totalTokenCount": 100}


class Scripted(HttpServer):
    """Gives one answer to everything."""

    reply: Answer

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []

    async def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.reply


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server


def settings(url: str, **changes: Any) -> Settings:
    keys = {"gemini_api_key": CANARY, "anthropic_api_key": CANARY, "openai_api_key": CANARY}
    urls = {"gemini_base_url": url, "claude_base_url": url, "openai_base_url": f"{url}/v1"}
    rest: dict[str, Any] = {"openai_model": "m", "llm_timeout": 5.0}
    return Settings.model_validate(keys | urls | rest | changes)


def provider(kind: str, settings: Settings) -> Provider:
    """`legacy` is Gemini on google-generativeai."""
    names = {"legacy": "gemini-legacy", "claude": "claude", "openai": "openai"}
    return open_provider(names.get(kind, "gemini"), settings)


PROMPT = Prompt("scene", 1, "hash", text="Write.", shared="A world.", system="You write.")


async def failure(kind: str, settings: Settings) -> LLMError:
    """What one attempt raises; nothing it shows may hold the key."""
    writer = provider(kind, settings)
    try:
        with pytest.raises(LLMError) as caught:
            await writer.generate(PROMPT)
    finally:
        await writer.close()
    assert find_canary(exception_texts(caught.value)) == []
    return caught.value


@dataclass
class Case:
    answer: Answer
    expected: type[LLMError]
    delay: float | None = None
    billed: bool = False


def google(status: int, expected: type[LLMError], **details: Any) -> Case:
    delay = details.get("retry_delay")
    return Case(error(status, f"No, {CANARY}", **details), expected, delay)


PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"

GOOGLE = {
    "429 with RetryInfo": google(429, RateLimited, retry_delay=2.5, quota_id=PER_MINUTE),
    "429 with Retry-After": Case(error(429, headers={"Retry-After": "3"}), RateLimited, delay=3.0),
    "429 without a delay": google(429, RateLimited),
    "429 for the day": Case(error(429, retry_delay=9, quota_id=PER_DAY), QuotaGone),
    "500": google(500, TryLater),
    "502": google(502, TryLater),
    "503 overloaded": google(503, TryLater),
    "504": google(504, TryLater),
    "400 invalid key": google(400, BadKey, reason="API_KEY_INVALID"),
    "401": google(401, BadKey),
    "403": google(403, BadKey),
    "404 unknown model": google(404, BadRequest),
    "400 wrong parameter": google(400, BadRequest),
    "400 location": Case(error(400, "User location is not supported for the API use."), BadRequest),
    "prompt blocked": Case(
        json_answer({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}),
        Refused,
        billed=True,
    ),
    "no candidates": Case(json_answer({"usageMetadata": USAGE}), Malformed, billed=True),
    **{
        finish: Case(json_answer(response("x", USAGE, finish=finish)), expected, billed=True)
        for finish, expected in {
            "SAFETY": Refused,
            "RECITATION": Refused,
            "MAX_TOKENS": CutShort,
            "A_NEW_REASON": Malformed,
        }.items()
    },
    "no finish reason": Case(
        json_answer(response("x", USAGE, finish=None)), Malformed, billed=True
    ),
    "empty parts": Case(json_answer(response(None, USAGE)), TryLater, billed=True),
    "a gateway's page": Case(Answer(body=b"<html>Sign in</html>"), TryLater, billed=True),
    "502 with a page": Case(Answer(502, b"<html>Bad gateway</html>"), TryLater),
    "reset": Case(Answer(broken="reset"), Unreachable, billed=True),
    "cut off": Case(Answer(body=b"{}" * 50, broken="cut"), Unreachable, billed=True),
}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("-3", 0.0),
        ("inf", None),
        ("nan", None),
        ("soon", None),
    ],
)
def test_the_delay_in_retry_after(said: str, seconds: float | None) -> None:
    assert retry_delay(None, {"Retry-After": said}) == seconds


@pytest.mark.filterwarnings("ignore:A_NEW_REASON")
@pytest.mark.parametrize("kind", ["gemini", "legacy"])
@pytest.mark.parametrize("case", GOOGLE.values(), ids=GOOGLE)
async def test_gemini_failures(server: Scripted, kind: str, case: Case) -> None:
    server.reply = case.answer
    server.requests.clear()
    raised = await failure(kind, settings(server.url))
    assert type(raised) is case.expected
    assert getattr(raised, "delay", None) == case.delay
    assert raised.billed == case.billed
    assert raised.provider == "gemini"
    # google-auth, under google-generativeai, sends a request twice more after a 401.
    attempts = 3 if kind == "legacy" and case.answer.status == 401 else 1
    assert len(server.requests) == attempts, "no retries of the SDK"


def stainless(status: int, kind: str, **headers: str) -> Answer:
    """An error as Anthropic and OpenAI send it."""
    body = {"type": "error", "error": {"type": kind, "code": kind, "message": f"No, {CANARY}"}}
    return json_answer(body, status, {k.replace("_", "-"): v for k, v in headers.items()})


STAINLESS = {
    "429": Case(stainless(429, "rate_limit_error", retry_after="2"), RateLimited, delay=2.0),
    "429 in ms": Case(stainless(429, "rate_limit_error", retry_after_ms="250"), RateLimited, 0.25),
    "429 for good": Case(stainless(429, "insufficient_quota"), QuotaGone),
    "402": Case(stainless(402, "billing_error"), QuotaGone),
    "500": Case(stainless(500, "api_error"), TryLater),
    "503": Case(stainless(503, "api_error", retry_after="1"), TryLater, delay=1.0),
    "529 overloaded": Case(stainless(529, "overloaded_error"), TryLater),
    "401": Case(stainless(401, "authentication_error"), BadKey),
    "403": Case(stainless(403, "permission_error"), BadKey),
    "404": Case(stainless(404, "not_found_error"), BadRequest),
    "400": Case(stainless(400, "invalid_request_error"), BadRequest),
    "413": Case(stainless(413, "request_too_large"), BadRequest),
    "a gateway's page": Case(Answer(502, b"<html>Bad gateway</html>"), TryLater),
    "reset": Case(Answer(broken="reset"), Unreachable, billed=True),
}


@pytest.mark.parametrize("kind", ["claude", "openai"])
@pytest.mark.parametrize("case", STAINLESS.values(), ids=STAINLESS)
async def test_failures_of_claude_and_openai(server: Scripted, kind: str, case: Case) -> None:
    server.reply = case.answer
    server.requests.clear()
    raised = await failure(kind, settings(server.url))
    assert type(raised) is case.expected
    assert getattr(raised, "delay", None) == case.delay
    assert raised.billed == case.billed
    assert raised.provider == kind
    assert len(server.requests) == 1, "no retries of the SDK"


def claude_message(stop: str | None, text: str = "x") -> dict[str, Any]:
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": stop,
        "usage": {"input_tokens": 90, "output_tokens": 10},
    }


def openai_message(finish: str | None, text: str = "x") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "m",
        "object": "chat.completion",
        "model": "m",
        "created": 1,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100},
    }


FINISHES = {
    "claude refusal": ("claude", claude_message("refusal"), Refused),
    "claude max_tokens": ("claude", claude_message("max_tokens"), CutShort),
    "claude unknown": ("claude", claude_message("a_new_reason"), Malformed),
    "claude empty": ("claude", claude_message("end_turn", ""), TryLater),
    "openai content_filter": ("openai", openai_message("content_filter"), Refused),
    "openai length": ("openai", openai_message("length"), CutShort),
    "openai unknown": ("openai", openai_message("a_new_reason"), Malformed),
    "openai empty": ("openai", openai_message("stop", ""), TryLater),
    "openai no choices": ("openai", openai_message("stop") | {"choices": []}, Malformed),
}


@pytest.mark.parametrize(("kind", "body", "expected"), FINISHES.values(), ids=FINISHES)
async def test_finish_reasons_of_claude_and_openai(
    server: Scripted, kind: str, body: dict[str, Any], expected: type[LLMError]
) -> None:
    server.reply = json_answer(body)
    raised = await failure(kind, settings(server.url))
    assert type(raised) is expected
    assert raised.billed
    assert raised.usage is not None


KINDS = ["gemini", "legacy", "claude", "openai"]
FOREIGN = [Answer(body=b"<html>Sign in</html>", headers={"content-type": "text/html"}), Answer(204)]


def choices(**choice: Any) -> Answer:
    whole = {"index": 0, "finish_reason": "stop", **choice}
    return json_answer(openai_message("stop") | {"choices": [whole]})


NOTHING: list[Any] = [None, [], "hello"]
ODD = {
    "gemini": [],
    "legacy": [
        json_answer({"error": "Service Unavailable"}, 503),
        json_answer([{"error": {"code": 503}}], 503),
        json_answer("slow down", 429),
    ],
    "claude": [
        *map(json_answer, [*NOTHING, {}, {"error": {"message": "no"}}]),
    ],
    "openai": [
        *map(json_answer, NOTHING),
    ],
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_answer_of_the_api(server: Scripted, kind: str) -> None:
    for answer in [*FOREIGN, *ODD[kind]]:
        server.reply = answer
        raised = await failure(kind, settings(server.url))
        assert type(raised) is TryLater
        assert raised.billed


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("openai", openai_message("stop") | {"usage": {}}),
        ("openai", openai_message("stop") | {"usage": {"prompt_tokens": 5}}),
        ("claude", claude_message("end_turn") | {"usage": {"input_tokens": 5}}),
    ],
)
async def test_an_answer_whose_usage_is_incomplete_is_kept(
    server: Scripted, kind: str, body: dict[str, Any]
) -> None:
    server.reply = json_answer(body)
    writer = provider(kind, settings(server.url))
    reply = await writer.generate(PROMPT)
    await writer.close()
    assert reply.text == "x"
    assert reply.usage.estimated
    assert reply.usage.tokens_out == PROMPT.max_output_tokens


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_listens(kind: str) -> None:
    with Scripted() as gone:
        url = gone.url
    raised = await failure(kind, settings(url))
    assert type(raised) is Unreachable
    assert not raised.billed


@pytest.mark.parametrize("kind", KINDS)
async def test_no_such_host(kind: str) -> None:
    raised = await failure(kind, settings("http://no-such-host.invalid"))
    assert type(raised) is Unreachable
    assert not raised.billed


@pytest.mark.parametrize("kind", KINDS)
async def test_no_tls_where_it_is_asked_for(server: Scripted, kind: str) -> None:
    raised = await failure(kind, settings(server.url.replace("http", "https")))
    assert type(raised) is BadRequest


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_certificate_nobody_signed(kind: str, tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost"
    files = ["-keyout", str(pem), "-out", f"{pem}.crt"]
    subprocess.run([*make.split(), *files], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{pem}.crt", pem)
    server = Scripted()
    server.tls = tls
    with server:
        raised = await failure(kind, settings(server.url))
    assert type(raised) is BadRequest
    assert "certificate" in str(raised)
    assert server.requests == [], "nothing was sent to a server we do not know"


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_never_ends(server: Scripted, kind: str) -> None:
    server.reply = Answer(broken="hang")
    raised = await failure(kind, settings(server.url, llm_timeout=0.3))
    assert type(raised) is Unreachable
    assert raised.billed, "it may have answered after we stopped listening"


async def test_thinking_that_ate_the_whole_limit(server: Scripted) -> None:
    usage = {**USAGE, "candidatesTokenCount": 0, "thoughtsTokenCount": 8192}
    server.reply = json_answer(response(None, usage, finish="MAX_TOKENS"))
    raised = await failure("gemini", settings(server.url))
    assert type(raised) is CutShort
    assert "LLM_THINKING_BUDGET" in str(raised)


@pytest.mark.parametrize("kind", ["gemini", "legacy"])
async def test_missing_usage_is_billed_at_its_upper_bound(server: Scripted, kind: str) -> None:
    server.reply = json_answer(response("x", None))
    writer = provider(kind, settings(server.url))
    reply = await writer.generate(PROMPT)
    await writer.close()
    assert reply.usage.estimated
    assert reply.usage.tokens_in >= len("Write.A world.You write.")
    assert reply.usage.tokens_out == PROMPT.max_output_tokens


@pytest.mark.parametrize("kind", ["gemini", "legacy"])
async def test_output_that_only_the_total_counts_is_booked(server: Scripted, kind: str) -> None:
    server.reply = json_answer(response("x", {"promptTokenCount": 50, "totalTokenCount": 950}))
    writer = provider(kind, settings(server.url))
    reply = await writer.generate(PROMPT)
    await writer.close()
    assert (reply.usage.tokens_in, reply.usage.tokens_out) == (50, 900)


@pytest.mark.parametrize("kind", ["gemini", "claude", "openai"])
async def test_half_a_character_in_an_answer_is_replaced(server: Scripted, kind: str) -> None:
    message = {"role": "assistant", "content": "a \ud83d"}
    body = {
        "claude": claude_message("end_turn", "a \ud83d"),
        "openai": openai_message("stop")
        | {"choices": [{"message": message, "finish_reason": "stop"}]},
    }.get(kind, response("a \ud83d", USAGE))
    server.reply = Answer(
        body=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    writer = provider(kind, settings(server.url))
    reply = await writer.generate(PROMPT)
    await writer.close()
    assert reply.text == "a \ufffd"


def sse(*events: tuple[str, dict[str, Any]]) -> bytes:
    lines = (f"event: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in events)
    return "".join(lines).encode()


def unfinished(kind: str) -> bytes:
    """The beginning of a stream that ends without a finish reason."""
    if kind == "gemini":
        return event(response('{"title": "Half', None, finish=None))
    if kind == "openai":
        choice = {"index": 0, "delta": {"content": "Half"}, "finish_reason": None}
        chunk = {"id": "m", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n".encode()
    block = {"type": "text", "text": ""}
    delta = {"type": "text_delta", "text": "Half"}
    return sse(
        ("message_start", {"type": "message_start", "message": claude_message(None, "")}),
        (
            "content_block_start",
            {"type": "content_block_start", "index": 0, "content_block": block},
        ),
        ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}),
    )


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("broken", [None, "cut"], ids=["ends", "breaks off"])
@pytest.mark.parametrize("kind", ["gemini", "claude", "openai"])
async def test_a_stream_without_an_end(server: Scripted, kind: str, broken: Any) -> None:
    headers = {"content-type": "text/event-stream"}
    server.reply = Answer(headers=headers, chunks=chunks(unfinished(kind)), broken=broken)
    with watching(lambda name, characters: None), writing("scene 1"):
        raised = await failure(kind, settings(server.url))
    assert type(raised) is Unreachable
    assert raised.billed


async def test_openai_refuses_in_a_stream(server: Scripted) -> None:
    refusal = {"index": 0, "delta": {"refusal": "I cannot."}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = openai_message("stop")["usage"]
    told: list[Any] = [{"choices": [refusal]}, {"choices": [end]}, {"choices": [], "usage": usage}]
    stream = chunks(*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in told))
    server.reply = Answer(headers={"content-type": "text/event-stream"}, chunks=stream)
    with watching(lambda name, characters: None), writing("scene 1"):
        raised = await failure("openai", settings(server.url))
    assert type(raised) is Refused
    assert raised.usage == Usage(tokens_in=90, tokens_out=10)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("claude", b"<html>Sign in</html>\n\n"),
        ("openai", b'data: {"id": "m"}\n\n'),
        ("openai", b'data: {"choices": [{"index": 0, "finish_reason": "stop"}]}\n\n'),
    ],
    ids=["a page", "no choices", "no delta"],
)
async def test_a_stream_of_something_else(server: Scripted, kind: str, body: bytes) -> None:
    server.reply = Answer(headers={"content-type": "text/event-stream"}, chunks=chunks(body))
    with watching(lambda name, characters: None), writing("scene 1"):
        raised = await failure(kind, settings(server.url))
    assert raised.retry
    assert raised.billed


async def test_claude_overloaded_in_the_middle_of_a_stream(server: Scripted) -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    stream = chunks(unfinished("claude"), sse(("error", body)))
    server.reply = Answer(headers={"content-type": "text/event-stream"}, chunks=stream)
    with watching(lambda name, characters: None), writing("scene 1"):
        raised = await failure("claude", settings(server.url))
    assert type(raised) is TryLater


def test_every_error_that_is_retried_may_also_move_on() -> None:
    for cls in LLMError.__subclasses__():
        assert not cls.retry or cls.move_on


def test_every_error_comes_back_from_where_prefect_keeps_results() -> None:
    full = CapReached("full", cap_usd=Decimal("0.5"), spent_usd=Decimal("0.4"))
    wrong = InputError("no such place", file="world.yaml", line=3, field="places")
    cut = CutShort("cut", text="Once", provider="gemini", usage=Usage(tokens_out=3))
    others = [cls("text") for cls in (TryLater, RateLimited, QuotaGone, Refused, Malformed, BadKey)]
    serializer = PickleSerializer()
    for told in (full, wrong, cut, *others):
        kept = serializer.loads(serializer.dumps(told))
        assert (type(kept), str(kept), vars(kept)) == (type(told), str(told), vars(told))
