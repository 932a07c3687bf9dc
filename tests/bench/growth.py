"""How near a growing story comes to its critical path: `python -m tests.bench.growth [latency]`.

Three levels of three branches against a Gemini server that takes 4 s a call. The critical path is
the longest chain of calls that have to wait for each other: on each level a scene, and then the
judgement of it and its branches. What was asked a second time makes the
ratio worse. Start-up ends with the first call; the end, after the last answer, is the last scenes'
scores, the exports, the artifacts and the way out.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows.story.source import read_story
from tests.emulators.gemini import GeminiServer

LEVELS, BREADTH = 3, 3
ORDER = ["write", "--depth", str(LEVELS), "--breadth", str(BREADTH), "--sandbox", "none"]
CHAIN = 2 * (LEVELS + 1)
"""Calls one after the other: two on each level."""


def main(latency: float) -> None:
    """Write a story and print how long it took beside how long it had to take."""
    home = Path(tempfile.mkdtemp(prefix="talewright-growth-"))
    with GeminiServer(latency=latency) as server:
        environment = os.environ | {
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": server.url,
            "TALEWRIGHT_HOME": str(home),
        }
        command = [sys.executable, "-m", "flows.cli", *ORDER, "--out", str(home / "stories")]
        started = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        ended = time.monotonic()
        calls = sorted(server.calls, key=lambda call: call.at)
        most = server.most_in_flight
    if done.returncode:
        sys.exit(done.stderr)
    story = read_story(next((home / "stories").glob("*/story.json")))
    first, last = calls[0].at, calls[-1].at + latency
    path = CHAIN * latency
    print(f"{len(story.scenes)} scenes, {len(calls)} calls, at most {most} at once")
    print(f"start-up {first - started:.1f} s, calls {last - first:.1f} s, end {ended - last:.1f} s")
    print(f"critical path {CHAIN} x {latency:g} s = {path:.1f} s")
    print(f"calls / critical path {(last - first) / path:.3f}", end="")
    print(f", with the end {(ended - first) / path:.3f}")


if __name__ == "__main__":
    main(float([*sys.argv[1:], "4"][0]))
