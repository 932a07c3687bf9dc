"""The process that parses for an event loop: lists of sentences in, their trees out, as lines of
JSON. It ends when its parent does, whose end of the pipe then closes."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from tasks.core.errors import UserError

Parse = Callable[[Sequence[str]], list[Any]]


class Worker:
    """A process that parses; started when it is first asked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and lives."""
        return self._process is not None and self._process.poll() is None

    def parse(self, texts: Sequence[str]) -> list[Any]:
        """The trees of sentences. Raises UserError if there is no model, OSError if the process
        was ended."""
        with self._lock:
            if self._process is None or not self.running:
                self._process = self._start()
            given, answers = self._process.stdin, self._process.stdout
            if given is None or answers is None:
                raise OSError("the parser's process has no pipes")
            given.write(json.dumps(list(texts)) + "\n")
            given.flush()
            line = answers.readline()
        if not line:
            raise OSError("the parser's process ended")
        answer = json.loads(line)
        if isinstance(answer, str):
            raise UserError(answer)
        return list(answer)

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        # In a session of its own, Ctrl-C does not reach it.
        return subprocess.Popen(
            [sys.executable, "-c", "from tasks.consistency.language.parser import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )


def serve(parse: Parse) -> None:
    """Answer until the pipe closes."""
    for line in sys.stdin:
        try:
            answer: Any = parse(json.loads(line))
        except UserError as error:
            answer = str(error)
        print(json.dumps(answer), flush=True)
