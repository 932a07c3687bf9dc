"""Prefect's server goes away in the middle of a story: `python -m tests.bench.outage [seconds]`.

The server is killed with -9 while `talewright write` asks a Gemini server of 4 s latency, is gone
for so long (60 s), and is started again on the same database and port. Printed: the exit code, the
scenes, answers paid twice, how long the run took, and the state and task runs Prefect has of it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from flows.runs.server import SERVER_SETTINGS
from tests.emulators.gemini import GeminiServer
from tests.ports import free_port


def main(outage: float) -> None:
    """Run, kill, start again and count."""
    home = Path(tempfile.mkdtemp(prefix="talewright-outage-"))
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    with GeminiServer(latency=4) as gemini:
        environment = os.environ | {
            "HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_API_URL": api,
            "GEMINI_API_KEY": "none",
            "GEMINI_BASE_URL": gemini.url,
            "LLM_RATE_LIMIT": "600",
        }
        server = serve(port, environment)
        command = [sys.executable, "-m", "flows.cli", "write", "--depth", "3", "--json"]
        with (home / "log").open("w") as log:
            run = subprocess.Popen(
                [*command, "--out", str(home)], env=environment, stdout=subprocess.PIPE, stderr=log
            )
            while gemini.counts()["answered"] < 3:
                time.sleep(0.1)
            started = time.monotonic()
            server.send_signal(signal.SIGKILL)
            server.wait()
            time.sleep(outage)
            during = gemini.counts()["answered"]
            server = serve(port, environment)
            out, _ = run.communicate(timeout=600)
        seconds = time.monotonic() - started
        twice = gemini.counts()["requests_answered_twice"]
    print(f"exit {run.returncode}, {seconds:.0f} s after the kill; {during} answers before its end")
    if run.returncode == 0:
        told = json.loads(out)
        print(f"{told['scenes']} of 15 scenes, {twice} answers paid twice")
        print(recorded(api, told["receipt"]["run_id"]))
    else:
        print((home / "log").read_text()[-3000:])
    server.terminate()
    server.wait()


def serve(port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A Prefect server, set up as Talewright sets one up, that answers."""
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    server = subprocess.Popen(
        command,
        env=environment | SERVER_SETTINGS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/api/health").raise_for_status()
            return server
        except httpx.HTTPError:
            time.sleep(0.2)


def recorded(api: str, run_id: str) -> str:
    """What Prefect has of a run."""
    state = httpx.get(f"{api}/flow_runs/{run_id}").json()["state_name"]
    wanted = {"flow_runs": {"id": {"any_": [run_id]}}}
    tasks = httpx.post(f"{api}/task_runs/count", json=wanted).json()
    return f"Prefect: {state}, {tasks} task runs"


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
