"""Answers that could not be used, kept as they came."""

import hashlib
from pathlib import Path

from tasks.calls.prompt import Purpose
from tasks.core.settings import Settings


def keep_raw(settings: Settings, purpose: Purpose, text: str) -> Path:
    """Write a raw answer below `settings.home` and return where. Raises OSError."""
    raw = text.encode("utf-8", "backslashreplace")
    digest = hashlib.sha256(raw).hexdigest()[:8]
    path = settings.made_home() / "raw" / purpose.run_id / f"{purpose.scene_id}-{digest}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path
