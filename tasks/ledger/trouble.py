"""What is wrong with a ledger, in one line: which, what, and what to do."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from tasks.calls.errors import LLMError
from tasks.core.errors import UserError
from tasks.core.scrub import scrub
from tasks.core.settings import Settings

LEAST_FREE = 16 * 1024 * 1024
"""Bytes that have to be free before a call is made, for the answers of those in flight."""


class LedgerTrouble(LLMError, UserError):
    """The ledger cannot be used, so no call is made."""


class Newer(Exception):
    """The ledger has a version that this code does not know."""


def place(settings: Settings) -> str:
    """The ledger for people: its file, or its URL without a password."""
    url = settings.talewright_ledger_url.get_secret_value()
    if not url:
        return str(settings.home / "ledger.db")
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or "memory"
    return parsed.set(username=None, password=None, query={}).render_as_string()


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Trouble with the database as LedgerTrouble."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, CommandError, OSError, Newer) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        said = _said(cause, remote=not _file(settings))
        raise LedgerTrouble(f"The ledger {place(settings)} {said}") from None


def check_file(settings: Settings, reserve: Path) -> None:
    """Raise LedgerTrouble for a ledger of 0 bytes that had rows, as its reserve shows, and for one
    that no file can be."""
    file = _file(settings)
    if file is None:
        return
    if file.exists() and not file.is_file():
        raise LedgerTrouble(f"The ledger {file} is no file. Move it away.")
    if file.exists() and file.stat().st_size == 0 and reserve.exists() and not _wal(file):
        raise LedgerTrouble(
            f"The ledger {file} is empty, but answers and costs were in it. Put a copy of it back, "
            f"or delete {reserve.name} beside it to begin a new one."
        )


def check_room(settings: Settings) -> None:
    """Raise LedgerTrouble where the disk has no room for an answer: it would be paid and lost."""
    try:
        free = shutil.disk_usage(settings.made_home()).free
    except OSError:
        return
    if free < LEAST_FREE:
        raise LedgerTrouble(
            f"The disk of {settings.home} is full, so no call is made: free "
            f"{LEAST_FREE >> 20} MiB and run the same command again; nothing is paid twice."
        )


def _file(settings: Settings) -> Path | None:
    url = settings.talewright_ledger_url.get_secret_value()
    if not url:
        return settings.home / "ledger.db"
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(parsed.database or "")


def _wal(file: Path) -> bool:
    wal = file.with_name(f"{file.name}-wal")
    return wal.exists() and wal.stat().st_size > 0


def _said(error: BaseException, *, remote: bool) -> str:
    words = scrub(str(error)).lower()
    if isinstance(error, Newer) or "can't locate revision" in words:
        return (
            "was made by a newer Talewright. Update Talewright, or set TALEWRIGHT_HOME to another "
            "folder."
        )
    if remote:
        return (
            f"cannot be used: {scrub(str(error) or type(error).__name__)}. Start its server and "
            "check TALEWRIGHT_LEDGER_URL, or unset it for a ledger on this machine."
        )
    for mark, what in TROUBLE.items():
        if mark in words:
            return what
    return f"cannot be used: {scrub(str(error) or type(error).__name__)}."


_DAMAGED = (
    "is damaged. Put a copy of it back, or move it away to begin a new one; then the answers in "
    "it are paid again."
)
_READ_ONLY = "cannot be written. Give yourself the right to write to it and to its folder."
TROUBLE = {
    "not a database": _DAMAGED,
    "malformed": _DAMAGED,
    "no such table": _DAMAGED,
    "no such column": _DAMAGED,
    "already exists": _DAMAGED,
    "readonly": _READ_ONLY,
    "unable to open": _READ_ONLY,
    "permission denied": _READ_ONLY,
    "read-only": _READ_ONLY,
    "is full": "is on a full disk. Free some space and run the same command again.",
    "no space": "is on a full disk. Free some space and run the same command again.",
    "disk i/o": "is on a full or broken disk. Free some space and run the same command again.",
    "locked": "is held by another process for too long. Try again when that has ended.",
}
"""What SQLite and the system say, and what that means."""
