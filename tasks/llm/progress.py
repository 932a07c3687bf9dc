"""Who wants to see an answer grow: providers stream while somebody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_watcher: ContextVar[Callable[[int], None] | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(grown: Callable[[int], None]) -> Iterator[None]:
    """Within it, `grown` is told the number of characters an answer has so far."""
    token = _watcher.set(grown)
    try:
        yield
    finally:
        _watcher.reset(token)


def watcher() -> Callable[[int], None] | None:
    """Who watches this call, if anybody does."""
    return _watcher.get()
