"""E2B: one sandbox in the cloud for a story, each program in a process of its own.

Commands run the programs, not the Jupyter kernel of E2B's code interpreter: the calls of a kernel
share their variables, it knows no limits of processor and memory, and it passes all that is printed
on to us. Commands need no more of a template than a shell and `python3`.
"""

import asyncio
import base64
import contextlib
import shlex
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import e2b
import httpx
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import (
    ConcurrencySlotAcquisitionError,
    concurrency,
    rate_limit,
)
from prefect.exceptions import ObjectAlreadyExists, PrefectException
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from tasks.core.errors import UserError
from tasks.core.scrub import scrub
from tasks.core.settings import Settings
from tasks.sandbox.box import interpreter
from tasks.sandbox.engine import LIMITS, Limits, Run
from tasks.sandbox.outcome import Stop, judged
from tasks.story.code import Engine

APP = "talewright"
LIFE_SECONDS = 120
"""E2B itself ends a sandbox after this, whatever becomes of us."""

LEASE_SECONDS = 60.0
"""How long a killed process keeps its slots; the least that Prefect allows."""

PATIENCE_SECONDS = 600.0
"""Longest to wait for room in a full account."""

USD_PER_SECOND = 2 * Decimal("0.000014") + 2 * Decimal("0.0000045")
"""The default template, 2 vCPU and 2 GiB, by e2b.dev/pricing in 2026-11."""

AT_ONCE = "talewright-e2b-sandboxes"
CREATES = "talewright-e2b-creates"


class MissingKey(UserError):
    """Nobody is at E2B without a key."""

    exit_code = 2


class NoSlot(Exception):
    """Prefect, which paces the sandboxes of all processes, gives no leave to start one."""


class StrangeAnswer(Exception):
    """What answers for E2B does not speak its API: a proxy, an error page, another server."""


_LATER = (e2b.RateLimitException, e2b.ServiceBusyException, httpx.TransportError)
TROUBLE = (
    e2b.SandboxException,
    e2b.AuthenticationException,
    e2b.ServiceBusyException,
    httpx.HTTPError,
    NoSlot,
    StrangeAnswer,
)


class E2B:
    """The sandbox of one story; it is created when the first program comes."""

    name: Engine = "e2b"

    def __init__(
        self,
        settings: Settings,
        run_id: str,
        story_id: str,
        limits: Limits = LIMITS,
        backoff_seconds: float = 1.0,
    ) -> None:
        """`backoff_seconds` is about the first wait for a full account; each is twice the last."""
        self._settings = settings
        self._limits = limits
        self._backoff = backoff_seconds
        self._mark = {"app": APP, "run": run_id, "story": story_id}
        self._gate = asyncio.Lock()
        self._slot = _Slot(settings)
        self._sandbox: e2b.AsyncSandbox | None = None
        self._ends = self._billed_to = 0.0
        self._asked = self._closed = False

    async def run(self, program: str) -> Run:
        """Run a program; a sandbox that dies under it is replaced once."""
        async with self._gate:
            try:
                ran = await self._attempt(program)
                if ran is None:
                    ran = await self._attempt(program)
            except TROUBLE as error:
                return Run("infra_error", error=said(error), cost_usd=self._bill())
            return ran or Run("infra_error", error="the sandbox died twice", cost_usd=self._bill())

    async def close(self) -> None:
        """Kill the sandbox, and any other that was left behind under this story's name."""
        self._closed = True
        # A program whose caller was cancelled may not have ended yet.
        async with self._gate:
            await self._discard()
            if not self._asked:
                return
            with contextlib.suppress(*TROUBLE):
                await sweep(self._settings, self._mark)

    async def _attempt(self, program: str) -> Run | None:
        """One try, or None if the sandbox died under it."""
        sandbox = await self._alive()
        capture = _Capture(self._limits.output_bytes)
        started = time.monotonic()
        stopped: Stop | None = None
        code = 0
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                code = await capture.listen(sandbox, shell(program, self._limits))
        except TimeoutError:
            stopped = "time"
        except Exception:
            # The SDK has no class of its own for a stream that ends too early.
            await self._discard()
            return None
        if capture.full.is_set():
            stopped = "output"
        seconds = round(time.monotonic() - started, 3)
        cost = self._bill()
        if stopped is not None:
            # Whatever still runs in there ends with the sandbox.
            await self._discard()
        told = judged(stopped, code, bytes(capture.out), bytes(capture.err), self._limits)
        return Run(*told, seconds=seconds, cost_usd=cost)

    async def _alive(self) -> e2b.AsyncSandbox:
        """The sandbox, with at least the time of one program left."""
        if self._closed:
            raise NoSlot("the story is over")
        if (
            self._sandbox is not None
            and time.monotonic() > self._ends - self._limits.wall_seconds - 5
        ):
            await self._discard()
        if self._sandbox is None:
            await self._slot.take()
            try:
                if not self._asked:
                    await sweep(self._settings, self._mark)
                self._asked = True
                self._sandbox = await self._created()
            except BaseException:
                await self._slot.give_back()
                raise
            self._billed_to = time.monotonic()
            self._ends = self._billed_to + LIFE_SECONDS
        return self._sandbox

    async def _created(self) -> e2b.AsyncSandbox:
        key = str(uuid4())
        retrying = AsyncRetrying(
            retry=retry_if_exception(_passes),
            wait=wait_random_exponential(self._backoff, min=self._backoff / 2, max=60),
            stop=stop_after_delay(PATIENCE_SECONDS),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                with _asking_prefect():
                    await rate_limit(CREATES, strict=True)
                with _asking_e2b():
                    return await e2b.AsyncSandbox.create(
                        self._settings.e2b_template or None,
                        timeout=LIFE_SECONDS,
                        allow_internet_access=False,
                        metadata=self._mark,
                        idempotency_key=key,
                        **account(self._settings),
                    )
        raise AssertionError("tenacity ends with an answer or an error")

    async def _discard(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            with contextlib.suppress(*TROUBLE), _asking_e2b():
                await asyncio.shield(sandbox.kill())
        await self._slot.give_back()

    def _bill(self) -> Decimal:
        """USD since the last bill, the idle time between programs included."""
        if self._sandbox is None:
            return Decimal(0)
        now = time.monotonic()
        seconds, self._billed_to = now - self._billed_to, now
        return (USD_PER_SECOND * Decimal(seconds)).quantize(Decimal("0.000000001"))


class _Slot:
    """One of the sandboxes the account may have at once, over all processes.

    Prefect wants a slot given back by the asyncio task that took it, and a story's snippets run in
    several: a task of its own holds it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._done = asyncio.Event()
        self._holder: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Wait for a slot. Raises NoSlot."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._done = asyncio.Event()
        self._holder = asyncio.create_task(self._hold(taken))
        try:
            await asyncio.wait((taken, self._holder), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._holder.cancel()
            raise
        if self._holder.done():
            with _asking_prefect():
                self._holder.result()

    async def give_back(self) -> None:
        """Give the slot back, if one is held."""
        holder, self._holder = self._holder, None
        if holder is not None:
            self._done.set()
            await asyncio.gather(holder, return_exceptions=True)

    async def _hold(self, taken: asyncio.Future[None]) -> None:
        creates = self._settings.e2b_creates_per_second
        async with get_client() as client:
            limit = client.upsert_global_concurrency_limit_by_name
            # Stories that start together make the limits together: one of them is first.
            with contextlib.suppress(ObjectAlreadyExists):
                await limit(AT_ONCE, self._settings.e2b_sandboxes_at_once)
            with contextlib.suppress(ObjectAlreadyExists):
                await limit(CREATES, creates, float(creates))
        async with concurrency(AT_ONCE, lease_duration=LEASE_SECONDS, strict=True):
            taken.set_result(None)
            await self._done.wait()


@contextlib.contextmanager
def _asking_prefect() -> Iterator[None]:
    try:
        yield
    except (ConcurrencySlotAcquisitionError, PrefectException, httpx.HTTPError) as error:
        raise NoSlot(str(error)) from error


@contextlib.contextmanager
def _asking_e2b() -> Iterator[None]:
    """The SDK takes an answer apart without looking at it: then any exception may come of it."""
    try:
        yield
    except (UserError, *TROUBLE):
        raise
    except Exception as error:
        raise StrangeAnswer(type(error).__name__) from error


class _Capture:
    """What a command says, up to the cap."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.out = bytearray()
        self.err = bytearray()
        self.full = asyncio.Event()

    async def listen(self, sandbox: e2b.AsyncSandbox, command: str) -> int:
        """The command's exit code; 0 when it was left because it said too much."""
        handle = await sandbox.commands.run(
            command,
            background=True,
            timeout=0,
            on_stdout=lambda text: self._keep(self.out, text),
            on_stderr=lambda text: self._keep(self.err, text),
            retain_output=False,
        )
        ended = asyncio.ensure_future(handle.wait())
        full = asyncio.ensure_future(self.full.wait())
        try:
            await asyncio.wait((ended, full), return_when=asyncio.FIRST_COMPLETED)
            if self.full.is_set():
                return 0
            return (await ended).exit_code
        except e2b.CommandExitException as error:
            return error.exit_code
        finally:
            full.cancel()
            ended.cancel()
            await asyncio.gather(full, ended, return_exceptions=True)
            with contextlib.suppress(*TROUBLE):
                await handle.disconnect()

    async def _keep(self, into: bytearray, text: str) -> None:
        into += text.encode("utf-8", "replace")[: max(0, self.most - len(into))]
        if len(into) >= self.most:
            self.full.set()
            # Read no further: what is not read does not fill our memory.
            await asyncio.Event().wait()


def _passes(error: BaseException) -> bool:
    """Whether a create that failed may succeed later."""
    status = getattr(error, "status_code", None) or 0
    return isinstance(error, _LATER) or (isinstance(error, e2b.SandboxException) and status >= 500)


def shell(program: str, limits: Limits) -> str:
    """The command that runs a program under the local limits. Base64 needs no quoting."""
    text = base64.b64encode(program.encode("utf-8", "replace")).decode()
    return f"echo {text} | base64 -d | {shlex.join(['python3', *interpreter(limits)])}"


def account(settings: Settings) -> dict[str, Any]:
    """Where E2B is and who asks; its own retries are off, ours are patient. Raises MissingKey."""
    if settings.e2b_api_key is None:
        raise MissingKey("E2B_API_KEY is not set: get a key at https://e2b.dev and set it.")
    return {
        "api_key": settings.e2b_api_key.get_secret_value(),
        "api_url": settings.e2b_api_url or None,
        "sandbox_url": settings.e2b_sandbox_url or None,
        "retries": 0,
    }


async def sweep(settings: Settings, mark: dict[str, str] | None = None) -> int:
    """Kill the sandboxes of a run or story, or all of Talewright's; how many there were."""
    killed = 0
    with _asking_e2b():
        pages = e2b.AsyncSandbox.list(
            query=e2b.SandboxQuery(metadata=mark or {"app": APP}), **account(settings)
        )
        while pages.has_next:
            for found in await pages.next_items():
                killed += await e2b.AsyncSandbox.kill(found.sandbox_id, **account(settings))
    return killed


def said(error: Exception) -> str:
    """What went wrong at E2B, and what to do."""
    if isinstance(error, e2b.AuthenticationException):
        return "E2B refused the key: check E2B_API_KEY"
    if isinstance(error, e2b.RateLimitException):
        return "the E2B account is full: run fewer stories, or set E2B_SANDBOXES_AT_ONCE"
    if isinstance(error, e2b.ServiceBusyException):
        return "E2B is overloaded: try later"
    if isinstance(error, NoSlot):
        return scrub(f"Prefect gives no slot for a sandbox, is its server up? {error}")
    if isinstance(error, StrangeAnswer):
        return f"what answers is not E2B ({error}): check E2B_API_URL and the proxy"
    if isinstance(error, httpx.HTTPError):
        return "E2B cannot be reached: check the network and E2B_API_URL"
    return scrub(f"E2B: {error}")
