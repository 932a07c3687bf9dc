"""What a program could do harm to, and probes that tell whether one did."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.sandbox.engine import Limits, Run
from tasks.sandbox.memory import resident_bytes
from tests.sandbox import calls

CANARY = "canary-4711"
KEY = "TALEWRIGHT_TEST_API_KEY"
GROWTH_BYTES = 64 * 1024 * 1024
"""More than this engine needs to hold what 100 programs say."""


@dataclass
class Host:
    """`mark` is in the command line of all that the corpus starts here, and of nothing else."""

    folder: Path
    listener: socket.socket
    datagrams: socket.socket
    victim: subprocess.Popen[bytes]
    keyring: calls.SessionKeyring
    mark: int = field(default_factory=lambda: 10**6 + secrets.randbelow(10**6))
    held: int = field(default_factory=lambda: resident_bytes(os.getpid()))

    @property
    def limits(self) -> Limits:
        """For programs that mean to run for ever."""
        return Limits(wall_seconds=1.0, cpu_seconds=1, memory_bytes=512 * 10**6 + self.mark)

    def fill(self, program: str) -> str:
        """A program of the corpus, aimed at this host."""
        port = str(self.listener.getsockname()[1])
        named = {
            "DIR": str(self.folder),
            "PORT": port,
            "PID": str(self.victim.pid),
            "SECONDS": f"61.{self.mark}",
            "KEY": calls.KEY,
            "REACHED": CANARY,
            **{name: str(calls.number(name)) for name in calls.NUMBERS},
        }
        return re.sub(r"@(\w+)", lambda found: named.get(found[1], found[0]), program)

    def effects(self, runs: list[Run]) -> list[str]:
        """What the programs did to the host, in words."""
        found = [f"read: {run.stdout[:80]}" for run in runs if CANARY in run.stdout]
        if [path.name for path in self.folder.iterdir()] != ["secret"]:
            found.append("files")
        elif (self.folder / "secret").read_text() != CANARY:
            found.append("secret changed")
        if self.keyring.changed():
            found.append("keyring")
        if self._was_called():
            found.append("network")
        if self.victim.poll() is not None:
            found.append("victim killed")
        for _ in range(10):
            # What was killed takes a moment to go.
            if not self.left():
                break
            time.sleep(0.1)
        else:
            found.append(f"left running: {len(self.left())}")
        if resident_bytes(os.getpid()) - self.held > GROWTH_BYTES:
            found.append("memory")
        if Path("/usr/lib/talewright-was-here").exists():
            found.append("/usr")
        return found

    def _was_called(self) -> bool:
        for receive in (lambda: self.datagrams.recv(1), self.listener.accept):
            try:
                receive()
            except BlockingIOError:
                continue
            return True
        return False

    def left(self) -> list[int]:
        """Processes that the corpus started and that still run."""
        return [
            int(name)
            for name in filter(str.isdigit, os.listdir("/proc"))
            if str(self.mark) in _command(name)
        ]


def _command(pid: str) -> str:
    try:
        return Path("/proc", pid, "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


@contextmanager
def opened_host() -> Iterator[Host]:
    """A folder, sockets and a process that anybody may reach, a key in the environment, and one
    in the session keyring of this thread."""
    folder = Path(tempfile.mkdtemp())
    os.chmod(folder, 0o777)  # noqa: S103
    (folder / "secret").write_text(CANARY)
    os.environ[KEY] = CANARY
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        subprocess.Popen(["/bin/sleep", "300"]) as victim,
    ):
        datagrams.bind(listener.getsockname())
        listener.setblocking(False)
        datagrams.setblocking(False)
        host = Host(folder, listener, datagrams, victim, calls.SessionKeyring(CANARY))
        try:
            yield host
        finally:
            del os.environ[KEY]
            victim.kill()
            for pid in host.left():
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder)
