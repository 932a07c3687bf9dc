"""Which process owns something, and whether it still lives."""

import os
import socket


def this_process() -> str:
    """This process, as `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def died(owner: str) -> bool:
    """Whether a process is known to be gone; of those on other machines nothing is known."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
