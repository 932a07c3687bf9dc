"""A small HTTP/1.1 server in a thread that can also do what no server should.

It serves from an event loop of its own, so that a test's loop stays free. `stop` drops every
connection at once, as a killed process would; `start` comes back on the same port.
"""

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from httptools import HttpParserError, HttpRequestParser

Break = Literal["reset", "hang", "cut"]
"""reset: TCP reset, no answer. hang: no answer and no end. cut: closed before the body is whole."""


@dataclass(frozen=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass
class Answer:
    """One answer. `chunks` are sent as they come, instead of `body`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: AsyncIterator[bytes] | None = None
    broken: Break | None = None


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status, body, {"content-type": "application/json", **(headers or {})})


class HttpServer:
    """Serves what `answer` gives, on 127.0.0.1."""

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.tls = tls
        self.connections: set[asyncio.Transport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the emulator did not start")

    def stop(self) -> None:
        """Stop listening and reset every connection."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        self._loop = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _run(self, ready: threading.Event) -> None:
        loop = self._loop = asyncio.new_event_loop()
        listener = loop.run_until_complete(
            loop.create_server(
                lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024, ssl=self.tls
            )
        )
        self.port = listener.sockets[0].getsockname()[1]
        loop.call_soon(ready.set)
        try:
            loop.run_forever()
        finally:
            listener.close()
            for transport in list(self.connections):
                _reset(transport)
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


def _reset(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Connection(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    transport: asyncio.Transport

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.task: asyncio.Task[None] | None = None
        self._fresh()

    def _fresh(self) -> None:
        self.parser = HttpRequestParser(self)
        self.target = b""
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self.transport)
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserError:  # such as a TLS handshake
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.headers.get("expect") == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        url = urlsplit(self.target.decode())
        request = Request(
            self.parser.get_method().decode(),
            url.path,
            dict(parse_qsl(url.query)),
            self.headers,
            b"".join(self.body),
        )
        self._fresh()
        self.task = asyncio.get_running_loop().create_task(self._answer(request))

    async def _answer(self, request: Request) -> None:
        answer = await self.server.answer(request)
        if answer.broken == "hang":
            await asyncio.sleep(3600)
        if answer.broken == "reset":
            return _reset(self.transport)
        head = {"content-length": str(len(answer.body)), **answer.headers}
        if answer.chunks is not None:
            head = {"transfer-encoding": "chunked", **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} -", *(f"{k}: {v}" for k, v in head.items()), "", ""]
        start = "\r\n".join(lines).encode("latin-1")
        if answer.chunks is None:
            body = answer.body[: len(answer.body) // 2] if answer.broken else answer.body
            self.transport.write(start + body)
        else:
            self.transport.write(start)
            async for chunk in answer.chunks:
                self.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                while self.transport.get_write_buffer_size() > 1024 * 1024:
                    await asyncio.sleep(0.005)
            if not answer.broken:
                self.transport.write(b"0\r\n\r\n")
        if answer.broken:
            self.transport.close()
        return None
