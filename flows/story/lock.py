"""One writer a story: two at once would pay for the same calls and mix their files."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tasks.core.errors import InputError

POLL = 0.5
"""Seconds between two tries."""


@asynccontextmanager
async def alone(folder: Path, waiting: Callable[[], None]) -> AsyncIterator[None]:
    """Hold a story's folder, which is made; `waiting` is called if another process has it first.

    The lock is a file beside the folder and ends with its process. Raises InputError if nothing
    can be written there.
    """
    lock = folder.with_name(f".{folder.name}.lock")
    try:
        os.makedirs(folder, exist_ok=True)
        held = _try(lock)
        if held is None:
            waiting()
        while held is None:
            await asyncio.sleep(POLL)
            held = _try(lock)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=folder) from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(held)


def _try(lock: Path) -> int | None:
    """The locked file, or None while another has it."""
    file = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who had it before has deleted it, and somebody may have made it anew.
        if os.stat(lock).st_ino == os.fstat(file).st_ino:
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(file)
    return None
