"""What is left in E2B after bad weather and a kill: `python -m tests.bench.sandbox_leaks [200]`.

An emulator of E2B in a process of its own fails three in ten creates and commands. A worker runs
the code of all stories and is killed with -9 in the middle; another runs them again. Then the
sweep: nothing may be left.
"""

import os
import subprocess
import sys
import time

import httpx

from tests.conftest import serve_prefect  # isort: split

from tests.emulators.e2b import KEY


def main(stories: int) -> None:
    """Run, kill, run again, sweep and count."""
    servers = serve_prefect()
    next(servers)
    emulator = subprocess.Popen(
        [sys.executable, "-m", "tests.emulators.e2b", "--rate", "0.3"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert emulator.stdout is not None
        url = emulator.stdout.readline().strip()
        environment = os.environ | {
            "E2B_API_KEY": KEY,
            "E2B_API_URL": url,
            "E2B_SANDBOX_URL": url,
            # As if other programs used the account too: it is full before our own limit is.
            "E2B_SANDBOXES_AT_ONCE": "100",
            "E2B_CREATES_PER_SECOND": "50",
        }
        worker = start_worker(stories, environment)
        while counts(url)["asked"] < stories // 2 and worker.poll() is None:
            time.sleep(0.05)
        worker.kill()
        worker.wait()
        show("after kill -9", url)
        told, _ = start_worker(stories, environment).communicate()
        show("after the next worker", url)
        sweep = [sys.executable, "-m", "flows.cli", "sandboxes", "sweep"]
        swept = subprocess.run(sweep, env=environment, capture_output=True, text=True, check=True)
        show(f"after the sweep ({swept.stdout.strip()})", url)
        print(f"verdicts of {stories} stories: {told.strip()}")
    finally:
        emulator.kill()
        next(servers, None)


def start_worker(stories: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    """A process that runs the code of so many stories; it prints the verdicts."""
    command = [sys.executable, "-m", "tests.sandbox.stories", str(stories), "0.2"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def counts(url: str) -> dict[str, int]:
    return dict(httpx.get(f"{url}/counts").json())


def show(when: str, url: str) -> None:
    told = counts(url)
    print(
        f"{when:32} {told['running']:3} left; {told['asked']} creates asked, "
        f"{told['refused']} refused for a full account, {told['most']} at once at most",
        flush=True,
    )


if __name__ == "__main__":
    main(int([*sys.argv[1:], "200"][0]))
