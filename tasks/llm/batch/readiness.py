"""What is at work in a run, and what of it waits for an answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(eq=False)
class _Work:
    waiting: int = 0
    parts: int = 0


_current: ContextVar[_Work | None] = ContextVar("work", default=None)


class Level:
    """The calls that can go out together. They are complete when nothing that is at work could
    add another: each story has scenes at work, and each scene waits for an answer."""

    def __init__(self) -> None:
        self._works: set[_Work] = set()

    @contextmanager
    def work(self) -> Iterator[None]:
        """A story or a scene is at work; within it, smaller pieces may be."""
        whole, part = _current.get(), _Work()
        if whole is not None:
            whole.parts += 1
        self._works.add(part)
        token = _current.set(part)
        try:
            yield
        finally:
            _current.reset(token)
            self._works.discard(part)
            if whole is not None:
                whole.parts -= 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What is at work here waits for an answer."""
        work = _current.get() or _Work()
        work.waiting += 1
        try:
            yield
        finally:
            work.waiting -= 1

    @property
    def complete(self) -> bool:
        """Whether all that is at work waits."""
        return all(work.waiting or work.parts for work in self._works)
