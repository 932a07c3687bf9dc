"""Bubblewrap: namespaces and hard limits round a real Python.

It shares the kernel, and its seccomp filter is for the limit on memory alone: a guard against
accidents and opportunism, not against kernel exploits.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

from tasks.sandbox import seccomp
from tasks.sandbox.engine import LIMITS, Limits, Run
from tasks.sandbox.memory import grown
from tasks.sandbox.outcome import Stop, judged
from tasks.story.code import Engine

INSIDE = Path(__file__).with_name("inside.py").read_text("utf-8")
NOBODY = 65534
SCRATCH_BYTES = 32 * 1024 * 1024
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


@cache
def python() -> str:
    """An interpreter that starts in the sandbox. Raises RuntimeError if none does."""
    if shutil.which("bwrap") is None:
        raise RuntimeError("bwrap is not installed (Debian: apt-get install bubblewrap)")
    ours = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    for path in (ours, Path("/usr/bin/python3"), Path("/usr/local/bin/python3")):
        if os.path.exists(path) and _starts(path.resolve()):
            return str(path.resolve())
    raise RuntimeError("bwrap is installed, but user namespaces are not allowed here")


def _starts(path: Path) -> bool:
    try:
        with seccomp.opened() as filter_fd:
            done = subprocess.run(  # noqa: S603
                [*box(str(path), filter_fd=filter_fd), str(path), *interpreter(LIMITS)],
                input=b"print(6 * 7)",
                capture_output=True,
                timeout=20,
                check=False,
                pass_fds=_given(filter_fd),
                **bare(),
            )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.stdout.strip() == b"42")


def bare() -> dict[str, Any]:
    """How bwrap is started: with nothing of ours that a program could find.

    bwrap is process 1 in the sandbox, and `/proc/1/environ` shows what it was started with:
    `--clearenv` alone leaves the keys there. Root gives up its user, because the limit on
    processes does not bind root.
    """
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return {"env": {}, "cwd": "/", **user}


def interpreter(limits: Limits) -> list[str]:
    """Arguments of a Python that limits itself and runs the program on its standard input."""
    most = (limits.cpu_seconds, limits.memory_bytes, limits.processes)
    return ["-I", "-S", "-c", INSIDE, *map(str, most)]


def box(path: str, status_fd: int | None = None, filter_fd: int | None = None) -> list[str]:
    """bwrap with everything shut out but the system's programs and the interpreter at `path`. It
    tells its status to one descriptor and reads a filter of system calls from another."""
    bind: list[str] = []
    for folder in ("/usr", "/lib", "/lib64", "/lib32", "/bin"):
        if os.path.islink(folder):
            bind += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            bind += ["--ro-bind", folder, folder]
    prefix = Path(path).parents[1]
    if prefix != Path("/") and not prefix.is_relative_to("/usr"):
        # Not all of it: it may be somebody's home.
        for own in filter(Path.is_dir, (prefix / "bin", prefix / "lib", prefix / "lib64")):
            bind += ["--ro-bind", str(own), str(own)]
    fds = [] if status_fd is None else ["--json-status-fd", str(status_fd)]
    fds += [] if filter_fd is None else ["--seccomp", str(filter_fd)]
    return [
        str(shutil.which("bwrap")),
        *(
            "--unshare-user",
            "--disable-userns",
            "--unshare-ipc",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-uts",
        ),
        *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"),
        *bind,
        *("--proc", "/proc", "--dev", "/dev", *_scratch("/tmp"), *_scratch("/dev/shm")),  # noqa: S108
        # A shared mapping of it is memory of no process.
        *("--dev-bind", "/dev/null", "/dev/zero"),
        # Both are in memory, as large as somebody writes.
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", "/tmp", *fds, "--"),  # noqa: S108
    ]


def _given(*fds: int | None) -> list[int]:
    return [fd for fd in fds if fd is not None]


def _scratch(folder: str) -> list[str]:
    return ["--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", folder]


async def run(program: str, path: str, limits: Limits) -> Run:
    """Run one program with the interpreter at `path`."""
    read_fd, write_fd = os.pipe()
    started = time.monotonic()
    try:
        with seccomp.opened() as filter_fd:
            process = await asyncio.create_subprocess_exec(
                *box(path, write_fd, filter_fd),
                path,
                *interpreter(limits),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=_given(write_fd, filter_fd),
                start_new_session=True,
                **bare(),
            )
    except OSError as error:
        os.close(read_fd)
        return Run("infra_error", error=f"bwrap did not start: {error}")
    finally:
        os.close(write_fd)
    stopped: Stop | None = None
    capture = _Capture(process, limits)
    memory = asyncio.ensure_future(capture.watch())
    try:
        async with asyncio.timeout(limits.wall_seconds):
            await capture.talk(program.encode("utf-8", "replace"))
    except TimeoutError:
        stopped = "time"
    finally:
        memory.cancel()
        capture.end()
        await process.wait()
    stopped = capture.stopped or stopped
    with os.fdopen(read_fd, "rb") as status:
        code = _exit_code(status.read())
    seconds = time.monotonic() - started
    if stopped is None and code is None:
        return Run("infra_error", error="bwrap did not run the program", seconds=seconds)
    told = judged(stopped, code or 0, bytes(capture.out), bytes(capture.err), limits)
    return Run(*told, seconds=round(seconds, 3))


class _Capture:
    """What a process says, up to the cap."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        self.process = process
        self.limits = limits
        self.out = bytearray()
        self.err = bytearray()
        self.stopped: Stop | None = None

    def end(self) -> None:
        """Kill bwrap, and with it everything in the sandbox."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def watch(self) -> None:
        await grown(self.process.pid, self.limits.all_memory_bytes)
        self.stopped = "memory"
        self.end()

    async def talk(self, program: bytes) -> None:
        process = self.process
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(program)
            await process.stdin.drain()
        process.stdin.close()
        await asyncio.gather(
            self._read(process.stdout, self.out), self._read(process.stderr, self.err)
        )
        await process.wait()

    async def _read(self, stream: asyncio.StreamReader, into: bytearray) -> None:
        while chunk := await stream.read(65536):
            into += chunk[: max(0, self.limits.output_bytes - len(into))]
            if len(into) >= self.limits.output_bytes and self.stopped is None:
                self.stopped = "output"
                self.end()


def _exit_code(status: bytes) -> int | None:
    """The program's exit code by bwrap's own account, which the program cannot write to."""
    for line in status.splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if "exit-code" in told:
                return int(told["exit-code"])
    return None
