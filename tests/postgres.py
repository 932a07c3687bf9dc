"""A private PostgreSQL server for the session; skips where PostgreSQL is not installed."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port


def _binaries() -> Path | None:
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return newest[-1].parent if newest else None


@contextmanager
def postgresql() -> Iterator[str]:
    """The SQLAlchemy URL of an empty database."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="talewright-postgres-"))
    # PostgreSQL refuses to run as root.
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres")
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    initdb = [binaries / "initdb", "-D", folder / "data", "-U", "talewright", "-A", "trust"]
    subprocess.run(initdb, check=True, **quiet, **user)  # type: ignore[call-overload]
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
    server = subprocess.Popen(  # type: ignore[call-overload]
        [binaries / "postgres", "-D", folder / "data", *options.split()], **quiet, **user
    )
    try:
        ready = [binaries / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
        while subprocess.run(ready, check=False, **quiet).returncode:  # type: ignore[call-overload]
            time.sleep(0.05)
        yield f"postgresql+asyncpg://talewright@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # do not wait for clients
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
