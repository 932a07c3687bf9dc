"""Verdicts kept by code and engine: models repeat their snippets."""

import hashlib
from pathlib import Path

from pydantic import TypeAdapter

from tasks.core.files import replace_file
from tasks.sandbox.engine import Limits, Run
from tasks.story.code import Engine

KEPT = {"passed", "raised", "resource", "unsupported"}
"""What depends on the code alone. A slow or broken machine is no verdict on it."""

_RUN = TypeAdapter(Run)


class Verdicts:
    """A file a verdict, in a folder. Any number of processes may share it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits

    def get(self, engine: Engine, program: str) -> Run | None:
        """What the program did before, at no cost."""
        try:
            kept = _RUN.validate_json(self._path(engine, program, "json").read_bytes())
        except (OSError, ValueError):
            return None
        return kept

    def keep(self, engine: Engine, program: str, ran: Run) -> None:
        """Keep what it did, if that rests on the code alone; what it cost is paid once."""
        if ran.verdict in KEPT:
            free = Run(ran.verdict, ran.stdout, ran.error, ran.seconds)
            self._write(self._path(engine, program, "json"), _RUN.dump_json(free))

    def program(self, engine: Engine, program: str) -> Path:
        """A file that holds the program, to run it again."""
        path = self._path(engine, program, "py")
        self._write(path, program.encode("utf-8", "replace"))
        return path

    def _path(self, engine: Engine, program: str, ending: str) -> Path:
        what = f"{engine} {self._limits}\n{program}".encode("utf-8", "replace")
        return self._folder / f"{hashlib.sha256(what).hexdigest()[:32]}.{ending}"

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(exist_ok=True)
        replace_file(path, content)
