"""Whether bubblewrap holds on this machine, by trying it."""

import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tasks.sandbox import box, keyring, seccomp
from tasks.sandbox.engine import LIMITS

SECONDS = 20
_TRIED = Path(__file__).with_name("tried.py").read_text("utf-8")


def python() -> str:
    """An interpreter that runs in the sandbox and is refused what it must be. Raises RuntimeError
    with the reason if there is none."""
    path, why = _found()
    if not path:
        raise RuntimeError(why)
    return path


@cache
def _found() -> tuple[str, str]:
    """The interpreter, or none and why."""
    if shutil.which("bwrap") is None:
        return "", "bwrap is not installed (Debian: apt-get install bubblewrap)"
    why = "there is no Python for it"
    ours = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    for path in (ours, Path("/usr/bin/python3"), Path("/usr/local/bin/python3")):
        if not os.path.exists(path):
            continue
        try:
            reached = _reached(str(path.resolve()))
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            why = str(error)
            continue
        if not reached:
            return str(path.resolve()), ""
        return "", f"this kernel does not refuse what the filter forbids: {reached[:99]}"
    return "", why


def _reached(path: str) -> str:
    """What a program with that interpreter reaches and must not. Raises RuntimeError and others if
    it does not run."""
    boxed = box.submit(path, LIMITS).result()
    with boxed.process as process, boxed.status:
        try:
            out, err = process.communicate(program().encode(), SECONDS)
        finally:
            process.kill()
    if process.returncode:
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise RuntimeError(said[-1] if said else f"{path} ends with {process.returncode} in it")
    return out.decode().strip()


def program() -> str:
    """What is tried: every call that is not listed, and a few that depend on what is asked."""
    machine = platform.machine()
    listed = seccomp.allowed(machine)
    judged = {
        "netlink": [listed["socket"], 16, 3, 0],
        "raw sockets": [listed["socket"], 2, 3, 1],
        "typing for a terminal": [listed["ioctl"], 0, 0x5412, 0],
        "shared memory of no file": [listed["mmap"], 0, 4096, 3, 0x21, -1, 0],
        "a filter of its own": [listed["prctl"], 22, 2, 0],
    }
    return f"{_TRIED}\nmain({[*listed.values()]}, {keyring.KEYCTL[machine]}, {judged})\n"
