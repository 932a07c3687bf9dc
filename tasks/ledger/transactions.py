"""Transactions of the ledger's database, each a function of one connection.

On SQLite they run in a thread of their own, and those that wait together are committed together.
Through an async driver each statement would be several hops between threads, and the writers of one
process would wait for one another's locks by sleeping (tests/bench/overhead.py).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tasks.core.errors import InputError

T = TypeVar("T")


class Transactions(Protocol):
    """An open database."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction, committed when this returns. Work that began ends, also
        when the caller is cancelled."""
        ...


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Transactions]:
    """Open the database of a SQLAlchemy URL. Raises InputError if it is none, without repeating it,
    as it may hold a password."""
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (SQLAlchemyError, ValueError):
        raise InputError(
            "no URL of a database such as postgresql+asyncpg://USER:PASSWORD@HOST/NAME",
            file="environment or .env",
            field="TALEWRIGHT_LEDGER_URL",
        ) from None
    if parsed.get_backend_name() == "sqlite":
        with ThreadPoolExecutor(1, "ledger") as thread:
            engine = _sqlite(parsed)
            try:
                yield _InThread(engine, thread)
            finally:
                thread.submit(engine.dispose).result()
    else:
        async_engine = create_async_engine(parsed)
        try:
            yield _Async(async_engine)
        finally:
            await async_engine.dispose()


class _InThread:
    def __init__(self, engine: Engine, thread: ThreadPoolExecutor) -> None:
        self._engine, self._thread = engine, thread
        self._waiting: deque[tuple[Future[Any], Callable[[Connection], Any]]] = deque()

    async def run(self, work: Callable[[Connection], T]) -> T:
        done: Future[T] = Future()
        self._waiting.append((done, work))
        self._thread.submit(self._commit)
        return await asyncio.wrap_future(done)

    def _commit(self) -> None:
        """Do all that waits in one transaction, each in a savepoint; tell when it is on the disk.

        A commit waits for the disk, so a hundred calls in flight share it (group commit).
        """
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        batch = [(done, work) for done, work in batch if done.set_running_or_notify_cancel()]
        if not batch:
            return
        told: list[Callable[[], None]] = []
        try:
            with self._engine.begin() as connection:
                for done, work in batch:
                    try:
                        with connection.begin_nested():
                            told.append(partial(done.set_result, work(connection)))
                    except Exception as error:
                        told.append(partial(done.set_exception, error))
        except BaseException as error:
            told = [partial(done.set_exception, error) for done, _ in batch]
        for tell in told:
            tell()


class _Async:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.shield(asyncio.ensure_future(self._do(work)))

    async def _do(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            result = await connection.run_sync(work)
            await connection.commit()
            return result


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url.set(drivername="sqlite"), connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _pragmas(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin when we say so
    cursor = connection.cursor()
    # FULL: a commit is on the disk, so a bill outlives a power cut too.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A write lock from the start: a transaction that reads first could not be upgraded.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
