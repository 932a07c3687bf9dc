"""E2B over HTTP: control plane and commands, with the code run for real inside bubblewrap.

Point the official SDK at it with `api_url` and `sandbox_url`, or Talewright with `settings`. For
benches, in a process of its own: `python -m tests.emulators.e2b --rate 0.3`, whose `/counts`
answers with the counts.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import random
import signal
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs

from tasks.sandbox import probe
from tasks.sandbox.box import bare
from tasks.sandbox.box import box as boxed
from tests.emulators.http import Answer, HttpServer, Request, json_answer

KEY = "e2b_" + "0" * 40
Fault = Literal[
    "429",
    "500",
    "503",
    "404",
    "401",
    "slow",
    "reset",
    "page",
    "empty",
    "list",
    "null",
    "dies",
    "cut",
]
STRANGE: dict[Fault, tuple[int, bytes]] = {
    "page": (200, b"<html>Sign in</html>"),
    "empty": (201, b"{}"),
    "list": (201, b'["sandbox"]'),
    "null": (200, b"null"),
}
"""Creates that something else answers."""

PASSING: tuple[Fault, ...] = ("429", "500", "503", "slow", "reset", "dies", "cut")
"""What does not happen again for ever; the last two befall a command, the others a create."""


@dataclass
class Running:
    """One sandbox and the processes in it."""

    id: str
    template: str
    metadata: dict[str, str]
    ends: float
    started: float = field(default_factory=time.time)
    processes: set[asyncio.subprocess.Process] = field(default_factory=set)

    def kill(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def row(self) -> dict[str, Any]:
        return {
            "sandboxID": self.id,
            "templateID": self.template,
            "clientID": "emulator",
            "startedAt": datetime.fromtimestamp(self.started, UTC).isoformat(),
            "endAt": datetime.fromtimestamp(self.ends, UTC).isoformat(),
            "cpuCount": 2,
            "memoryMB": 2048,
            "diskSizeMB": 1024,
            "metadata": self.metadata,
            "state": "running",
            "envdVersion": "0.5.2",
        }


class E2BEmulator(HttpServer):
    """`faults` are used up one by one: on the next create, or (dies, cut) the next command.

    When there are none, `rate` is the share of creates and of commands that meet a passing one.
    """

    def __init__(self, *, port: int = 0, at_once: int = 20, rate: float = 0.0) -> None:
        super().__init__(port=port)
        self.at_once = at_once
        self.rate = rate
        self.faults: deque[Fault] = deque()
        self._rng = random.Random(1)
        self.running: dict[str, Running] = {}
        self.by_key: dict[str, str] = {}
        self.bodies: list[dict[str, Any]] = []
        self.refused = 0
        self.most = 0

    def settings(self) -> dict[str, Any]:
        """Settings that lead here."""
        return {"e2b_api_key": KEY, "e2b_api_url": self.url, "e2b_sandbox_url": self.url}

    def counts(self) -> dict[str, int]:
        """Sandboxes asked for, refused, at most at once, and running now."""
        return {
            "asked": len(self.bodies),
            "refused": self.refused,
            "most": self.most,
            "running": len(self.running),
        }

    def _fault(self, kinds: Sequence[Fault]) -> Fault | None:
        if self.faults:
            return self.faults.popleft() if self.faults[0] in kinds else None
        drawn = self._rng.random() < self.rate
        return self._rng.choice([kind for kind in kinds if kind in PASSING]) if drawn else None

    async def answer(self, request: Request) -> Answer:
        if request.path == "/counts":
            return json_answer(self.counts())
        for old in [old for old in self.running.values() if old.ends < time.time()]:
            self._end(old)
        if request.path in ("/process.Process/Start", "/health"):
            return self._inside(request)
        if request.headers.get("x-api-key") != KEY:
            return _error(401, "invalid API key")
        parts = request.path.strip("/").removeprefix("v2/").split("/")
        if parts == ["sandboxes"]:
            return await self._create(request) if request.method == "POST" else self._list(request)
        box = self.running.get(parts[1]) if len(parts) > 1 else None
        if box is None:
            return _error(404, "sandbox not found")
        if request.method == "DELETE":
            self._end(box)
            return Answer(204)
        if parts[2:] == ["timeout"]:
            box.ends = time.time() + request.json()["timeout"]
            return Answer(204)
        return json_answer(box.row())

    def _end(self, box: Running) -> None:
        self.running.pop(box.id, None)
        box.kill()

    async def _create(self, request: Request) -> Answer:
        body = request.json()
        self.bodies.append(body)
        fault = self._fault(("429", "500", "503", "404", "401", "slow", "reset", *STRANGE))
        if fault in STRANGE:
            status, said = STRANGE[fault]
            kind = "text/html" if fault == "page" else "application/json"
            return Answer(status, said, {"content-type": kind})
        if fault == "401":
            return _error(401, "invalid API key")
        if fault == "404":
            return _error(404, f"template '{body['templateID']}' not found")
        if fault in ("500", "503"):
            return _error(int(fault), "no capacity")
        if fault == "slow":
            await asyncio.sleep(1)
        key = request.headers.get("idempotency-key", "")
        box = self.running.get(self.by_key.get(key, ""))
        if box is None and (fault == "429" or len(self.running) >= self.at_once):
            self.refused += 1
            return _error(429, "the maximum of concurrent sandboxes is reached")
        if box is None:
            name = f"sbx{len(self.bodies):05d}"
            box = Running(
                name, body["templateID"], body.get("metadata", {}), time.time() + body["timeout"]
            )
            self.running[name] = box
            self.by_key[key] = name
            self.most = max(self.most, len(self.running))
        if fault == "reset":
            return Answer(broken="reset")
        made = {k: box.row()[k] for k in ("sandboxID", "templateID", "clientID", "envdVersion")}
        more = {"envdAccessToken": "token", "trafficAccessToken": None, "domain": None}
        return json_answer(made | more, 201)

    def _list(self, request: Request) -> Answer:
        wanted = {k: v[0] for k, v in parse_qs(request.query.get("metadata", "")).items()}
        found = [box for box in self.running.values() if wanted.items() <= box.metadata.items()]
        return json_answer([box.row() for box in found])

    def _inside(self, request: Request) -> Answer:
        box = self.running.get(request.headers.get("e2b-sandbox-id", ""))
        if box is None:
            gone = {"sandboxId": "", "message": "The sandbox was not found", "code": 502}
            return json_answer(gone, 502)
        if request.path == "/health":
            return Answer(204)
        fault = self._fault(("dies", "cut"))
        if fault == "dies":
            self._end(box)
        asked = json.loads(request.body[5:])["process"]
        chunks = self._process([asked["cmd"], *asked["args"]], box, cut=fault is not None)
        head = {"content-type": "application/connect+json"}
        return Answer(200, b"", head, chunks, "cut" if fault else None)

    async def _process(
        self, command: list[str], box: Running, *, cut: bool
    ) -> AsyncIterator[bytes]:
        process = await asyncio.create_subprocess_exec(
            *boxed(probe.python()),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            **bare(),
        )
        box.processes.add(process)
        try:
            yield _event({"start": {"pid": process.pid}})
            if cut:
                return
            queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(8)
            readers = [
                asyncio.ensure_future(_read(stream, name, queue))
                for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
            ]
            left = len(readers)
            while left:
                name, data = await queue.get()
                if data:
                    yield _event({"data": {name: base64.b64encode(data).decode()}})
                left -= not data
            code = await process.wait()
            if box.id not in self.running:
                return
            yield _event({"end": {"exitCode": code, "exited": True, "status": f"exit {code}"}})
            yield _envelope({}, 2)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            box.processes.discard(process)
            await process.wait()


async def _read(
    stream: asyncio.StreamReader | None, name: str, queue: asyncio.Queue[tuple[str, bytes]]
) -> None:
    assert stream is not None
    while data := await stream.read(32768):
        await queue.put((name, data))
    await queue.put((name, b""))


def _event(event: dict[str, Any]) -> bytes:
    return _envelope({"event": event}, 0)


def _envelope(value: dict[str, Any], flag: int) -> bytes:
    body = json.dumps(value).encode()
    return struct.pack(">BI", flag, len(body)) + body


def _error(status: int, message: str) -> Answer:
    return json_answer({"code": status, "message": message}, status)


def _main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--at-once", type=int, default=20)
    options.add_argument("--rate", type=float, default=0.0)
    emulator = E2BEmulator(**vars(options.parse_args()))
    emulator.start()
    print(emulator.url, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    _main()
