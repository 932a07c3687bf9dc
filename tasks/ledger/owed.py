"""Answers that are paid but could not be booked, kept in files until the ledger takes them.

A file of some size lies ready, so that a full disk has room for them: it is given up first.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from tasks.core.files import replace_file
from tasks.core.settings import Settings

RESERVE_BYTES = 1024 * 1024
"""About a hundred answers."""


def reserve_file(settings: Settings) -> Path:
    """The file that is given up on a full disk."""
    return settings.home / "ledger.reserve"


def make_reserve(settings: Settings) -> None:
    """Make it if it is not there. Raises OSError on a full disk."""
    path = reserve_file(settings)
    if path.exists():
        return
    try:
        with path.open("wb") as file:
            file.write(os.urandom(RESERVE_BYTES))  # which no file system makes smaller
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def keep_owed(settings: Settings, ledger: str, owed: Mapping[str, Any]) -> None:
    """Keep one settlement. Raises OSError if nothing can be written even so."""
    path = _folder(settings, ledger) / f"{uuid4().hex}.json"
    content = json.dumps(owed)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError:
        reserve_file(settings).unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)


def owed(settings: Settings, ledger: str) -> list[tuple[Path, dict[str, Any]]]:
    """The settlements that are kept, oldest first."""
    found = []
    folder = _folder(settings, ledger)
    for path in sorted(folder.glob("*.json"), key=os.path.getmtime) if folder.is_dir() else []:
        with suppress(OSError, ValueError):
            found.append((path, json.loads(path.read_bytes())))
    return found


def _folder(settings: Settings, ledger: str) -> Path:
    """Those of one ledger: its rows are known by their numbers."""
    return settings.home / "unsettled" / hashlib.sha256(ledger.encode()).hexdigest()[:12]
