"""What models write passes; what they should not write has no effect on the host."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.sandbox.bubblewrap import Bubblewrap
from tasks.sandbox.engine import EngineRunner, Run
from tasks.sandbox.monty import MontyEngine
from tests.sandbox.corpus import programs
from tests.sandbox.host import Host


async def ran(engine: EngineRunner, todo: list[str]) -> list[Run]:
    try:
        return await asyncio.gather(*map(engine.run, todo))
    finally:
        await engine.close()


def test_the_corpus_is_whole() -> None:
    assert (len(programs("ordinary")), len(programs("hostile"))) == (60, 100)


async def test_bubblewrap_runs_what_models_write(bwrap: str) -> None:
    runs = await ran(Bubblewrap(), programs("ordinary"))
    assert [(i, r.error) for i, r in enumerate(runs) if r.verdict != "passed"] == []


async def test_monty_never_blames_a_story_for_what_it_lacks() -> None:
    runs = await ran(MontyEngine(), programs("ordinary"))
    blamed = {"raised", "timeout", "resource", "infra_error"}
    assert [(i, r.verdict, r.error) for i, r in enumerate(runs) if r.verdict in blamed] == []


async def test_bubblewrap_lets_nothing_out(bwrap: str, host: Host) -> None:
    runs = await ran(Bubblewrap(host.limits), list(map(host.fill, programs("hostile"))))
    assert host.effects(runs) == []
    assert [run.error for run in runs if run.verdict == "infra_error"] == []


async def test_monty_lets_nothing_out(host: Host) -> None:
    runs = await ran(MontyEngine(host.limits), list(map(host.fill, programs("hostile"))))
    assert host.effects(runs) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests run as an ordinary user already")
def test_bubblewrap_does_so_for_an_ordinary_user(bwrap: str) -> None:
    command = [sys.executable, "-m", "tests.sandbox.as_user"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    if "unusable" in told:
        pytest.skip(f"an ordinary user has no bubblewrap here: {told['unusable']}")
    assert told == {"failed": [], "broken": [], "effects": []}


@pytest.mark.parametrize(
    ("starts", "effect"),
    [
        ('open("@DIR/a"', "files"),
        ('print(open("@DIR/secret")', "read"),
        ("import os\n\nprint(os.environ)", "read"),
        ("import socket; socket.create_connection", "network"),
        ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "network"),
        ("import os; os.kill(@PID", "victim killed"),
        ("import os\n\nif os.fork() == 0:\n    os.setsid()", "left running"),
    ],
)
def test_the_probes_notice_a_program_outside_a_sandbox(
    host: Host, tmp_path: Path, starts: str, effect: str
) -> None:
    [program] = [program for program in programs("hostile") if program.startswith(starts)]
    said = tmp_path / "said"
    with said.open("w") as out:
        subprocess.run([sys.executable, "-c", host.fill(program)], stdout=out, check=False)
    for _ in range(50):  # a process takes a moment to begin, and to be killed
        if found := host.effects([Run("passed", said.read_text())]):
            break
    assert [one.startswith(effect) for one in found] == [True]


def test_the_probes_notice_memory_that_is_not_given_back(host: Host) -> None:
    hold = "a = b'x' * 10**8; print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert host.effects([]) == ["memory"]
        process.kill()
