"""Work side by side that ends together."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


@overload
async def run_all(one: Awaitable[A], other: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def run_all(*works: Awaitable[T]) -> tuple[T, ...]: ...
async def run_all(*works: Awaitable[Any]) -> tuple[Any, ...]:
    """What each work gives, in their order.

    The first error is raised when all have ended, so that what is paid for is kept; cancelled, all
    are stopped and waited for. `asyncio.gather` leaves the others running in both cases.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(work)) for work in works]
    except BaseExceptionGroup as ended:  # by a signal that Prefect raises wherever it arrives
        raise ended.exceptions[0] from None
    outcomes = [task.result() for task in tasks]
    for outcome in outcomes:
        if isinstance(outcome, _Failed):
            raise outcome.error
    return tuple(outcomes)


class _Failed:
    def __init__(self, error: Exception) -> None:
        self.error = error


async def _outcome(work: Awaitable[T]) -> T | _Failed:
    try:
        return await work
    except Exception as error:
        return _Failed(error)
