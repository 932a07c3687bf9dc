"""What comes over the wire for one call, bounded and kept: an answer is read from it.

The SDKs refuse a whole answer for one odd field (a fraction in its usage, JSON nested too deep in
its text), when it is paid already. So they send, and their models of answers are not used where
the answer itself is at hand.
"""

import json
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx2

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of one answer, after decompression. The longest answer of 65,536 tokens has about 1 MB of
text, and a stream sends some 100 bytes beside each token."""

STEP = 64 * 1024
"""Bytes that are decompressed at once."""


class TooLong(ValueError):
    """An answer has more than MOST_BYTES."""


@dataclass
class Received:
    """The answer of one call so far. `whole`: all of it is there."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False

    @property
    def answered(self) -> bool:
        """Whether the server has begun to answer, and not with an error: this may be billed."""
        return 200 <= self.status < 300 and bool(self.body)

    @property
    def text(self) -> str:
        """The answer as it came."""
        return self.body.decode("utf-8", "replace")

    def begin(self, status: int) -> None:
        """Another answer: the one before was of another request."""
        self.status, self.body, self.whole = status, bytearray(), False

    def add(self, chunk: bytes) -> None:
        """Take in more of it. Raises TooLong."""
        self.body += chunk
        if len(self.body) > MOST_BYTES:
            raise TooLong(f"an answer of more than {MOST_BYTES >> 20} MiB")

    def events(self) -> list[Mapping[str, Any]]:
        """The objects in it: one, or those of a stream. Raises ValueError and RecursionError."""
        text = self.text
        if not text.lstrip().startswith(("data:", "event:", ":")):
            value = json.loads(text)
            return [one for one in (value if isinstance(value, list) else [value]) if _is(one)]
        lines = (line.removeprefix("data:").strip() for line in text.splitlines())
        return [one for one in map(_event, lines) if _is(one)]


_received: ContextVar[Received | None] = ContextVar("received", default=None)


@contextmanager
def receiving() -> Iterator[Received]:
    """Within it, answers are kept; those of further requests in place of the first."""
    got = Received()
    token = _received.set(got)
    try:
        yield got
    finally:
        _received.reset(token)


def received() -> Received | None:
    """The answer of the call that is under way here."""
    return _received.get()


async def bound(response: httpx2.Response) -> None:
    """Bound the body of a response, and keep it: a hook of an HTTP client. What comes outside of
    `receiving`, such as the results of a batch job, may be long."""
    got = _received.get()
    if got is None:
        return
    got.begin(response.status_code)
    encoding = response.headers.pop("content-encoding", "identity").strip().lower()
    stream = response.stream
    if isinstance(stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(stream, encoding, got)


class _Bounded(httpx2.AsyncByteStream):
    """A body, decompressed step by step."""

    def __init__(self, stream: httpx2.AsyncByteStream, encoding: str, got: Received) -> None:
        self._stream, self._encoding, self._got = stream, encoding, got

    async def __aiter__(self) -> AsyncIterator[bytes]:
        plain = decompressed(self._stream, self._encoding)
        async for chunk in plain:
            self._got.add(chunk)
            yield chunk
        self._got.whole = True

    async def aclose(self) -> None:
        """Close the connection, or give it back."""
        await self._stream.aclose()


async def decompressed(stream: AsyncIterator[bytes] | Any, encoding: str) -> AsyncIterator[bytes]:
    """The bytes of a body in steps of a bounded size. Raises ValueError for an encoding that was
    not asked for or is broken."""
    if encoding in ("", "identity"):
        async for chunk in stream:
            yield chunk
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"an encoding that was not asked for: {encoding[:20]!r}")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, as the bytes say
    try:
        async for chunk in stream:
            while chunk:
                yield inflate.decompress(chunk, STEP)
                chunk = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error as error:
        raise ValueError(f"a broken {encoding} body: {error}") from None


def _event(line: str) -> Any:
    """The JSON of a line of a stream; None for what is none, such as `event: ...` and `[DONE]`."""
    return json.loads(line) if line.startswith(("{", "[")) and line != "[DONE]" else None


def _is(value: object) -> bool:
    return isinstance(value, Mapping)


@contextmanager
def whole(got: Received) -> Iterator[None]:
    """Within it, an SDK may stumble over an answer that is all there: it is read without it."""
    try:
        yield
    except Exception:
        if not (got.whole and got.answered):
            raise
