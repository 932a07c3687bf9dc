"""One home and one Prefect server for the whole session, and no keys of the user's."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

# Prefect reads its settings when it is first imported, so they are set before that.
HOME = Path(tempfile.mkdtemp(prefix="talewright-tests-"))
API_URL = f"http://127.0.0.1:{free_port()}/api"
for name in [n for n in os.environ if n.endswith("_API_KEY") or n.startswith(("LLM_", "PREFECT_"))]:
    del os.environ[name]
os.environ |= {
    "PREFECT_HOME": str(HOME / "prefect"),
    "PREFECT_API_URL": API_URL,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "TALEWRIGHT_HOME": str(HOME / "talewright"),
    "DO_NOT_TRACK": "1",
}


# A shell ignores SIGINT for what it starts in the background, and Prefect's worker ends on it only.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """The API URL of a real Prefect server on SQLite."""
    yield from serve_prefect()


def _wait_for(url: str) -> None:
    # One client: each `httpx.get` reads all certificates first, which takes from the server's time.
    with httpx.Client() as client:
        for _ in range(600):
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise RuntimeError(f"no Prefect server: {(HOME / 'server.log').read_text()[-2000:]}")


def serve_prefect() -> Iterator[str]:
    """Start a Prefect server, set up as Talewright sets one up; give its API URL, and end it."""
    from flows.runs.server import SERVER_SETTINGS

    port = API_URL.split(":")[-1].removesuffix("/api")
    log = (HOME / "server.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", port],
        env=os.environ | SERVER_SETTINGS,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for(f"{API_URL}/health")
        yield API_URL
    finally:
        # What Prefect still has to send would be tried against a server that is gone.
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all(timeout=10)
        server.terminate()
        server.wait(20)
        log.close()
