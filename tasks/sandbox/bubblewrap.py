"""Bubblewrap: namespaces, a list of system calls and hard limits round a real Python.

It shares the kernel: a guard against accidents and opportunism, not against faults in the calls
that every program needs.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from typing import IO

from tasks.sandbox.box import Boxed, submit
from tasks.sandbox.engine import LIMITS, Limits, Run
from tasks.sandbox.memory import grown
from tasks.sandbox.outcome import Stop, judged
from tasks.sandbox.probe import python
from tasks.story.code import Engine

AT_ONCE = os.cpu_count() or 1


class Bubblewrap:
    """Each program in a sandbox of its own."""

    name: Engine = "bubblewrap"

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def run(self, program: str) -> Run:
        """Run a program; its verdict never rests on what it prints."""
        async with self._gate:
            return await run(program, python(), self._limits)

    async def close(self) -> None:
        """Nothing stays open between programs."""


async def run(program: str, path: str, limits: Limits) -> Run:
    """Run one program with the interpreter at `path`."""
    started = time.monotonic()
    starting = asyncio.wrap_future(submit(path, limits))
    try:
        capture = _Capture(await asyncio.shield(starting), limits)
    except asyncio.CancelledError:
        starting.add_done_callback(_ended)
        raise
    except (OSError, RuntimeError) as error:
        return Run("infra_error", error=f"bwrap did not start: {error}")
    stopped: Stop | None = None
    memory = asyncio.ensure_future(capture.watch())
    try:
        async with asyncio.timeout(limits.wall_seconds):
            await capture.talk(program.encode("utf-8", "replace"))
    except TimeoutError:
        stopped = "time"
    finally:
        memory.cancel()
        capture.end()
        await asyncio.to_thread(capture.process.wait)
    stopped = capture.stopped or stopped
    code = _exit_code(bytes(capture.status))
    seconds = time.monotonic() - started
    if stopped is None and code is None:
        return Run("infra_error", error="bwrap did not run the program", seconds=seconds)
    told = judged(stopped, code or 0, bytes(capture.out), bytes(capture.err), limits)
    return Run(*told, seconds=round(seconds, 3))


def _ended(starting: "asyncio.Future[Boxed]") -> None:
    """End what was started for somebody who is gone."""
    if not starting.cancelled() and starting.exception() is None:
        _kill(starting.result().process.pid)
        starting.result().process.wait()


def _kill(pid: int) -> None:
    """Kill bwrap, and with it everything in the sandbox."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


class _Capture:
    """What a process says, up to the cap."""

    def __init__(self, boxed: Boxed, limits: Limits) -> None:
        self.process = boxed.process
        self.limits = limits
        self.out = bytearray()
        self.err = bytearray()
        self.status = bytearray()
        self.stopped: Stop | None = None
        self._boxed = boxed
        self._pipes: list[asyncio.BaseTransport] = []

    def end(self) -> None:
        _kill(self.process.pid)
        for pipe in self._pipes:
            pipe.close()

    async def watch(self) -> None:
        await grown(self.process.pid, self.limits.all_memory_bytes)
        self.stopped = "memory"
        _kill(self.process.pid)

    async def talk(self, program: bytes) -> None:
        """Until bwrap has ended, and so has closed its status."""
        given, _ = await asyncio.get_running_loop().connect_write_pipe(
            asyncio.BaseProtocol, self.process.stdin
        )
        self._pipes.append(given)
        given.write(program)
        given.close()
        await asyncio.gather(
            self._read(self.process.stdout, self.out),
            self._read(self.process.stderr, self.err),
            self._read(self._boxed.status, self.status),
        )

    async def _read(self, pipe: IO[bytes] | None, into: bytearray) -> None:
        stream = asyncio.StreamReader()
        opened, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), pipe
        )
        self._pipes.append(opened)
        while chunk := await stream.read(65536):
            into += chunk[: max(0, self.limits.output_bytes - len(into))]
            if len(into) >= self.limits.output_bytes and self.stopped is None:
                self.stopped = "output"
                _kill(self.process.pid)


def _exit_code(status: bytes) -> int | None:
    """The program's exit code by bwrap's own account, which the program cannot write to."""
    for line in status.splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if "exit-code" in told:
                return int(told["exit-code"])
    return None
