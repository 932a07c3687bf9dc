"""How a night grows with its stories: `python -m tests.bench.nights [stories ...]` (10 100 1000).

Stories of seven scenes in one process against a local Gemini server of 4 s latency, 100 calls in
flight, each night with a Prefect server and a home of its own. Printed for each: seconds from the
start of the first story to the receipt of the last, the ideal (all calls, 100 at a time, or the
longest chain of calls in a story that each need the one before), seconds of the whole command
(Python's start, exports and publishing too), CPU of the process and of the server with its start,
memory of the process, size of Prefect's database and of the ledger.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.bench.outage import serve
from tests.ports import free_port

LATENCY, IN_FLIGHT = 4.0, 100


def main(*stories: int) -> None:
    """Print a line for each size."""
    print(
        "stories  calls      s  ideal  ratio  whole s  CPU s  server CPU s    MB  "
        "Prefect MB  ledger MB"
    )
    for count in stories:
        print(run(count), flush=True)


def run(count: int) -> str:
    """A night of so many stories, on a server and a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="talewright-nights-"))
    gemini = [sys.executable, "-m", "tests.emulators.gemini", "--latency", str(LATENCY)]
    with subprocess.Popen(gemini, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        port = free_port()
        environment = os.environ | {
            "HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": url,
            "LLM_CONCURRENCY": str(IN_FLIGHT),
        }
        prefect = serve(port, environment)
        write(environment, home, "--repeats", "1", "--depth", "0")  # what is new is set up
        before = httpx.get(f"{url}/calls", timeout=60).json()["calls"]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        out = write(environment, home, "--repeats", str(count // 2), "--depth", "2")
        whole = time.monotonic() - began
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        calls = httpx.get(f"{url}/calls", timeout=60).json()["calls"] - before
        prefect.terminate()
        prefect.wait()
        server.terminate()
    all_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = seconds_of(children) - seconds_of(used)
    busy = seconds_of(all_children) - seconds_of(children)
    receipts = [told["receipt"] for told in out["told"]]
    starts = [datetime.fromisoformat(receipt["started"]) for receipt in receipts]
    ends = [
        start + timedelta(seconds=receipt["seconds"])
        for start, receipt in zip(starts, receipts, strict=True)
    ]
    seconds = (max(ends) - min(starts)).total_seconds()
    chain = longest_chain(home / ".talewright" / "ledger.db")
    ideal = max(chain * LATENCY, calls * LATENCY / IN_FLIGHT)
    sizes = [size(home / "prefect" / "prefect.db"), size(home / ".talewright" / "ledger.db")]
    return (
        f"{count:>7}  {calls:>5}  {seconds:>5.0f}  {ideal:>5.0f}  {seconds / ideal:>5.2f}  "
        f"{whole:>7.0f}  {cpu:>5.0f}  {busy:>12.0f}  {children.ru_maxrss / 1024:>4.0f}  "
        f"{sizes[0]:>10.1f}  {sizes[1]:>9.1f}"
    )


def longest_chain(ledger: Path) -> int:
    """Calls that follow one another in the story where they are most: a scene and the judgement of
    its branches, and for each that is refused another and its judgement, down to an ending."""
    with closing(sqlite3.connect(ledger)) as database:
        rows = database.execute(
            "SELECT run_id || story_id, scene_id, prompt_id, count(*) FROM attempts "
            "GROUP BY 1, 2, 3"
        ).fetchall()
    links: Counter[tuple[str, str]] = Counter()
    for story, scene, prompt, count in rows:
        links[story, scene] += {"scene": count, "judge": 1}.get(prompt, 2 * count)
    return max(
        sum(links[story, scene[: 2 * level + 1]] for level in range(scene.count(".") + 1))
        for story, scene in links
    )


def write(environment: dict[str, str], home: Path, *options: str) -> Any:
    """Run `talewright batch` to its end; what it says."""
    command = [sys.executable, "-m", "flows.cli", "batch", "--json", "--sandbox", "none"]
    command += ["--at-once", "1000", "--out", str(home / "stories"), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def seconds_of(used: resource.struct_rusage) -> float:
    """CPU of all kinds."""
    return used.ru_utime + used.ru_stime


def size(path: Path) -> float:
    """Megabytes of a database with its write-ahead log."""
    return sum(p.stat().st_size for p in path.parent.glob(f"{path.name}*")) / 1e6


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:] or ("10", "100", "1000")))
