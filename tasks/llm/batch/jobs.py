"""Batch jobs in the ledger: known before they are submitted, until every call is settled."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import NoResultFound

from tasks.core.process import died
from tasks.ledger.ledger import Ledger
from tasks.ledger.money import to_usd
from tasks.ledger.tables import attempts, jobs

PLANNING = timedelta(minutes=10)
"""Longer than it takes to submit a job: who planned one before that has died."""

GATHERING = "gathering "

RECENT = 20
"""Jobs whose durations tell how long the next may take."""


@dataclass(frozen=True)
class Job:
    """One batch job. `remote` is the provider's id, '' until it is known to be submitted."""

    name: str
    provider: str
    model: str
    calls: int
    at: datetime
    remote: str = ""
    owner: str = ""

    @property
    def orphaned(self) -> bool:
        """Whether nobody is about to submit it any more."""
        return datetime.now(UTC) - self.at > PLANNING or died(self.owner)


@dataclass(frozen=True)
class Attempt:
    """A call of a job in the ledger, with the USD set aside for it."""

    id: int
    reserved_usd: Decimal


def gathering(owner: str) -> str:
    """The job of an attempt that a process has not sent yet."""
    return f"{GATHERING}{owner}"


async def release_unsent(ledger: Ledger) -> None:
    """Free what was set aside for attempts whose process died before it sent them."""
    c = attempts.c
    query = select(c.id, c.job).where(c.outcome == "in flight", c.job.startswith(GATHERING))
    for row in await ledger.run(lambda connection: connection.execute(query).all()):
        if died(row.job.removeprefix(GATHERING)):
            with suppress(NoResultFound):  # Another process did it already.
                await ledger.release(row.id)


async def plan(ledger: Ledger, job: Job, rows: Sequence[int]) -> None:
    """Note a job and its attempts, before it is submitted."""
    values = {name: getattr(job, name) for name in ("name", "provider", "model", "calls", "at")}
    of_job = update(attempts).where(attempts.c.id.in_(rows)).values(job=job.name)

    def work(connection: Connection) -> None:
        connection.execute(insert(jobs), values | {"remote": "", "owner": job.owner, "note": ""})
        connection.execute(of_job)

    await ledger.run(work)


async def submitted(ledger: Ledger, name: str, remote: str) -> None:
    """Note the provider's id of a job."""
    change = update(jobs).where(jobs.c.name == name).values(remote=remote)
    await ledger.run(lambda connection: connection.execute(change))


async def end(ledger: Ledger, name: str, note: str = "") -> None:
    """Note that nothing more will come of a job."""
    values = {"ended": datetime.now(UTC), "note": note}
    change = update(jobs).where(jobs.c.name == name).values(**values)
    await ledger.run(lambda connection: connection.execute(change))


async def unsettled(ledger: Ledger, name: str) -> dict[str, Attempt]:
    """The attempts of a job that are not settled, by request."""
    c = attempts.c
    query = select(c.request, c.id, c.reserved_nano).where(c.job == name, c.outcome == "in flight")
    rows = await ledger.run(lambda connection: connection.execute(query).all())
    return {row.request: Attempt(row.id, to_usd(row.reserved_nano)) for row in rows}


async def known(ledger: Ledger) -> set[str]:
    """The providers' ids of all jobs that are known to be submitted."""
    query = select(jobs.c.remote).where(jobs.c.remote != "")
    return set(await ledger.run(lambda connection: connection.scalars(query).all()))


async def open_jobs(ledger: Ledger, provider: str, model: str) -> list[Job]:
    """Jobs of any run that have not ended, oldest first."""
    c = jobs.c
    query = select(jobs).where(c.provider == provider, c.model == model, c.ended.is_(None))
    rows = await ledger.run(lambda connection: connection.execute(query.order_by(c.at)).all())
    return [_job(row) for row in rows]


async def usual_seconds(ledger: Ledger, provider: str, model: str) -> float | None:
    """The median duration of the last jobs; None if there were none."""
    c = jobs.c
    query = select(c.at, c.ended).where(
        c.provider == provider, c.model == model, c.ended.is_not(None), c.note == ""
    )
    query = query.order_by(c.at.desc()).limit(RECENT)
    rows = await ledger.run(lambda connection: connection.execute(query).all())
    return median((row.ended - row.at).total_seconds() for row in rows) if rows else None


def _job(row: Row[tuple[object, ...]]) -> Job:
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    return Job(row.name, row.provider, row.model, row.calls, at, row.remote, row.owner)
