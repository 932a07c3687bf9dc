"""A batch on three process workers, one of which is killed: `python -m tests.bench.workers`.

Arguments: stories and requests a minute (200 600). Prefect's server and the ledger are on
PostgreSQL, the batch is shared out to ten runs, its stories have seven scenes, and a Gemini server
of 2 s latency enforces the limit. When a third of the calls is answered, the second worker is
killed with -9 with all its runs. Printed: how the batch ended, the limit used from the first call
to the last, refused calls, and the ledger beside the server's count.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine

from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.money import to_usd
from tasks.ledger.tables import attempts
from tests.bench.outage import serve
from tests.ports import free_port
from tests.postgres import postgresql

CALLS = 15
"""Of a story of seven scenes."""

CAP = 10.0
"""USD for all stories."""


def main(stories: int, rpm: int) -> None:
    """Start everything, kill a worker, and count."""
    home = Path(tempfile.mkdtemp(prefix="talewright-workers-"))
    gemini = [sys.executable, "-m", "tests.emulators.gemini", "--latency", "2", "--rpm", str(rpm)]
    port = free_port()
    with (
        postgresql() as database,
        subprocess.Popen(gemini, stdout=subprocess.PIPE, text=True) as emulator,
    ):
        assert emulator.stdout is not None
        url = emulator.stdout.readline().strip()
        ledger = database.removesuffix("postgres") + "ledger"
        asyncio.run(create_database(database, "ledger"))
        environment = os.environ | {
            "HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_API_DATABASE_CONNECTION_URL": database,
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "TALEWRIGHT_LEDGER_URL": ledger,
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": url,
            "LLM_RATE_LIMIT": str(rpm),
        }
        server = serve(port, environment)
        deploy = [sys.executable, "-m", "flows.cli", "deploy"]
        subprocess.run(deploy, env=environment, check=True, stdout=subprocess.DEVNULL)
        run = night(environment["PREFECT_API_URL"], environment, home, url, stories)
        print(f"{run['state_name']}: {run['state']['message']}, {run['total_run_time']:.0f} s")
        calls = httpx.get(f"{url}/calls", timeout=60).json()
        asyncio.run(report(calls, ledger, rpm))
        server.terminate()
        server.wait()
        emulator.terminate()


async def create_database(url: str, name: str) -> None:
    """A second database on the same server."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()


def night(api: str, environment: dict[str, str], home: Path, url: str, stories: int) -> Any:
    """Run the batch to its end, and kill a worker on the way; the run as Prefect has it."""
    deployment = httpx.get(f"{api}/deployments/name/write-stories/night-batch").json()["id"]
    batch = {"repeats": stories // 2, "depth": 2, "sandbox": "none", "out": str(home / "stories")}
    batch |= {"stories_per_run": stories // 10, "at_once": 20, "max_cost_usd": CAP}
    made = httpx.post(
        f"{api}/deployments/{deployment}/create_flow_run", json={"parameters": {"batch": batch}}
    )
    run_id = UUID(made.raise_for_status().json()["id"])
    log = (home / "workers.log").open("w")
    workers = []
    for _ in range(3):
        workers.append(worker(environment, log))
        # The first takes the run that shares the batch out.
        while state(api, run_id)["state_type"] not in ("RUNNING", "COMPLETED", "FAILED"):
            time.sleep(0.5)
    killed = False
    while (run := state(api, run_id))["state_type"] not in ("COMPLETED", "FAILED", "CRASHED"):
        time.sleep(1)
        if not killed and counts(url)["answered"] > stories * CALLS / 3:
            killed = True
            print(f"killed {kill(workers[1].pid)} processes", flush=True)
    for one in workers:
        kill(one.pid)  # what they ran has ended, and told to stop, Prefect's worker may never do so
        one.wait()
    return run


def worker(environment: dict[str, str], log: Any) -> subprocess.Popen[bytes]:
    """A process worker of at most four runs."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "talewright"]
    return subprocess.Popen([*command, "--limit", "4"], env=environment, stdout=log, stderr=log)


def state(api: str, run_id: UUID) -> Any:
    """A flow run as Prefect's API has it."""
    return httpx.get(f"{api}/flow_runs/{run_id}", timeout=60).json()


def counts(url: str) -> Any:
    """What the Gemini server was asked."""
    return httpx.get(f"{url}/calls", timeout=60).json()


def kill(pid: int) -> int:
    """Kill a process and all below it; how many there were."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    os.kill(pid, signal.SIGKILL)
    return 1 + sum(kill(int(child)) for child in found.stdout.split())


async def report(calls: Any, ledger: str, rpm: int) -> None:
    """Limit, refusals, cap, and what was paid twice."""
    sent = sorted(call["at"] for call in calls["log"])
    seconds = sent[-1] - sent[0]
    # A burst of a tenth of a minute may come at once.
    ideal = (len(sent) / rpm - 0.1) * 60
    refused = calls["by_status"].get("429", 0)
    print(f"{len(sent)} calls in {seconds:.0f} s, {ideal / seconds:.3f} of the limit", end="")
    print(f"; {refused} refused ({refused / len(sent):.2%})")
    async with Ledger.open(Settings(talewright_ledger_url=SecretStr(ledger))) as books:
        rows = await books.run(lambda connection: connection.execute(select(attempts)).all())
    settled = Counter(row.request for row in rows if row.outcome == "ok")
    in_flight = [row for row in rows if row.outcome == "in flight"]
    spent = to_usd(sum(row.cost_nano for row in rows))
    aside = to_usd(sum(row.reserved_nano for row in in_flight))
    print(f"spent ${spent:.6f}, set aside for calls in flight at the kill ${aside:.6f}, cap ${CAP}")
    print(f"settled {settled.total()}, of them twice {settled.total() - len(settled)}; ", end="")
    again = {row.request for row in in_flight} & settled.keys()
    print(f"in flight at the kill {len(in_flight)}, asked again {len(again)}; ", end="")
    print(f"answers to dead processes {calls['answered'] - settled.total()}")


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [200, 600][len(given) :]))
