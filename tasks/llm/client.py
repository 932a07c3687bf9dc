"""The client: everything between a prompt and its paid, kept answer.

An identical request is answered from the ledger. Otherwise the providers of the chain are asked in
turn, each attempt with its worst case set aside before and its true cost settled after it, and
retried as tasks.llm.retry says.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Self

from anyio import CancelScope

from tasks.calls.errors import CapReached, LLMError, Malformed
from tasks.calls.prompt import Prompt, Provider, Purpose, Reply, Usage
from tasks.core.process import this_process
from tasks.core.run_log import logger
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.ledger.ledger import Full, Ledger
from tasks.ledger.prices import Prices
from tasks.llm import telemetry
from tasks.llm.batch.api import SHARE
from tasks.llm.batch.batches import Batches
from tasks.llm.batch.jobs import gathering
from tasks.llm.batch.readiness import Level
from tasks.llm.chain import open_judge, providers
from tasks.llm.limits.fair_turns import Turns
from tasks.llm.limits.pace import Pace, Slot
from tasks.llm.providers.schema import flat_schema
from tasks.llm.raw import keep_raw
from tasks.llm.replaced import LOST, say_replaced
from tasks.llm.retry import Waited, retrying
from tasks.llm.usage import believed

WARNINGS = (50, 80, 100)
"""Per cent of a cap at which the log says so."""

CAPS = {
    "run": ("this run", "--max-cost or LLM_MAX_COST"),
    "day": ("today", "LLM_MAX_COST_PER_DAY"),
    "total": ("this project", "LLM_MAX_COST_TOTAL"),
}
"""Whose money each cap bounds, and what sets it."""

PATIENCE = 5.0
"""Seconds to wait for room under a cap that only other processes can free."""


@dataclass
class Client:
    """An open client for one run. `fresh` asks anew what was kept before the run; `judge` is the
    provider of JUDGE_MODEL; `paces` go by provider and model."""

    settings: Settings
    run_id: str
    ledger: Ledger
    prices: Prices
    chain: list[Provider]
    fresh: bool = False
    judge: Provider | None = None
    paces: dict[tuple[str, str], Pace] = field(default_factory=dict)
    level: Level = field(default_factory=Level)
    batches: Batches | None = None
    turns: Turns = field(default_factory=Turns)
    _asked: set[str] = field(default_factory=set)
    _asking: dict[str, asyncio.Event] = field(default_factory=dict)
    _in_flight: set[int] = field(default_factory=set)
    _settled: asyncio.Condition = field(default_factory=asyncio.Condition)
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)
    _patience: float = PATIENCE
    _warned: set[tuple[str, int]] = field(default_factory=set)
    _lost: set[str] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, run_id: str, fresh: bool = False, batched: bool = False
    ) -> AsyncIterator[Self]:
        """Open the ledger and the providers of the chain; `batched`: calls wait for batch jobs.

        Raises UserError for settings that do not fit together or a rate limit without a Prefect
        server to keep it, NoPrice for a model without a price.
        """
        prices = Prices.read(settings)
        chain = providers(settings)
        stack = AsyncExitStack()
        for provider in chain:
            stack.push_async_callback(provider.close)
        try:
            judge = None if chain[0].name == "offline" else open_judge(settings)
            if judge is not None:
                stack.push_async_callback(judge.close)
            asked = [*chain, judge] if judge is not None else chain
            for provider in asked:
                prices.cost(provider.name, provider.model, Usage())
            ledger = await stack.enter_async_context(Ledger.open(settings))
            paces = {
                gate: await stack.enter_async_context(Pace.open(settings, provider))
                for gate, provider in {(one.name, one.model): one for one in asked}.items()
            }
            client = cls(settings, run_id, ledger, prices, chain, fresh, judge, paces)
            if batched:
                batches = Batches.open(settings, ledger, prices, client.level, client._warn)
                client.batches = await stack.enter_async_context(batches)
            yield client
        finally:
            with CancelScope(shield=True):  # of a flow's timeout, which cancels again and again
                await stack.aclose()

    @property
    def offline(self) -> bool:
        """Whether the offline writer is all there is."""
        return self.chain[0].name == "offline"

    @property
    def writer(self) -> str:
        """Who writes, for people."""
        return "offline writer" if self.offline else self.chain[0].model

    async def ask(self, prompt: Prompt, purpose: Purpose, *, after: str = "") -> Reply:
        """One complete answer, from the first provider of the chain that gives one.

        `after` names a provider: only those behind it are asked. Raises LLMError.
        """
        names = [provider.name for provider in self.chain]
        first = names.index(after) + 1 if after in names else 0
        error: LLMError | None = None
        for provider in self.chain[first:]:
            if error is not None:
                self._replaced(error, provider)
            try:
                reply = await self._once(provider, prompt, purpose)
            except LLMError as failed:
                if not failed.move_on:
                    raise
                error = failed
                purpose = replace(purpose, reason="fallback")
            else:
                await self.turns.turn()
                return replace(reply, stand_in=provider.name == "offline" and not self.offline)
        raise error or LLMError("No further provider is left to ask.", provider=after)

    def _replaced(self, error: LLMError, by: Provider) -> None:
        """Say once that a provider is lost."""
        if isinstance(error, LOST) and error.provider not in self._lost:
            self._lost.add(error.provider)
            say_replaced(self.run_id, error, by.name)

    async def _once(self, provider: Provider, prompt: Prompt, purpose: Purpose) -> Reply:
        """The kept answer, or a new one; equal requests at the same time make one call."""
        if provider.name == "offline":
            return await self._attempt(provider, prompt, purpose, "", Waited())
        request = request_key(provider, prompt)
        while (running := self._asking.get(request)) is not None:
            await running.wait()
        done = self._asking[request] = asyncio.Event()
        try:
            if self.batches is not None and (lane := await self.batches.lane(provider)):
                with self.level.waiting():
                    await lane.awaited(request)
            if not self.fresh or request in self._asked:
                kept = await self.ledger.find(request)
                if kept is not None:
                    await self.ledger.note_cached(prompt, purpose, request, kept)
                    telemetry.cached(provider)
                    return kept.reply
            reply = await self._retried(provider, prompt, purpose, request)
            self._asked.add(request)
            return reply
        finally:
            del self._asking[request]
            done.set()

    async def _retried(
        self, provider: Provider, prompt: Prompt, purpose: Purpose, request: str
    ) -> Reply:
        patience = self.settings
        if self.batches is not None:
            seconds = patience.llm_deadline + patience.llm_batch_deadline
            patience = patience.model_copy(update={"llm_deadline": seconds})
        waited = Waited()
        async for attempt in retrying(patience, waited):
            with attempt:
                why = purpose
                if attempt.retry_state.attempt_number > 1:
                    why = replace(purpose, reason="retry")
                reply = await self._batched(provider, prompt, why, request)
                return reply or await self._attempt(provider, prompt, why, request, waited)
        raise AssertionError("tenacity ends with an answer or an error")

    async def _batched(
        self, provider: Provider, prompt: Prompt, purpose: Purpose, request: str
    ) -> Reply | None:
        """The answer of a batch job; None for what goes the ordinary way."""
        lane = await self.batches.lane(provider) if self.batches is not None else None
        if self.batches is None or lane is None:
            return None
        with self.level.waiting():
            row = await self._reserve(
                provider, prompt, purpose, request, SHARE, gathering(this_process())
            )
            async with self._under_way(row):
                return await self.batches.answer(lane, prompt, request, row)

    async def _attempt(
        self, provider: Provider, prompt: Prompt, purpose: Purpose, request: str, waited: Waited
    ) -> Reply:
        came = time.monotonic()
        # The higher scene first, for the more follows it (T. C. Hu, 1961: highest level first).
        level = purpose.scene_id.count(".")
        async with self._pace(provider).slot(prompt, level) as slot:
            telemetry.waited(provider, time.monotonic() - came)
            # Behind the gate: what waits there sets nothing aside that a crash would keep.
            with self.level.waiting():  # a batch may hold the room it waits for
                row = await self._reserve(provider, prompt, purpose, request)
            waited.seconds += time.monotonic() - came
            async with self._under_way(row):
                with telemetry.attempt(provider, prompt, purpose) as note:
                    reply = await self._asked_once(
                        provider, prompt, purpose, request, row, slot, note
                    )
                    telemetry.answered(reply)
                    return reply

    @asynccontextmanager
    async def _under_way(self, row: int) -> AsyncIterator[None]:
        """An attempt is in flight; its end may leave room for others."""
        self._in_flight.add(row)
        try:
            yield
        finally:
            self._in_flight.discard(row)
            async with self._settled:
                self._settled.notify_all()

    async def _asked_once(
        self,
        provider: Provider,
        prompt: Prompt,
        purpose: Purpose,
        request: str,
        row: int,
        slot: Slot,
        note: Callable[[Usage, Decimal], None],
    ) -> Reply:
        started = time.monotonic()
        try:
            reply = await _generated(provider, prompt)
        except LLMError as error:
            usage = error.usage if isinstance(error.usage, Usage) else Usage()
            if error.billed:
                text: str = getattr(error, "text", "")
                told = usage if error.usage is not None else Usage(estimated=True)
                error.usage = usage = believed(told, prompt, text)
            cost = self._cost(provider, prompt, usage)
            note(usage, cost)
            if isinstance(error, Malformed) and error.text:
                with suppress(OSError):  # a full disk keeps no one from the books
                    keep_raw(self.settings, purpose, error.text)
            await self._settle(row, type(error).__name__, usage, cost, started)
            raise
        if provider.name != "offline":
            reply = replace(reply, usage=believed(reply.usage, prompt, reply.text))
        slot.note(reply.usage)
        cost = self._cost(provider, prompt, reply.usage)
        note(reply.usage, cost)
        keep = (request, reply) if request else None
        await self._settle(row, "ok", reply.usage, cost, started, keep)
        return replace(reply, cost_usd=cost)

    def _cost(self, provider: Provider, prompt: Prompt, usage: Usage) -> Decimal:
        """What an attempt did cost, in USD: as the server says where that can be, else by price."""
        said = usage.cost_usd
        if said is not None and said > self.prices.worst(provider.name, provider.model, prompt):
            usage = replace(usage, cost_usd=None)
        return self.prices.cost(provider.name, provider.model, usage)

    def _pace(self, provider: Provider) -> Pace:
        gate = provider.name, provider.model
        if gate not in self.paces:
            self.paces[gate] = Pace(self.settings, provider)
        return self.paces[gate]

    async def _settle(
        self,
        row: int,
        outcome: str,
        usage: Usage,
        cost: Decimal,
        started: float,
        keep: tuple[str, Reply] | None = None,
    ) -> None:
        """What was answered is paid for, so a cancelled caller does not keep it from the books."""
        seconds = time.monotonic() - started
        settled = self.ledger.settle(row, outcome, usage, cost, seconds, keep)
        self._warn(await asyncio.shield(asyncio.ensure_future(settled)))

    def _warn(self, sums: Mapping[str, Decimal]) -> None:
        """Say once when half, most or all of a cap is spent or set aside."""
        for kind, cap in self._caps.items():
            for level in WARNINGS:
                if (
                    kind in sums
                    and sums[kind] >= cap * level / 100
                    and (kind, level) not in self._warned
                ):
                    self._warned.add((kind, level))
                    logger().warning(
                        "%d %% of the cap of $%s for %s is spent or set aside",
                        level,
                        cap,
                        CAPS[kind][0],
                    )

    async def _reserve(
        self,
        provider: Provider,
        prompt: Prompt,
        purpose: Purpose,
        request: str,
        share: Decimal = Decimal(1),
        job: str = "",
    ) -> int:
        """Set the worst case aside, at a share of the usual price for a batch job; waits while
        calls in flight may still leave room for it.

        Raises CapReached when it cannot fit.
        """
        worst = self.prices.worst(provider.name, provider.model, prompt) * share

        async def reserve() -> int | Full:
            return await self.ledger.reserve(
                prompt, purpose, request, provider.name, provider.model, worst, self._caps, job
            )

        if not self._line.locked():
            got = await reserve()
            if isinstance(got, int):
                return got
        # In order: the first in line waits for room, and those behind it for their turn.
        async with self._line:
            patient_until: float | None = None
            while isinstance(got := await reserve(), Full):
                now = time.monotonic()
                patient_until = None if self._in_flight else patient_until or now + self._patience
                if got.spent_usd + worst > got.cap_usd or (patient_until and now >= patient_until):
                    self._patience = 0.0
                    raise _cap_reached(got, worst)
                async with self._settled:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._settled.wait(), 0.25)
            return got

    @property
    def _caps(self) -> Mapping[str, Decimal]:
        settings = self.settings
        caps = {
            "run": settings.llm_max_cost,
            "day": settings.llm_max_cost_per_day,
            "total": settings.llm_max_cost_total,
        }
        return {scope: cap for scope, cap in caps.items() if cap is not None}


async def _generated(provider: Provider, prompt: Prompt) -> Reply:
    """The provider's answer. What an SDK, or we, stumble over in it is Malformed: it is paid."""
    try:
        return await provider.generate(prompt)
    except LLMError:
        raise
    except Exception as error:
        reason = scrub(f"{type(error).__name__}: {error}")
        raise Malformed(
            f"{provider.name} sent an answer that cannot be read: {reason}", provider=provider.name
        ) from None


def request_key(provider: Provider, prompt: Prompt) -> str:
    """SHA-256 of all that decides an answer, and of nothing else."""
    # Two servers may each have a model of one name, and not the same.
    server = getattr(provider, "server", "")
    schema = flat_schema(prompt.schema) if prompt.schema is not None else None
    parts = (
        *(provider.name, provider.model, prompt.system, prompt.shared, prompt.text, schema),
        *(prompt.seed, prompt.temperature, prompt.max_output_tokens, prompt.thinking_budget),
        *([server] if server else []),
    )
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _cap_reached(full: Full, worst: Decimal) -> CapReached:
    scope = full.scope.partition(":")[0]
    whose, setting = CAPS[scope]
    aside = f", ${full.aside_usd:.6f} is set aside for calls in flight" if full.aside_usd else ""
    return CapReached(
        f"The cap of ${full.cap_usd:f} for {whose} is reached: ${full.spent_usd:.6f} is spent"
        f"{aside} and the next call may cost ${worst:.6f}. Raise {setting} and run the same "
        "command again; nothing is paid twice.",
        cap_usd=full.cap_usd,
        spent_usd=full.spent_usd,
    )
