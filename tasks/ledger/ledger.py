"""The ledger: a row for each attempt, what it may cost before it and what it did cost after it.

SQLite in WAL mode by default, PostgreSQL by URL. What is committed survives the process being
killed; an attempt whose process died, or that was cancelled after it was sent, keeps what was set
aside for it, as it may have been billed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import NoResultFound

from tasks.calls.prompt import Prompt, Purpose, Reply, Usage
from tasks.core.process import died, this_process
from tasks.core.run_log import logger
from tasks.core.settings import Settings
from tasks.ledger.migrations import migrate
from tasks.ledger.money import to_nano, to_usd
from tasks.ledger.owed import keep_owed, make_reserve, owed, reserve_file
from tasks.ledger.tables import answers, attempts
from tasks.ledger.tallies import Tallies, tallies
from tasks.ledger.transactions import Transactions, connect
from tasks.ledger.trouble import LedgerTrouble, check_file, check_room, explained, place

T = TypeVar("T")

# One statement for the three sums, in the order of `_scopes`: all writers lock them in that order.
_ADD = text(
    """
    INSERT INTO spend (scope, nano) VALUES (:day, :nano), (:run, :nano), (:total, :nano)
    ON CONFLICT (scope) DO UPDATE SET nano = spend.nano + excluded.nano
    RETURNING scope, nano
    """
).bindparams(bindparam("nano", type_=BigInteger))


@dataclass(frozen=True)
class Full:
    """A cap an attempt does not fit under."""

    scope: str
    cap_usd: Decimal
    spent_usd: Decimal
    """What is spent for good."""
    aside_usd: Decimal
    """What is set aside for calls in flight, also of other runs and of processes that died."""


class _DoesNotFit(Exception):
    """Rolls a reservation back."""

    def __init__(self, full: Full) -> None:
        self.full = full


@dataclass(frozen=True)
class Kept:
    """An answer from the cache, and what it cost when it was asked for."""

    reply: Reply
    cost_usd: Decimal


@dataclass(frozen=True)
class Lost:
    """A call that was in flight when its process ended."""

    attempt: int
    at: datetime
    run_id: str
    story_id: str
    scene_id: str
    model: str
    most_usd: Decimal
    """What it may have cost."""

    @classmethod
    def of(cls, row: Any) -> Self:
        """Of a row of attempts."""
        most = to_usd(row.reserved_nano)
        return cls(row.id, row.at, row.run_id, row.story_id, row.scene_id, row.model, most)


ABROAD = timedelta(days=1)
"""Age of a call in flight after which its process, of which nothing is known, is gone as well."""


class Ledger:
    """An open ledger. Safe with many tasks, processes and machines."""

    def __init__(self, transactions: Transactions, settings: Settings) -> None:
        self._transactions = transactions
        self._settings = settings
        self._owes = False

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Self]:
        """The ledger the settings name, made if it is not there yet. What a full disk or a lost
        database kept from it is booked now. Raises LedgerTrouble."""
        with explained(settings):
            home = settings.made_home()
        url = settings.talewright_ledger_url.get_secret_value()
        async with connect(url or f"sqlite:///{home / 'ledger.db'}") as transactions:
            check_file(settings, reserve_file(settings))
            ledger = cls(transactions, settings)
            await ledger.run(migrate)
            with suppress(OSError):  # a full disk: then no call is made
                make_reserve(settings)
            await ledger._book_owed()
            yield ledger

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do work of one's own on its database, in one transaction. Raises LedgerTrouble."""
        with explained(self._settings):
            return await self._transactions.run(work)

    async def reserve(
        self,
        prompt: Prompt,
        purpose: Purpose,
        request: str,
        provider: str,
        model: str,
        worst: Decimal,
        caps: Mapping[str, Decimal],
        job: str = "",
    ) -> int | Full:
        """Set the worst case aside and note the attempt, and the batch job it waits for; its id, or
        the cap it does not fit under. Atomic over all processes. Raises LedgerTrouble where the
        answer could not be kept."""
        check_room(self._settings)
        if self._owes:
            await self._book_owed()
        nano = to_nano(worst)
        row = _row(prompt, purpose, request, provider, model)

        def work(connection: Connection) -> int:
            scopes = _scopes(purpose.run_id, row["day"])
            sums = _add(connection, scopes, nano)
            for kind, cap in caps.items():
                if sums[kind] > cap:
                    spent = _spent(connection, scopes[kind])
                    aside = sums[kind] - to_usd(nano) - spent
                    raise _DoesNotFit(Full(scopes[kind], cap, spent, aside))
            values = row | {"outcome": "in flight", "reserved_nano": nano, "job": job}
            made = connection.execute(insert(attempts).returning(attempts.c.id), values)
            return int(made.scalar_one())

        reserving = asyncio.ensure_future(self.run(work))
        try:
            return await asyncio.shield(reserving)
        except _DoesNotFit as error:
            return error.full
        except asyncio.CancelledError:
            # The transaction ends all the same, and nobody would know its row.
            await asyncio.shield(asyncio.ensure_future(self._undo(reserving)))
            raise

    async def _undo(self, reserving: asyncio.Future[int]) -> None:
        with suppress(_DoesNotFit):
            await self.release(await reserving)

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
        counted = {name: value for name, value in asdict(usage).items() if name != "cost_usd"}
        values = {"outcome": outcome, "cost_nano": nano, "seconds": seconds, **counted}

        def work(connection: Connection) -> dict[str, Decimal]:
            if keep is not None:
                _keep(connection, *keep, nano)
            return _book(connection, attempt, nano, values)

        try:
            return await self.run(work)
        except LedgerTrouble as trouble:
            told = keep and (keep[0], json.dumps(_told(keep[1])))
            owing = {"attempt": attempt, "nano": nano, "values": values, "keep": told}
            self._owe(owing, trouble)
            return {}

    def _owe(self, owing: Mapping[str, Any], trouble: LedgerTrouble) -> None:
        """Keep in a file what could not be booked: it is paid."""
        self._owes = True
        try:
            keep_owed(self._settings, place(self._settings), owing)
        except OSError as error:
            raise LedgerTrouble(
                f"{trouble} An answer that may be billed could not be kept either "
                f"({error.strerror}): `talewright ledger release` names it."
            ) from None
        logger().warning("%s An answer is kept in %s.", trouble, self._settings.home / "unsettled")

    async def _book_owed(self) -> None:
        for path, owing in owed(self._settings, place(self._settings)):

            def work(connection: Connection, owing: dict[str, Any] = owing) -> None:
                if owing["keep"] is not None:
                    request, told = owing["keep"]
                    _keep_told(connection, request, told, owing["nano"])
                with suppress(NoResultFound):  # Another process did it already.
                    _book(connection, owing["attempt"], owing["nano"], owing["values"])

            await self.run(work)
            path.unlink(missing_ok=True)
        self._owes = False

    async def lost(self) -> list[Lost]:
        """The calls in flight whose process is gone, oldest first; of another machine's, those
        older than a day."""
        c = attempts.c
        query = select(attempts).where(c.outcome == "in flight", c.job == "").order_by(c.id)
        rows = await self.run(lambda connection: connection.execute(query).all())
        return [Lost.of(row) for row in rows if died(row.owner) or _age(row.at) > ABROAD]

    async def give_up(self, lost: Sequence[Lost]) -> None:
        """Free what is set aside for lost calls, which are then called `lost`: they may have been
        billed, and nobody knows."""

        def work(connection: Connection) -> None:
            for one in lost:
                with suppress(NoResultFound):  # Another process did it already.
                    _book(connection, one.attempt, 0, {"outcome": "lost"})

        await self.run(work)

    async def release(self, attempt: int) -> None:
        """Free what was set aside for a call that never left: it was no attempt."""

        def work(connection: Connection) -> None:
            _book(connection, attempt, 0, {"outcome": "released"})
            connection.execute(delete(attempts).where(attempts.c.id == attempt))

        await self.run(work)

    async def find(self, request: str) -> Kept | None:
        """The kept answer to a request."""
        query = select(answers.c.reply, answers.c.cost_nano).where(answers.c.request == request)
        row = await self.run(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        told = json.loads(row.reply)
        known = {"usage": Usage(**told["usage"]), "cost_usd": Decimal(0), "cached": True}
        reply = Reply(**told | known)
        return Kept(reply, to_usd(row.cost_nano))

    async def note_cached(self, prompt: Prompt, purpose: Purpose, request: str, kept: Kept) -> None:
        """A row for an answer that cost nothing, with what it saved."""
        row = _row(prompt, purpose, request, kept.reply.provider, kept.reply.model)
        row |= {"outcome": "cached", "saved_nano": to_nano(kept.cost_usd)}
        use = update(answers).where(answers.c.request == request)

        def work(connection: Connection) -> None:
            connection.execute(insert(attempts), row)
            connection.execute(use, {"used": row["at"]})

        await self.run(work)

    async def tally(
        self,
        *,
        run_id: str | None = None,
        story_id: str | None = None,
        day: str | None = None,
    ) -> Tallies:
        """The sums of the rows that match all that is given."""
        where = _where(run_id=run_id, story_id=story_id, day=day)
        return await self.run(lambda connection: tallies(connection, where))

    async def spent(
        self, run_id: str, story_id: str | None = None, scene_id: str | None = None
    ) -> Decimal:
        """What the attempts of a run, a story or a scene did cost so far, in USD."""
        where = _where(run_id=run_id, story_id=story_id, scene_id=scene_id)
        return await self.run(lambda connection: _cost(connection, where))

    async def forget(self, days: int) -> int:
        """Drop answers that were not used for so many days; how many there were. Attempts stay:
        they are the books."""
        before = _now() - timedelta(days=days)
        old = delete(answers).where(answers.c.used < before)
        return await self.run(lambda connection: connection.execute(old).rowcount)

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
        oldest = delete(answers).where(answers.c.request.in_(beyond))
        return await self.run(lambda connection: connection.execute(oldest).rowcount)

    async def kept(self) -> tuple[int, int]:
        """How many answers are kept, and their size in bytes."""
        sums = select(func.count(), func.coalesce(func.sum(func.length(answers.c.reply)), 0))
        query = sums.select_from(answers)
        count, size = await self.run(lambda connection: connection.execute(query).one())
        return int(count), int(size)

    async def last_run(self) -> str | None:
        """The run that made the newest row."""
        newest = select(attempts.c.run_id).order_by(attempts.c.id.desc()).limit(1)
        return await self.run(lambda connection: connection.scalar(newest))


def _scopes(run_id: str, day: str) -> dict[str, str]:
    """What an attempt's money counts against: the run, the day it began, and all."""
    return {"day": f"day:{day}", "run": f"run:{run_id}", "total": "total"}


def _add(connection: Connection, scopes: Mapping[str, str], nano: int) -> dict[str, Decimal]:
    """Add to the sums; the new ones, in USD."""
    sums = {row.scope: row.nano for row in connection.execute(_ADD, {**scopes, "nano": nano})}
    return {kind: to_usd(sums[scope]) for kind, scope in scopes.items()}


def _spent(connection: Connection, scope: str) -> Decimal:
    """What a scope's attempts did cost, in USD, without what is set aside."""
    kind, _, name = scope.partition(":")
    column = {"run": "run_id", "day": "day"}.get(kind)
    return _cost(connection, _where(**{column: name}) if column else [])


def _cost(connection: Connection, where: Sequence[ColumnElement[bool]]) -> Decimal:
    query = select(func.coalesce(func.sum(attempts.c.cost_nano), 0)).where(*where)
    return to_usd(int(connection.scalar(query) or 0))


def _where(**wanted: str | None) -> list[ColumnElement[bool]]:
    """The conditions on the columns of attempts that are given."""
    return [attempts.c[name] == value for name, value in wanted.items() if value is not None]


def _book(
    connection: Connection, attempt: int, nano: int, values: Mapping[str, Any]
) -> dict[str, Decimal]:
    """Change an attempt that is in flight, its cost in the place of what was set aside for it; the
    new sums, in USD."""
    c = attempts.c
    change = update(attempts).where(c.id == bindparam("attempt"), c.outcome == "in flight")
    change = change.returning(c.run_id, c.day, c.reserved_nano)
    row = connection.execute(change, {"attempt": attempt, **values}).one()
    return _add(connection, _scopes(row.run_id, row.day), nano - row.reserved_nano)


def _keep(connection: Connection, request: str, reply: Reply, nano: int) -> None:
    _keep_told(connection, request, json.dumps(_told(reply)), nano)


def _told(reply: Reply) -> dict[str, Any]:
    return asdict(replace(reply, usage=replace(reply.usage, cost_usd=None))) | {"cost_usd": 0}


def _keep_told(connection: Connection, request: str, told: str, nano: int) -> None:
    now = _now()
    row = {"at": now, "used": now, "reply": told, "cost_nano": nano}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(answers)
    new = new.on_conflict_do_update(
        index_elements=["request"], set_={name: new.excluded[name] for name in row}
    )
    connection.execute(new, row | {"request": request})


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
        "owner": this_process(),
    }


def _age(at: datetime) -> timedelta:
    return _now() - (at if at.tzinfo else at.replace(tzinfo=UTC))


def _now() -> datetime:
    return datetime.now(UTC)
