"""The batch jobs of one model: submitted once, followed to their end, and settled call by call."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from sqlalchemy.exc import NoResultFound

from tasks.calls.errors import LLMError, TryLater
from tasks.calls.prompt import Reply, Usage
from tasks.core.process import this_process
from tasks.core.run_log import logger
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.prices import Prices
from tasks.llm.batch import jobs
from tasks.llm.batch.api import SHARE, BatchAPI, Status
from tasks.llm.batch.call import Call
from tasks.llm.batch.jobs import Job
from tasks.llm.batch.show import show
from tasks.llm.retry import retrying


@dataclass(eq=False)
class Lane:
    """One model's jobs. `notes` is what the receipt has to say about them; `closed` after a job
    that missed its deadline."""

    api: BatchAPI
    provider: str
    model: str
    settings: Settings
    ledger: Ledger
    prices: Prices
    warn: Callable[[Mapping[str, Decimal]], None]
    notes: list[str] = field(default_factory=list)
    closed: bool = False
    _promised: dict[str, asyncio.Event] = field(default_factory=dict)

    async def open_jobs(self) -> list[tuple[Job, asyncio.Event]]:
        """The jobs that other runs left open; each with what is set when it is over."""
        found = []
        for job in await jobs.open_jobs(self.ledger, self.provider, self.model):
            over = asyncio.Event()
            unsettled = await jobs.unsettled(self.ledger, job.name)
            self._promised |= dict.fromkeys(unsettled, over)
            found.append((job, over))
        return found

    async def awaited(self, request: str) -> None:
        """Return when no job of another run may still answer the request."""
        if (over := self._promised.get(request)) is not None:
            await over.wait()

    async def take_up(self, job: Job, over: asyncio.Event) -> None:
        """Follow a job that another run left open."""
        try:
            while not job.remote:
                known = await jobs.known(self.ledger)
                remote = await self.api.find(job.name, job.at, job.calls, known)
                if remote:
                    await jobs.submitted(self.ledger, job.name, remote)
                    job = replace(job, remote=remote)
                elif job.orphaned:
                    return await self._end(job, {}, "it was never submitted")
                else:
                    await asyncio.sleep(self.settings.llm_batch_poll)
            await self._follow(job, {}, over)
        except LLMError as error:
            logger().warning("Batch job %s could not be taken up: %s", job.name, error)
        finally:
            over.set()

    async def run(self, calls: Sequence[Call]) -> None:
        """Send calls as one job, and answer them."""
        waiting = {call.request: call for call in calls}
        job = Job(
            name=f"talewright-{uuid4().hex[:16]}",
            provider=self.provider,
            model=self.model,
            calls=len(calls),
            at=datetime.now(UTC),
            owner=this_process(),
        )
        await jobs.plan(self.ledger, job, [call.attempt for call in calls])
        try:
            job = replace(job, remote=await self._submit(job, waiting))
        except LLMError as error:
            await self._end(job, waiting, str(error), error)
        else:
            await self._follow(job, waiting, asyncio.Event())

    async def _submit(self, job: Job, calls: Mapping[str, Call]) -> str:
        prompts = {request: call.prompt for request, call in calls.items()}
        async for attempt in retrying(self.settings):
            with attempt:
                remote = ""
                if attempt.retry_state.attempt_number > 1:
                    # The answer was lost, perhaps not the job.
                    known = await jobs.known(self.ledger)
                    remote = await self.api.find(job.name, job.at, job.calls, known)
                remote = remote or await self.api.submit(job.name, prompts)
                await jobs.submitted(self.ledger, job.name, remote)
                return remote
        raise AssertionError("tenacity ends with a value or an error")

    async def _follow(self, job: Job, calls: Mapping[str, Call], over: asyncio.Event) -> None:
        await show(self.ledger, job)
        deadline = job.at + timedelta(seconds=self.settings.llm_batch_deadline)
        while not (status := await self._status(job)).ended:
            if not over.is_set() and datetime.now(UTC) >= deadline:
                over.set()
                await self._late(job, calls)
            await asyncio.sleep(self.settings.llm_batch_poll)
        if status.known:
            async for attempt in retrying(self.settings):
                with attempt:
                    await self._collect(job, calls)
        await self._end(job, calls, status.failure)
        await show(self.ledger, job, status.failure or "ended")

    async def _status(self, job: Job) -> Status:
        """How a job stands; one that cannot be asked for now goes on."""
        try:
            return await self.api.status(job.remote)
        except LLMError as error:
            if not error.retry:
                return Status(ended=True, failure=str(error), known=not error.unknown)
            logger().info("Batch job %s: %s", job.name, error)
            return Status(ended=False)

    async def _late(self, job: Job, calls: Mapping[str, Call]) -> None:
        """Send the calls of a job the ordinary way. Their money stays set aside while it may still
        be billed."""
        self.closed = True
        note = (
            f"Batch job {job.name} had no answers after "
            f"{self.settings.llm_batch_deadline / 3600:g} h: the rest went the ordinary way."
        )
        self.notes.append(note)
        logger().warning(note)
        for call in calls.values():
            call.answer(None)
        with suppress(LLMError):
            await self.api.cancel(job.remote)

    async def _collect(self, job: Job, calls: Mapping[str, Call]) -> None:
        unsettled = await jobs.unsettled(self.ledger, job.name)
        async for request, answer in self.api.results(job.remote):
            # A line of somebody else's, or one that was settled before.
            if (attempt := unsettled.pop(request, None)) is None:
                continue
            answer = await self._settle(attempt, request, answer)
            if isinstance(answer, TryLater):
                answer.delay = 0.0  # The next job is later enough.
            if request in calls:
                calls[request].answer(answer)

    async def _settle(
        self, attempt: jobs.Attempt, request: str, answer: Reply | LLMError
    ) -> Reply | LLMError:
        """Book an answer at its price; what was set aside, if no usage was reported."""
        usage = answer.usage if isinstance(answer.usage, Usage) else Usage()
        cost = self.prices.cost(self.provider, self.model, usage) * SHARE
        if usage.estimated or (isinstance(answer, LLMError) and answer.billed and not answer.usage):
            cost = attempt.reserved_usd
        seconds, outcome = 0.0, type(answer).__name__
        keep = None
        if isinstance(answer, Reply):
            answer = replace(answer, cost_usd=cost)
            seconds, outcome, keep = answer.seconds, "ok", (request, answer)
        with suppress(NoResultFound):  # Another process that follows the job was quicker.
            self.warn(await self.ledger.settle(attempt.id, outcome, usage, cost, seconds, keep))
        return answer

    async def _end(
        self, job: Job, calls: Mapping[str, Call], failure: str, error: LLMError | None = None
    ) -> None:
        """Settle what no answer came for, and have it asked again unless `error` says otherwise."""
        why = failure or "there is no answer in it"
        for request, attempt in (await jobs.unsettled(self.ledger, job.name)).items():
            lost = error or TryLater(f"Batch job {job.name}: {why}.", delay=0.0)
            lost.provider = self.provider
            await self._settle(attempt, request, lost)
            if request in calls:
                calls[request].answer(lost)
        await jobs.end(self.ledger, job.name, failure)
