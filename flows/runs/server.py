"""The Prefect server that keeps a run's records after the command has ended.

Prefect's ephemeral server ends with the process, and most task runs are lost with it. So where no
`PREFECT_API_URL` is set, a command uses the server that already runs on this machine or starts one
in the background; `prefect server stop` ends it.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
from prefect import __version__
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, get_current_settings, temporary_settings

from tasks.core.errors import UserError
from tasks.core.scrub import without_user

PORTS = range(4200, 4210)
START_TIMEOUT = 180.0
"""Seconds; a first start creates the database, which took 9 to 18 s on two cores."""

SERVER_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # On disk: a server started anew would else hold the slots of dead processes for good.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
        "prefect.server.concurrency.lease_storage.filesystem"
    ),
    # Log lines and artifacts of runs that the sweep has deleted go too.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    # One statement for many task runs takes 0.4 of the server's CPU.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


def ensure_server(say: Callable[[str], None]) -> str:
    """The API URL of a running Prefect server; starts one on this machine if none is configured.

    `say` is told in one line what is being waited for. Raises UserError.
    """
    configured = get_current_settings().api.url
    if configured:
        _try(configured)
        return configured
    return _running() or _start(next((port for port in PORTS if _free(port)), None), say)


def _try(api_url: str) -> None:
    """Ask a server for something that needs its password, as a run will. Raises UserError."""
    shown = without_user(api_url)
    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as c:
            c.api_version()
    except httpx.HTTPStatusError as error:
        if error.response.status_code in (401, 403):
            raise UserError(
                f"The Prefect server at {shown} asks who you are: set PREFECT_API_AUTH_STRING "
                "or PREFECT_API_KEY."
            ) from None
        raise UserError(
            f"The server at {shown} answers {error.response.status_code}: is it Prefect's?"
        ) from None
    except httpx.HTTPError:
        raise UserError(
            f"No Prefect server answers at {shown}. Start it, or unset PREFECT_API_URL "
            "to let talewright start one on this machine."
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise UserError(f"The server at {shown} does not answer as Prefect's does.") from None


def _start(port: int | None, say: Callable[[str], None]) -> str:
    if port is None:
        raise UserError(
            f"Ports {PORTS[0]} to {PORTS[-1]} are all taken, so no Prefect server can start. "
            "Set PREFECT_API_URL to a server of yours."
        )
    say(f"Starting a Prefect server on port {port} (the first start takes some seconds) ...")
    _forget_dead_server()
    start = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "prefect", "server", "start", "--background", "--port", str(port)],
        env=os.environ | SERVER_SETTINGS,
        capture_output=True,
        text=True,
        check=False,
    )
    # Another command may be starting one at this moment: then ours is refused, theirs comes up.
    until = time.monotonic() + (START_TIMEOUT if start.returncode == 0 else 30)
    while time.monotonic() < until:
        running = _running()
        if running:
            return running
        time.sleep(0.2)
    raise UserError(
        f"The Prefect server did not start: {(start.stderr or start.stdout).strip()[-500:]} "
        f"Try `prefect server start --port {port}` to see why."
    )


def _forget_dead_server() -> None:
    """Remove the pid file of a server that was killed: Prefect would refuse to start another."""
    pid_file = get_current_settings().home / "server.pid"
    try:
        os.kill(int(pid_file.read_text()), 0)
    except FileNotFoundError:
        return
    except (ProcessLookupError, PermissionError, ValueError):
        # Nobody has its id, or another user's process.
        pid_file.unlink(missing_ok=True)


def _running() -> str | None:
    """The URL of a server of our Prefect version on one of our ports."""
    return next((_url(p) for p in PORTS if not _free(p) and _version(_url(p)) == __version__), None)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/api"


def _version(api_url: str) -> str | None:
    try:
        return str(httpx.get(f"{api_url}/admin/version", timeout=5).raise_for_status().json())
    except (httpx.HTTPError, ValueError):  # nobody, or something else than Prefect
        return None


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0
