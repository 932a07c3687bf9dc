"""Answers of providers' APIs with something wrong in them, and runs that get them."""

import asyncio
import copy
import gzip
import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tasks.answers.ladder import ask, climb
from tasks.calls.errors import LLMError
from tasks.calls.progress import watching, writing
from tasks.calls.prompt import Prompt, Purpose, Usage
from tasks.core.settings import Settings
from tasks.llm.client import Client
from tasks.story.scene import SceneDraft
from tests.answers.malformed import good
from tests.emulators.http import Answer, HttpServer, Request

KINDS = ("gemini", "legacy", "claude", "openai")
TEXT = json.dumps(good(1))
PROMPT = "Write what happens on the quay. " * 20
IN, OUT = len(PROMPT) // 4, len(TEXT) // 4
"""Tokens that the server counts and bills for each answer, whatever it says."""

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, -(10**6), 0.5, IN + 0.5, 10**12, 10**30, 1e300, "", "many", str(IN), True, [], {}]
)
"""What may stand where a count belongs; none of it is a lower count that could be true."""

Event = dict[str, Any]


def events(kind: str, streamed: bool, text: str = TEXT) -> list[Event]:
    """A good answer as the API of `kind` sends it: one object, or those of a stream."""
    if kind == "openai":
        counts = {"prompt_tokens": IN, "completion_tokens": OUT, "total_tokens": IN + OUT}
        whole = {"id": "m", "created": 1, "model": "m"}
        if not streamed:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return [{**whole, "object": "chat.completion", "choices": [choice], "usage": counts}]
        part = {"index": 0, "delta": {"content": text}, "finish_reason": None}
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        chunk = {**whole, "object": "chat.completion.chunk"}
        return [{**chunk, "choices": [part]}, {**chunk, "choices": [last]},
                {**chunk, "choices": [], "usage": counts}]  # fmt: skip
    if kind == "claude":
        begin: Event = {"id": "m", "type": "message", "role": "assistant", "model": "claude"}
        usage = {"input_tokens": IN, "output_tokens": OUT}
        block = {"type": "text", "text": text}
        if not streamed:
            return [{**begin, "content": [block], "stop_reason": "end_turn", "usage": usage}]
        begun: Event = {
            **begin,
            "content": [],
            "stop_reason": None,
            "usage": usage | {"output_tokens": 1},
        }
        return [
            {"type": "message_start", "message": begun},
            {"type": "content_block_start", "index": 0, "content_block": block | {"text": ""}},
            {"type": "content_block_delta", "index": 0,
             "delta": {"type": "text_delta", "text": text}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
            {"type": "message_stop"},
        ]  # fmt: skip
    counts = {"promptTokenCount": IN, "candidatesTokenCount": OUT, "totalTokenCount": IN + OUT}
    content = {"role": "model", "parts": [{"text": text}]}
    candidate = {"content": content, "index": 0, "finishReason": "STOP"}
    return [{"candidates": [candidate], "usageMetadata": counts, "modelVersion": "gemini"}]


def wire(told: Sequence[Any], streamed: bool) -> bytes:
    """Events as they go over the wire."""
    if not streamed:
        return json.dumps(told[0]).encode()
    named = isinstance(told[0], dict) and "type" in told[0]
    head = [f"event: {one.get('type')}\n" if named else "" for one in told if isinstance(one, dict)]
    lines = (f"data: {json.dumps(one)}\n\n" for one in told)
    return "".join(map("".join, zip(head, lines, strict=False))).encode()


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for key, one in inner:
        found.append((*so_far, key))
        if isinstance(one, dict | list):
            found += paths(one, (*so_far, key))
    return found


@st.composite
def answers(draw: st.DrawFn, kind: str) -> Answer:
    """One answer of status 200 with something wrong in it."""
    streamed = kind != "legacy" and draw(st.booleans())
    told = copy.deepcopy(events(kind, streamed, draw(texts())))
    counts = [one for one in paths(told) if "oken" in str(one[-1])]
    for path in draw(st.lists(st.sampled_from(counts or paths(told)), max_size=4)):
        put(told, path, draw(ODD))
    for path in draw(st.lists(st.sampled_from(paths(told)), max_size=2)):
        put(told, path, draw(ODD))
    body = wire(told, streamed)
    headers = {"content-type": "text/event-stream" if streamed else "application/json"}
    match draw(st.sampled_from(["whole"] * 6 + ["cut", "page", "zipped", "not zipped", "bytes"])):
        case "cut":
            body = body[: draw(st.integers(0, len(body)))]
        case "page":
            body = b"<html>Sign in</html>"
        case "zipped":
            body, headers = gzip.compress(body), headers | {"content-encoding": "gzip"}
        case "not zipped":
            headers |= {"content-encoding": "gzip"}
        case "bytes":
            body = draw(st.binary(max_size=50)) + body
    return Answer(body=body, headers=headers)


def texts() -> st.SearchStrategy[str]:
    """What stands in an answer: mostly the scene that was asked for."""
    spoilt = [
        TEXT[:200],
        "[" * 3000,
        '{"a":' * 3000,
        "{" * 50_000,
        "",
        " ",
        "\ud83d",
        "\x00\\u0000",
    ]
    return st.one_of(st.just(TEXT), st.just(TEXT), st.sampled_from(spoilt), st.text(max_size=40))


def put(root: Any, path: Sequence[Any], value: Any) -> None:
    """Put a value where another stands, if it is still there."""
    with suppress(KeyError, IndexError, TypeError):
        for step in path[:-1]:
            root = root[step]
        root[path[-1]] = value


class Server(HttpServer):
    """Gives each prompt the first answer that is meant for it, then good ones; and bills."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.first: dict[str, Answer] = {}
        self.answered = 0

    async def answer(self, request: Request) -> Answer:
        self.answered += 1
        body = request.body.decode()
        streamed = "stream" in request.path or '"stream":true' in body.replace(" ", "")
        for mark in [one for one in self.first if one in body]:
            return self.first.pop(mark)
        headers = {"content-type": "text/event-stream" if streamed else "application/json"}
        return Answer(body=wire(events(self.kind, streamed), streamed), headers=headers)


@dataclass
class Outcome:
    """What came of some runs."""

    kept: int
    given_up: list[str]
    broken: list[str]
    booked: Decimal
    billed: Decimal
    in_flight: int


async def outcome(kind: str, spoilt: Sequence[Answer]) -> Outcome:
    """Runs of one scene each that get these answers first, at the same time."""
    with Server(kind) as server, tempfile.TemporaryDirectory() as home:
        async with Client.open(_settings(kind, server.url, home), run_id="run") as client:
            marks = [f"case-{n:05}." for n in range(len(spoilt))]
            server.first = dict(zip(marks, spoilt, strict=True))
            came = await asyncio.gather(
                *(_run(client, mark, one) for mark, one in zip(marks, spoilt, strict=True)),
                return_exceptions=True,
            )
            total = (await client.ledger.tally(run_id="run")).total
            writer = client.chain[0]
            price = client.prices.cost(writer.name, writer.model, Usage(IN, tokens_out=OUT))
    failed = [one for one in came if isinstance(one, BaseException)]
    return Outcome(
        kept=len(came) - len(failed),
        given_up=[repr(one) for one in failed if isinstance(one, LLMError)],
        broken=[repr(one) for one in failed if not isinstance(one, LLMError)],
        booked=total.cost_usd,
        billed=price * server.answered,
        in_flight=total.in_flight,
    )


async def _run(client: Client, mark: str, spoilt: Answer) -> None:
    prompt = Prompt("scene", 1, "hash", text=f"{mark} {PROMPT}", schema=SceneDraft, temperature=0.5)
    purpose = Purpose("run", "story", "1", "generate")
    if "event-stream" not in spoilt.headers["content-type"]:
        await climb(client, prompt, purpose, await ask(client, prompt, purpose), SceneDraft)
        return
    with watching(lambda name, length: None), writing("scene"):
        await climb(client, prompt, purpose, await ask(client, prompt, purpose), SceneDraft)


def _settings(kind: str, url: str, home: str) -> Settings:
    return Settings.model_validate(
        {
            "llm_chain": "gemini-legacy" if kind == "legacy" else kind,
            "gemini_api_key": "none",
            "anthropic_api_key": "none",
            "openai_api_key": "none",
            "openai_model": "gpt-4o-mini",
            "gemini_base_url": url,
            "claude_base_url": url,
            "openai_base_url": f"{url}/v1",
            "llm_deadline": 20.0,
            "talewright_home": Path(home),
        }
    )
