"""Files written whole, and folders with one writer."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from tasks.core.errors import InputError

POLL = 0.5
"""Seconds between two tries to get a lock."""


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file so that readers see the old one or the new one, never half of it.

    Raises OSError.
    """
    new = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def regular(path: Path) -> Path:
    """The path, unless a pipe or a device stands there: the one is waited for for ever, the other
    never ends. Raises InputError."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError("is a pipe or a device, not a file", file=path)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for other processes that hold it. It ends with its process."""
    with FileLock(path):
        yield


@asynccontextmanager
async def only_writer(folder: Path, waiting: Callable[[], None]) -> AsyncIterator[None]:
    """Hold a folder, which is made; `waiting` is called if another process has it first.

    Two writers of one story would pay for the same calls and mix their files. The lock is a file
    beside the folder. Raises InputError if nothing can be written there.
    """
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), thread_local=False)
    try:
        os.makedirs(folder, exist_ok=True)
        if not _acquired(lock):
            waiting()
            while not _acquired(lock):  # noqa: ASYNC110 - another process holds it
                await asyncio.sleep(POLL)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=folder) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows deletes no open file
            os.unlink(lock.lock_file)  # who waits for it takes a new one
        lock.release()


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True
