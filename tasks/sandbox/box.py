"""A Python in bubblewrap: how it is started, and what it finds there."""

import os
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tasks.sandbox import keyring, seccomp
from tasks.sandbox.engine import Limits

INSIDE = Path(__file__).with_name("inside.py").read_text("utf-8")
NOBODY = 65534
SCRATCH_BYTES = 32 * 1024 * 1024
HIDDEN = ("/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/sched_debug")
"""Of the whole machine, whatever the namespaces: what keys its user has, and what runs."""

_STARTER = ThreadPoolExecutor(1, "bubblewrap")
"""All are started by one thread that lives as long as we do: its session keyring is its own, and
the kernel ends what a thread started together with it (`--die-with-parent`)."""


@dataclass(frozen=True)
class Boxed:
    """A bwrap that runs, and where it tells its status."""

    process: subprocess.Popen[bytes]
    status: IO[bytes]


def submit(path: str, limits: Limits) -> "Future[Boxed]":
    """Start the interpreter at `path`, for a program on its standard input. It fails with OSError,
    or RuntimeError where there is no filter of system calls."""
    return _STARTER.submit(_started, path, limits)


def _started(path: str, limits: Limits) -> Boxed:
    keyring.renew()
    read_fd, write_fd = os.pipe()
    status = os.fdopen(read_fd, "rb", buffering=0)
    try:
        with seccomp.opened() as filter_fd:
            process = subprocess.Popen(  # noqa: S603
                [*box(path, write_fd, filter_fd), path, *interpreter(limits)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(write_fd, filter_fd),
                start_new_session=True,
                **bare(),
            )
    except BaseException:
        status.close()
        raise
    finally:
        os.close(write_fd)
    return Boxed(process, status)


def bare() -> dict[str, Any]:
    """How bwrap is started: with nothing of ours that a program could find.

    bwrap is process 1 in the sandbox, and `/proc/1/environ` shows what it was started with:
    `--clearenv` alone leaves the keys there. Root gives up its user, because the limit on
    processes does not bind root.
    """
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return {"env": {}, "cwd": "/", **user}


def interpreter(limits: Limits) -> list[str]:
    """Arguments of a Python that limits itself and runs the program on its standard input."""
    most = (limits.cpu_seconds, limits.memory_bytes, limits.processes)
    return ["-I", "-S", "-c", INSIDE, *map(str, most)]


def box(path: str, status_fd: int | None = None, filter_fd: int | None = None) -> list[str]:
    """bwrap with everything shut out but the system's programs and the interpreter at `path`. It
    tells its status to one descriptor and reads a filter of system calls from another."""
    bind: list[str] = []
    for folder in ("/usr", "/lib", "/lib64", "/lib32", "/bin"):
        if os.path.islink(folder):
            bind += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            bind += ["--ro-bind", folder, folder]
    prefix = Path(path).parents[1]
    if prefix != Path("/") and not prefix.is_relative_to("/usr"):
        # Not all of it: it may be somebody's home.
        for own in filter(Path.is_dir, (prefix / "bin", prefix / "lib", prefix / "lib64")):
            bind += ["--ro-bind", str(own), str(own)]
    fds = [] if status_fd is None else ["--json-status-fd", str(status_fd)]
    fds += [] if filter_fd is None else ["--seccomp", str(filter_fd)]
    hidden = [word for path in HIDDEN if os.path.exists(path) for word in _nothing(path)]
    return [
        str(shutil.which("bwrap")),
        *(
            "--unshare-user",
            "--disable-userns",
            "--unshare-ipc",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-uts",
        ),
        *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"),
        *bind,
        *("--proc", "/proc", *hidden),
        *("--dev", "/dev", *_scratch("/tmp"), *_scratch("/dev/shm")),  # noqa: S108
        # A shared mapping of it is memory of no process.
        *("--dev-bind", "/dev/null", "/dev/zero"),
        # The last two are in memory, as large as somebody writes.
        *("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", "/tmp", *fds, "--"),  # noqa: S108
    ]


def _nothing(path: str) -> list[str]:
    return ["--ro-bind", "/dev/null", path]


def _scratch(folder: str) -> list[str]:
    return ["--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", folder]
