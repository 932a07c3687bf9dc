"""From what went over the wire to one family of errors; the table is in ERRORS.md."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tasks.calls.errors import (
    BadKey,
    BadRequest,
    CutShort,
    LLMError,
    Malformed,
    QuotaGone,
    RateLimited,
    Refused,
    TryLater,
    Unreachable,
)
from tasks.calls.prompt import Usage

REFUSALS = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "REFUSAL",
    "CONTENT_FILTER",
}
COMPLETE = {"STOP", "END_TURN", "STOP_SEQUENCE"}
CUT = {"MAX_TOKENS", "LENGTH", "CONTINUATION", "MODEL_CONTEXT_WINDOW_EXCEEDED"}
DAILY = re.compile(r"per[_ ]?day|insufficient_quota|credit balance|spend.?limit", re.IGNORECASE)
KEY = re.compile(r"API_KEY|api key", re.IGNORECASE)


def from_status(
    status: int,
    message: str,
    *,
    provider: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> LLMError:
    """The error for an HTTP answer. `message` is shown, so it must be scrubbed before."""
    error = _of_status(status, message, provider, body, headers or {})
    error.status = status
    return error


def _of_status(
    status: int, message: str, provider: str, body: object, headers: Mapping[str, str]
) -> LLMError:
    said = f"{provider} answered {status}: {message}"
    if status < 300:
        return garbled(f"status {status} without an answer", provider=provider)
    details = str(body)
    if status in (429, 402) and (status == 402 or DAILY.search(details)):
        return QuotaGone(f"{said} Wait for the next day or raise the quota.", provider=provider)
    if status == 429:
        return RateLimited(said, delay=retry_delay(body, headers), provider=provider)
    if status == 408 or status >= 500:
        return TryLater(said, delay=retry_delay(body, headers), provider=provider)
    if status in (401, 403) or (status == 400 and KEY.search(details)):
        return BadKey(f"{said} Check the key in the environment.", provider=provider)
    if status == 400 and DAILY.search(details):
        return QuotaGone(said, provider=provider)
    if status == 404:
        error = BadRequest(f"{said} Check the model's name and the base URL.", provider=provider)
        error.unknown = True
        return error
    return BadRequest(said, provider=provider)


def from_connection(reason: str, *, provider: str, sent: bool) -> Unreachable:
    """The error for a connection that failed; `sent`: the provider may have begun to answer."""
    error = Unreachable(f"{provider} could not be reached: {reason}", provider=provider)
    error.billed = sent
    return error


def untrusted(reason: str, *, provider: str) -> BadRequest:
    """The error for a server whose TLS certificate cannot be trusted: no retry helps."""
    return BadRequest(
        f"{provider} has no TLS certificate we can trust: {reason}. Check the base URL.",
        provider=provider,
    )


def server_message(body: object) -> str:
    """The server's own words, in whatever shape of JSON it has put them."""
    if isinstance(body, str):
        return "" if body.lstrip().startswith("<") else body
    if isinstance(body, list):
        return "; ".join(filter(None, map(server_message, body[:5])))
    if not isinstance(body, Mapping):
        return ""
    found = (server_message(body.get(name)) for name in WORDS)
    return next(filter(None, found), "")


WORDS = ("error", "message", "msg", "detail", "error_description", "errors", "title", "reason")
"""Where servers put what they have to say: OpenAI and its like in `error.message`, Ollama in
`error`, FastAPI in `detail` or `detail[].msg`."""


def check_finish(
    reason: str, text: str, usage: Usage, *, provider: str, explanation: str = ""
) -> None:
    """Raise unless the answer is complete. `reason` is the provider's, in any case.

    Raises Refused, CutShort, TryLater (an empty answer) or Malformed (an unknown reason).
    """
    reason = reason.upper()
    if reason in REFUSALS:
        why = f"{provider} refused to answer ({reason}). {explanation}".strip()
        raise Refused(why, provider=provider, usage=usage)
    if reason in CUT:
        raise CutShort(_cut(provider, text, usage), text=text, provider=provider, usage=usage)
    if reason not in COMPLETE:
        what = f"for an unknown reason, {reason}" if reason else "without a finish reason"
        unknown = Malformed(f"{provider} ended {what}.", text=text, provider=provider)
        unknown.usage = usage
        raise unknown
    if not text.strip():
        empty = TryLater(f"{provider} sent an empty answer.", provider=provider)
        empty.usage, empty.billed = usage, True
        raise empty


def broken_stream(provider: str) -> Unreachable:
    """The error for a stream that ended without a finish reason."""
    return from_connection("the stream broke off", provider=provider, sent=True)


def garbled(reason: str, *, provider: str) -> TryLater:
    """The error for something that is no answer of the API, such as a gateway's page."""
    error = TryLater(f"{provider} sent something else than its API does: {reason}")
    error.provider, error.billed = provider, True
    return error


def retry_delay(body: object, headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks to wait: the longer of RetryInfo and the headers' delay.

    `retry-after-ms` says the same as `Retry-After`, but is not rounded up.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    milliseconds = _seconds(lower.get("retry-after-ms"))
    header = _seconds(lower.get("retry-after")) if milliseconds is None else milliseconds / 1000
    return max((d for d in (_in_body(body), header) if d is not None), default=None)


def _in_body(body: object) -> float | None:
    error: Any = body.get("error", body) if isinstance(body, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, Mapping) and "retryDelay" in detail:
            return _seconds(str(detail["retryDelay"]).removesuffix("s"))
    return None


def _seconds(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:  # what the zone -0000 becomes
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _cut(provider: str, text: str, usage: Usage) -> str:
    if not text and usage.tokens_thinking:
        return (
            f"{provider} spent the whole output limit ({usage.tokens_out} tokens) on thinking. "
            "Raise LLM_MAX_OUTPUT_TOKENS or set LLM_THINKING_BUDGET."
        )
    return f"{provider}'s answer was cut at {usage.tokens_out} tokens. Raise LLM_MAX_OUTPUT_TOKENS."
