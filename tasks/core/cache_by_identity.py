"""Memoization of functions of immutable values too large to compare: by identity."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple, cast

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class _Same:
    """A value that is equal to itself only."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


def cache_by_identity(
    size: int,
) -> Callable[[Callable[[*Arguments], T]], Callable[[*Arguments], T]]:
    """Keep the last `size` results by the identity of the arguments, which are held as long."""

    def keep(function: Callable[[*Arguments], T]) -> Callable[[*Arguments], T]:
        @lru_cache(size)
        def known(*same: _Same) -> T:
            return function(*cast(tuple[*Arguments], tuple(one.value for one in same)))

        @wraps(function)
        def call(*arguments: *Arguments) -> T:
            return known(*map(_Same, arguments))

        return call

    return keep
