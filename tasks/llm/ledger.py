"""The ledger: a row for each attempt, what it may cost before it and what it did cost after it.

SQLite in WAL mode by default, PostgreSQL by URL. What is committed survives the process being
killed; an attempt whose process died, or that was cancelled after it was sent, keeps what was set
aside for it, as it may have been billed.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from sqlalchemy import (
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tasks.llm.migrations import migrate
from tasks.llm.money import to_nano, to_usd
from tasks.llm.prompt import Prompt, Purpose, Reply, Usage
from tasks.llm.tables import answers, attempts, spend
from tasks.llm.tallies import Tallies, tallies
from tasks.settings import Settings


@dataclass(frozen=True)
class Full:
    """A cap an attempt does not fit under."""

    scope: str
    cap_usd: Decimal
    spent_usd: Decimal
    """What is spent for good; the rest is set aside for calls in flight."""


@dataclass(frozen=True)
class Kept:
    """An answer from the cache, and what it cost when it was asked for."""

    reply: Reply
    cost_usd: Decimal


class Ledger:
    """An open ledger. Safe with many tasks, processes and machines."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Self]:
        """The ledger the settings name, made if it is not there yet."""
        url = settings.talewright_ledger_url
        if not url:
            settings.home.mkdir(parents=True, exist_ok=True)
            url = f"sqlite+aiosqlite:///{settings.home / 'ledger.db'}"
        engine = create_async_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _sqlite_pragmas)
            event.listen(engine.sync_engine, "begin", _begin_immediate)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(migrate)
            yield cls(engine)
        finally:
            await engine.dispose()

    @property
    def engine(self) -> AsyncEngine:
        """The database, for queries about what is no money."""
        return self._engine

    async def reserve(
        self,
        prompt: Prompt,
        purpose: Purpose,
        request: str,
        provider: str,
        model: str,
        worst: Decimal,
        caps: Mapping[str, Decimal],
    ) -> int | Full:
        """Set the worst case aside and note the attempt; its id, or the cap it does not fit
        under. Atomic over all processes."""
        nano = to_nano(worst)
        row = _row(prompt, purpose, request, provider, model)
        async with self._engine.connect() as connection, connection.begin() as transaction:
            for scope in scopes(purpose.run_id, row["day"]):
                cap = caps.get(scope.partition(":")[0])
                if await _add(connection, scope, nano, cap) is None:
                    await transaction.rollback()
                    return await self._full(scope, cap or Decimal(0))
            done = await connection.execute(
                insert(attempts)
                .values(**row, outcome="in flight", reserved_nano=nano)
                .returning(attempts.c.id)
            )
            return int(done.scalar_one())

    async def settle(
        self,
        attempt: int,
        outcome: str,
        usage: Usage,
        cost: Decimal,
        seconds: float,
        keep: tuple[str, Reply] | None = None,
    ) -> dict[str, Decimal]:
        """Note what an attempt did cost, free what was set aside beyond it, and keep its answer
        under its request: one transaction, before the answer is used.

        Returns what is now spent or set aside by its run, on the day it began and in all ('run',
        'day', 'total'), in USD.
        """
        nano = to_nano(cost)
        async with self._engine.begin() as connection:
            sums = await _book(connection, attempt, nano)
            await connection.execute(
                update(attempts)
                .where(attempts.c.id == attempt)
                .values(
                    outcome=outcome,
                    cost_nano=nano,
                    reserved_nano=0,
                    seconds=seconds,
                    **asdict(usage),
                )
            )
            if keep is not None:
                await _keep(connection, *keep, nano)
        return sums

    async def release(self, attempt: int) -> None:
        """Free what was set aside for a call that never left: it was no attempt."""
        async with self._engine.begin() as connection:
            await _book(connection, attempt, 0)
            await connection.execute(delete(attempts).where(attempts.c.id == attempt))

    async def find(self, request: str) -> Kept | None:
        """The kept answer to a request."""
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    update(answers)
                    .where(answers.c.request == request)
                    .values(used=_now())
                    .returning(answers.c.reply, answers.c.cost_nano)
                )
            ).one_or_none()
        if row is None:
            return None
        told = json.loads(row.reply)
        known = {"usage": Usage(**told["usage"]), "cost_usd": Decimal(0), "cached": True}
        reply = Reply(**told | known)
        return Kept(reply, to_usd(row.cost_nano))

    async def note_cached(self, prompt: Prompt, purpose: Purpose, request: str, kept: Kept) -> None:
        """A row for an answer that cost nothing, with what it saved."""
        row = _row(prompt, purpose, request, kept.reply.provider, kept.reply.model)
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(attempts).values(**row, outcome="cached", saved_nano=to_nano(kept.cost_usd))
            )

    async def tally(
        self,
        *,
        run_id: str | None = None,
        story_id: str | None = None,
        scene_id: str | None = None,
        day: str | None = None,
    ) -> Tallies:
        """The sums of the rows that match all that is given."""
        wanted = {"run_id": run_id, "story_id": story_id, "scene_id": scene_id, "day": day}
        where = [attempts.c[name] == value for name, value in wanted.items() if value is not None]
        async with self._engine.connect() as connection:
            return await tallies(connection, where)

    async def in_flight(self, run_id: str | None = None) -> tuple[int, Decimal]:
        """Attempts that were sent and never settled, and the USD set aside for them: they are under
        way, or were when their process died or the caller was cancelled. They may have been billed,
        so their money stays set aside."""
        aside = func.coalesce(func.sum(attempts.c.reserved_nano), 0)
        query = select(func.count(), aside).where(attempts.c.outcome == "in flight")
        if run_id is not None:
            query = query.where(attempts.c.run_id == run_id)
        async with self._engine.connect() as connection:
            count, nano = (await connection.execute(query)).one()
        return int(count), to_usd(int(nano))

    async def forget(self, days: int) -> int:
        """Drop answers that were not used for so many days; how many there were. Attempts stay:
        they are the books."""
        before = _now() - timedelta(days=days)
        async with self._engine.begin() as connection:
            done = await connection.execute(delete(answers).where(answers.c.used < before))
            return int(done.rowcount)

    async def shrink(self, size: int) -> int:
        """Drop the answers longest unused until the rest have `size` bytes; how many there were."""
        newest = (
            select(
                answers.c.request,
                func.sum(func.length(answers.c.reply))
                .over(order_by=(answers.c.used.desc(), answers.c.request))
                .label("so_far"),
            )
        ).subquery()
        beyond = select(newest.c.request).where(newest.c.so_far > size)
        async with self._engine.begin() as connection:
            done = await connection.execute(delete(answers).where(answers.c.request.in_(beyond)))
            return int(done.rowcount)

    async def kept(self) -> tuple[int, int]:
        """How many answers are kept, and their size in bytes."""
        sums = select(func.count(), func.coalesce(func.sum(func.length(answers.c.reply)), 0))
        async with self._engine.connect() as connection:
            count, size = (await connection.execute(sums.select_from(answers))).one()
        return int(count), int(size)

    async def last_run(self) -> str | None:
        """The run that made the newest row."""
        async with self._engine.connect() as connection:
            newest = select(attempts.c.run_id).order_by(attempts.c.id.desc()).limit(1)
            run_id: str | None = await connection.scalar(newest)
            return run_id

    async def _full(self, scope: str, cap: Decimal) -> Full:
        kind, _, name = scope.partition(":")
        column = {"run": attempts.c.run_id, "day": attempts.c.day}.get(kind)
        spent = select(func.coalesce(func.sum(attempts.c.cost_nano), 0))
        if column is not None:
            spent = spent.where(column == name)
        async with self._engine.connect() as connection:
            nano = await connection.scalar(spent)
        return Full(scope, cap, to_usd(int(nano or 0)))


def scopes(run_id: str, day: str) -> list[str]:
    """What an attempt's money counts against, in the order in which all lock them."""
    return [f"day:{day}", f"run:{run_id}", "total"]


async def _book(connection: AsyncConnection, attempt: int, nano: int) -> dict[str, Decimal]:
    """Put a cost in the place of what was set aside for an attempt; the new sums by scope, in USD.

    They are those of the day the attempt began: it may end on another.
    """
    c = attempts.c
    query = select(c.run_id, c.day, c.reserved_nano).where(c.id == attempt)
    row = (await connection.execute(query)).one()
    sums = {
        scope.partition(":")[0]: await _add(connection, scope, nano - row.reserved_nano, None)
        for scope in scopes(row.run_id, row.day)
    }
    return {kind: to_usd(sum_ or 0) for kind, sum_ in sums.items()}


async def _add(
    connection: AsyncConnection, scope: str, nano: int, cap: Decimal | None
) -> int | None:
    """Add to a sum, unless it would pass the cap; the new sum, or None if it was not added."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(spend).values(scope=scope, nano=0).on_conflict_do_nothing()
    await connection.execute(new)
    change = update(spend).where(spend.c.scope == scope).values(nano=spend.c.nano + nano)
    if cap is not None:
        change = change.where(spend.c.nano + nano <= to_nano(cap))
    added: int | None = await connection.scalar(change.returning(spend.c.nano))
    return added


async def _keep(connection: AsyncConnection, request: str, reply: Reply, nano: int) -> None:
    told = asdict(reply) | {"cost_usd": 0}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"at": _now(), "used": _now(), "reply": json.dumps(told), "cost_nano": nano}
    new = dialect.insert(answers).values(request=request, **row)
    await connection.execute(new.on_conflict_do_update(index_elements=["request"], set_=row))


def _row(
    prompt: Prompt, purpose: Purpose, request: str, provider: str, model: str
) -> dict[str, Any]:
    now = _now()
    return {
        "at": now,
        "day": now.date().isoformat(),
        **asdict(purpose),
        "prompt_id": prompt.id,
        "prompt_version": prompt.version,
        "prompt_hash": prompt.hash,
        "provider": provider,
        "model": model,
        "request": request,
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _sqlite_pragmas(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin when we say so
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A write lock from the start: a transaction that reads first could not be upgraded.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
