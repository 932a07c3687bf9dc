"""Fill the disk of a 60-scene story 10 times and finish it: `python -m tests.bench.full_disk
[times] [seed]`, as root on Linux.

The home and the stories lie on a disk of 64 MiB in memory. At a random moment after the first call
of each run it is filled to the last byte; the run has to end by itself, with one line. Then room is
made, and the command given again. At the end every answer in the ledger is looked up in the
server's log, as in tests.bench.killed.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.story.source import read_story
from tasks.core.settings import Settings
from tests.bench.killed import ORDER, report
from tests.emulators.gemini import GeminiServer

PATIENCE = 120
"""Seconds after which a run on a full disk is called stuck."""


def main(times: int, seed: int) -> None:
    """Run, fill, finish and count."""
    dice = random.Random(seed)
    with disk() as home, GeminiServer(latency=0.5) as server:
        environment = os.environ | {
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": server.url,
            "TALEWRIGHT_HOME": str(home / "home"),
        }
        command = [sys.executable, "-m", "flows.cli", *ORDER, "--out", str(home / "stories")]
        for _ in range(times):
            said = filled(command, environment, server, home, dice.uniform(0, 0.9))
            print(said, flush=True)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        story = read_story(next((home / "stories").glob("*/story.json")))
        print(f"exit {done.returncode}, {len(story.scenes)} scenes, {len(story.missing)} missing")
        asyncio.run(report(Settings(talewright_home=home / "home"), server))


def filled(
    command: list[str], environment: dict[str, str], server: GeminiServer, home: Path, after: float
) -> str:
    """Fill the disk so many seconds after a run's first call; how the run ended."""
    before = len(server.calls)
    run = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while run.poll() is None and not server.in_flight and len(server.calls) == before:
        time.sleep(0.01)
    time.sleep(after)
    filler = home / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    full = time.monotonic()
    try:
        _, errors = run.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        run.kill()
        _, errors = run.communicate()
        errors += "\nSTUCK"
    filler.unlink()
    last = (errors.strip().splitlines() or ["nothing"])[-1]
    return f"exit {run.returncode}, {time.monotonic() - full:.1f} s after: {last[:150]}"


@contextmanager
def disk() -> Iterator[Path]:
    """A disk of 64 MiB in memory."""
    home = Path(tempfile.mkdtemp(prefix="talewright-full-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(home)], check=True)
    try:
        yield home
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in [*sys.argv[1:], *["10", "1"][len(sys.argv) - 1 :]]))
