"""Who wants to see a text grow: providers stream while somebody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

_watcher: ContextVar[Callable[[str, int], None] | None] = ContextVar("watcher", default=None)
_text: ContextVar[str] = ContextVar("text", default="")


@contextmanager
def watching(grown: Callable[[str, int], None]) -> Iterator[None]:
    """Within it, `grown` is told the name of a text and the number of characters it has so far."""
    token = _watcher.set(grown)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Within it, an answer is the text of that name. Answers without a name are not watched."""
    token = _text.set(name)
    try:
        yield
    finally:
        _text.reset(token)


def watcher() -> Callable[[int], None] | None:
    """Who watches this call, if anybody does."""
    grown, name = _watcher.get(), _text.get()
    return partial(grown, name) if grown and name else None
