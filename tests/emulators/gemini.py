"""A server of the Gemini wire protocol that writes scenes, enforces quotas, bills and breaks.

In a test: `with GeminiServer(latency=0.5, rpm=600) as server: ...`. For benches, in a process of
its own: `python -m tests.emulators.gemini --port 8001 --latency 0.5 --rpm 600`, whose `/calls`
answers with the counts. Errors have the bodies the real API sends.
"""

import argparse
import asyncio
import hashlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.emulators.answers import Cast, answer
from tests.emulators.http import Answer, HttpServer, Request, json_answer

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
TYPES = "type.googleapis.com/google.rpc."


def error(
    status: int,
    message: str = "",
    *,
    retry_delay: float | None = None,
    quota_id: str | None = None,
    reason: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An error as Google sends it; `retry_delay` in seconds goes into RetryInfo."""
    details: list[dict[str, Any]] = []
    if quota_id is not None:
        violation = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
            "quotaId": quota_id,
            "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
            "quotaValue": "10",
        }
        details.append({"@type": f"{TYPES}QuotaFailure", "violations": [violation]})
    if retry_delay is not None:
        details.append({"@type": f"{TYPES}RetryInfo", "retryDelay": f"{retry_delay:.3f}s"})
    if reason is not None:
        info = {"reason": reason, "domain": "googleapis.com"}
        details.append({"@type": f"{TYPES}ErrorInfo", **info})
    body = {
        "code": status,
        "message": message or f"emulated {status}",
        "status": STATUSES.get(status, "UNKNOWN"),
        "details": details,
    }
    return json_answer({"error": body}, status, headers)


@dataclass(frozen=True)
class Call:
    """One request for content as the server saw it, and the SHA-256 of the text it answered.
    Times in seconds of `time.monotonic`."""

    at: float
    model: str
    digest: str
    status: int
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_thinking: int = 0
    tokens_out: int = 0
    key: str = ""
    answer: str = ""


class GeminiServer(HttpServer):
    """Counts every call. Figures may be changed while it runs.

    `latency` in seconds, `rpm` requests a minute with a burst of `burst`, `rates` shares of
    requests that fail by status, `thinking` tokens an answer thinks, `size` bytes of prose, `pause`
    seconds between the parts of a stream.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        rpm: float | None = None,
        burst: int | None = None,
        rates: Mapping[int, float] | None = None,
        retry_delay: float = 1.0,
        size: int = 900,
        branches: int = 3,
        thinking: int = 0,
        pause: float = 0.0,
        cast: Cast | None = None,
    ) -> None:
        super().__init__(port=port)
        self.latency = latency
        self.rpm = rpm
        self.burst = burst or max(1, int((rpm or 0) / 10))
        self.rates = dict(rates or {})
        self.retry_delay = retry_delay
        self.size = size
        self.branches = branches
        self.thinking = thinking
        self.pause = pause
        self.cast = cast
        self.streamed = 0
        self.calls: list[Call] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.caches: dict[str, tuple[int, str]] = {}
        self.cache_tokens: list[int] = []
        self._makers: Counter[str] = Counter()
        self._script: list[Answer] = []
        self._tokens = float(self.burst)
        self._refilled = time.monotonic()
        self._rng = random.Random(1)

    def next(self, *answers: Answer) -> None:
        """Give these answers first, in order."""
        self._script.extend(answers)

    def counts(self) -> dict[str, Any]:
        """What was asked, answered, refused and billed so far."""
        answered = [call for call in self.calls if call.status == 200]
        return {
            "calls": len(self.calls),
            "answered": len(answered),
            "by_status": dict(Counter(str(call.status) for call in self.calls)),
            "requests_answered_twice": len(answered) - len({call.digest for call in answered}),
            "tokens_in": sum(call.tokens_in for call in answered) + sum(self.cache_tokens),
            "tokens_cached": sum(call.tokens_cached for call in answered),
            "tokens_out": sum(call.tokens_out + call.tokens_thinking for call in answered),
            "most_in_flight": self.most_in_flight,
        }

    async def answer(self, request: Request) -> Answer:
        if request.path == "/calls":
            return json_answer(self.counts() | {"log": [asdict(call) for call in self.calls]})
        if request.path.endswith("/cachedContents") and request.method == "POST":
            return self._cache(request)
        model = request.path.rsplit("/", 1)[-1].partition(":")[0]
        if request.method == "GET" and "/models/" in request.path:
            return json_answer({"name": f"models/{model}", "inputTokenLimit": 1_048_576})
        if request.method == "DELETE":
            self._forget(request.path.removeprefix("/v1beta/"))
            return json_answer({})
        return await self._generate(request, model)

    async def _generate(self, request: Request, model: str) -> Answer:
        key = request.headers.get("x-goog-api-key", request.query.get("key", ""))
        digest = hashlib.sha256(request.path.encode() + request.body).hexdigest()
        refusal = self._script.pop(0) if self._script else self._over_quota() or self._failure()
        if refusal is not None:
            status = 0 if refusal.broken else refusal.status
            self.calls.append(Call(time.monotonic(), model, digest, status, key=key))
            return refusal
        body = request.json()
        if body.get("cachedContent", "") not in {"", *self.caches}:
            return error(403, "CachedContent not found (or permission denied)")
        asked = time.monotonic()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.in_flight -= 1
        text = self.write(body, request.body)
        usage = self.usage(body, text)
        call = Call(
            asked,
            model,
            digest,
            200,
            tokens_in=usage["promptTokenCount"],
            tokens_cached=usage.get("cachedContentTokenCount", 0),
            tokens_thinking=usage.get("thoughtsTokenCount", 0),
            tokens_out=usage["candidatesTokenCount"],
            key=key,
            answer=hashlib.sha256(text.encode()).hexdigest(),
        )
        self.calls.append(call)
        if request.path.endswith(":streamGenerateContent"):
            headers = {"content-type": "text/event-stream"}
            self.streamed += 1
            return Answer(headers=headers, chunks=_events(text, usage, model, self.pause))
        return json_answer(response(text, usage, model))

    def write(self, body: Mapping[str, Any], raw: bytes) -> str:
        """The text of an answer: JSON if a schema was given, else a sentence."""
        config = body.get("generationConfig", {})
        schema = config.get("responseJsonSchema") or config.get("responseSchema")
        _, shared = self.caches.get(body.get("cachedContent", ""), (0, ""))
        prompt = f"{shared}\n{_texts(body)}"
        if schema is None:
            return "A quiet day, and nothing to add to it."
        cast = self.cast or find_cast(prompt)
        return answer(schema, raw, cast, self.size, find_branches(prompt, self.branches))

    def usage(self, body: Mapping[str, Any], text: str) -> dict[str, int]:
        cached, _ = self.caches.get(body.get("cachedContent", ""), (0, ""))
        counted = {
            "promptTokenCount": cached + len(_texts(body).encode()) // 4 + 1,
            "candidatesTokenCount": len(text.encode()) // 4 + 1,
        }
        if cached:
            counted["cachedContentTokenCount"] = cached
        if self.thinking:
            counted["thoughtsTokenCount"] = self.thinking
        counted["totalTokenCount"] = sum(counted.values()) - cached
        return counted

    def _over_quota(self) -> Answer | None:
        if self.rpm is None:
            return None
        now = time.monotonic()
        rate = self.rpm / 60
        self._tokens = min(self.burst, self._tokens + (now - self._refilled) * rate)
        self._refilled = now
        if self._tokens >= 1:
            self._tokens -= 1
            return None
        return error(
            429,
            "You exceeded your current quota.",
            retry_delay=(1 - self._tokens) / rate,
            quota_id="GenerateRequestsPerMinutePerProjectPerModel",
        )

    def _failure(self) -> Answer | None:
        draw = self._rng.random()
        for status, share in self.rates.items():
            if draw < share:
                delay = self.retry_delay if status == 429 else None
                return error(status, retry_delay=delay)
            draw -= share
        return None

    def _cache(self, request: Request) -> Answer:
        text = _texts(request.json())
        tokens = len(text.encode()) // 4 + 1
        name = f"cachedContents/{hashlib.sha256(request.body).hexdigest()[:16]}"
        self.caches[name] = (tokens, text)
        self._makers[name] += 1
        self.cache_tokens.append(2 * tokens)  # and as much for keeping it
        usage = {"totalTokenCount": tokens}
        return json_answer(
            {"name": name, "usageMetadata": usage, "expireTime": "2099-01-01T00:00:00Z"}
        )

    def _forget(self, name: str) -> None:
        """A cache is gone when all who made it have deleted it: equal ones have one name."""
        self._makers[name] -= 1
        if self._makers[name] <= 0:
            self.caches.pop(name, None)


def response(
    text: str | None,
    usage: Mapping[str, int] | None,
    model: str = "gemini-2.5-flash",
    finish: str | None = "STOP",
) -> dict[str, Any]:
    """A GenerateContentResponse; without a finish reason it is a part of a stream."""
    content = {"role": "model", "parts": [] if text is None else [{"text": text}]}
    candidate: dict[str, Any] = {"content": content, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    whole: dict[str, Any] = {"candidates": [candidate], "modelVersion": model}
    if usage is not None:
        whole["usageMetadata"] = dict(usage)
    return whole


def event(value: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


async def _events(
    text: str, usage: Mapping[str, int], model: str, pause: float
) -> AsyncIterator[bytes]:
    step = max(1, len(text) // 8)
    for start in range(0, len(text), step):
        last = start + step >= len(text)
        part = text[start : start + step]
        yield event(response(part, usage if last else None, model, "STOP" if last else None))
        await asyncio.sleep(pause)


def _texts(body: Mapping[str, Any]) -> str:
    contents = list(body.get("contents", []))
    system = body.get("systemInstruction") or body.get("system_instruction")
    parts: Iterable[Mapping[str, Any]] = (
        part
        for content in ([system] if system else []) + contents
        for part in content.get("parts", [])
    )
    return "\n".join(str(part.get("text", "")) for part in parts)


def find_cast(prompt: str) -> Cast:
    """Who the player follows in a prompt of Talewright's, and where the facts say they are."""
    lead = re.search(r"The player follows ([\w-]+)", prompt)
    if lead is None:
        return Cast()
    names = _listed("Characters", prompt)
    places = {name.casefold(): place for place, name in _listed("Places", prompt).items()}
    name = re.escape(names.get(lead[1], lead[1]))
    at = re.findall(rf"^{name} is at (?:the )?(.+)\.$", prompt, re.MULTILINE)
    here = places.get(at[-1].casefold()) if at else None
    return Cast(here or next(iter(places.values()), "here"), (lead[1],))


def _listed(head: str, prompt: str) -> dict[str, str]:
    """The names by id of a list such as `Places (id: name):`."""
    section = re.search(rf"^{head} \(id.*?\n\n", prompt, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^- ([\w-]+): ([^;(,.\n]+)", section[0], re.MULTILINE) if section else []
    return {ident: name.strip().removeprefix("the ") for ident, name in rows}


def find_branches(prompt: str, otherwise: int) -> int:
    """How many branches a prompt asks for."""
    if "This scene is an ending" in prompt:
        return 0
    found = re.search(r"(\d+) (?:more )?(?:branches|choices)", prompt)
    return int(found[1]) if found else otherwise


def _main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--latency", type=float, default=0.0)
    options.add_argument("--rpm", type=float)
    options.add_argument("--burst", type=int)
    options.add_argument("--size", type=int, default=900)
    options.add_argument("--branches", type=int, default=3)
    options.add_argument("--thinking", type=int, default=0)
    server = GeminiServer(**vars(options.parse_args()))
    server.start()
    print(server.url, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    _main()
