"""What models write passes; what they should not write has no effect on the host."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tasks.sandbox import find_code
from tasks.sandbox.bubblewrap import Bubblewrap
from tasks.sandbox.engine import EngineRunner, Limits, Run
from tasks.sandbox.monty import MontyEngine

CORPUS = Path(__file__).with_name("corpus")
CANARY = "canary-4711"
SHORT = Limits(wall_seconds=2.0, cpu_seconds=1)
"""For programs that mean to run for ever."""


def programs(name: str) -> list[str]:
    return [snippet.code for snippet in find_code((CORPUS / f"{name}.md").read_text("utf-8"))]


async def ran(engine: EngineRunner, programs: list[str]) -> list[Run]:
    try:
        return await asyncio.gather(*(engine.run(program) for program in programs))
    finally:
        await engine.close()


@dataclass
class Host:
    """What a program could do harm to."""

    folder: Path
    listener: socket.socket
    datagrams: socket.socket
    victim: subprocess.Popen[bytes]
    listed: set[str] = field(default_factory=set)

    def fill(self, program: str) -> str:
        port = str(self.listener.getsockname()[1])
        named = {"@DIR": str(self.folder), "@PORT": port, "@PID": str(self.victim.pid)}
        for mark, value in named.items():
            program = program.replace(mark, value)
        return program

    def effects(self, runs: list[Run]) -> list[str]:
        found = [f"read: {run.stdout[:80]}" for run in runs if CANARY in run.stdout]
        if {path.name for path in self.folder.iterdir()} != self.listed:
            found.append("files")
        if (self.folder / "secret").read_text() != CANARY:
            found.append("secret changed")
        for open_socket in (self.listener, self.datagrams):
            try:
                open_socket.recv(1) if open_socket is self.datagrams else open_socket.accept()
                found.append("network")
            except BlockingIOError:
                pass
        if self.victim.poll() is not None:
            found.append("victim killed")
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                said = line.read_bytes()
            except OSError:
                continue
            if b"sleep\x0061.7" in said:
                found.append(f"left running: {said!r}")
        if Path("/usr/lib/talewright-was-here").exists():
            found.append("/usr")
        return found


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("TALEWRIGHT_TEST_API_KEY", CANARY)
    # Open to everybody, so that only the sandbox stands between a program and the folder.
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        os.chmod(folder, 0o777)  # noqa: S103
    (tmp_path / "secret").write_text(CANARY)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(listener.getsockname())
        listener.setblocking(False)
        datagrams.setblocking(False)
        sleeper = [sys.executable, "-c", "import time; time.sleep(300)"]
        victim = subprocess.Popen(sleeper)
        yield Host(tmp_path, listener, datagrams, victim, {p.name for p in tmp_path.iterdir()})
        victim.kill()
        victim.wait()


def test_the_corpus_is_whole() -> None:
    assert len(programs("ordinary")) == len(programs("hostile")) == 60


async def test_bubblewrap_runs_what_models_write(bwrap: str) -> None:
    runs = await ran(Bubblewrap(), programs("ordinary"))
    assert [(i, r.error) for i, r in enumerate(runs) if r.verdict != "passed"] == []


async def test_monty_never_blames_a_story_for_what_it_lacks() -> None:
    runs = await ran(MontyEngine(), programs("ordinary"))
    blamed = {"raised", "timeout", "resource", "infra_error"}
    assert [(i, r.verdict, r.error) for i, r in enumerate(runs) if r.verdict in blamed] == []


async def test_bubblewrap_lets_nothing_out(bwrap: str, host: Host) -> None:
    runs = await ran(Bubblewrap(SHORT), [host.fill(program) for program in programs("hostile")])
    assert host.effects(runs) == []
    assert [run.error for run in runs if run.verdict == "infra_error"] == []


async def test_monty_lets_nothing_out(host: Host) -> None:
    runs = await ran(MontyEngine(SHORT), [host.fill(program) for program in programs("hostile")])
    assert host.effects(runs) == []
