"""The sandbox of one story: an engine that starts when the first snippet comes."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from anyio import CancelScope

from tasks.core.errors import UserError
from tasks.core.settings import SandboxName, Settings
from tasks.sandbox import bubblewrap, probe
from tasks.sandbox.compiled import CompileOnly
from tasks.sandbox.e2b import E2B, MissingKey
from tasks.sandbox.engine import LIMITS, EngineRunner, Limits, Run
from tasks.sandbox.monty import MontyEngine
from tasks.sandbox.verdicts import Verdicts
from tasks.story.code import CodeReport, Snippet

MARK = "\x1ehere the snippet begins\x1e"
BEGIN = f"print({MARK!r}, end='')"
"""Parts a snippet's output from that of the snippets before it, on every engine."""


class Sandbox:
    """Runs snippets, each in a process of its own, on the engine that was asked for."""

    def __init__(
        self,
        settings: Settings,
        name: SandboxName,
        run_id: str,
        story_id: str,
        limits: Limits = LIMITS,
    ) -> None:
        self._settings = settings
        self._name = name
        self._run_id = run_id
        self._story_id = story_id
        self._limits = limits
        self._engine: EngineRunner | None = None
        self._opening = asyncio.Lock()
        self._verdicts = Verdicts(settings.home / "verdicts", limits)

    async def run(self, snippet: Snippet, prelude: Sequence[Snippet] = ()) -> CodeReport:
        """Run a snippet; if a name is missing, once more after the snippets before it.

        Raises UserError if the engine that was asked for cannot be used.
        """
        engine = await self._started()
        program = snippet.code
        ran = await self._ran(engine, program)
        if prelude and ran.verdict == "raised" and (ran.error or "").startswith("NameError"):
            program = "\n".join([*(s.code for s in prelude), BEGIN, snippet.code])
            ran = await self._ran(engine, program)
            ran = replace(ran, stdout=ran.stdout.partition(MARK)[2])
        made = report(snippet, engine, ran)
        if not made.to_blame:
            return made
        path = self._verdicts.program(engine.name, program)
        again = f"talewright sandboxes run {shlex.quote(str(path))} --engine {engine.name}"
        return made.model_copy(update={"reproduce": again})

    async def _ran(self, engine: EngineRunner, program: str) -> Run:
        ran = self._verdicts.get(engine.name, program)
        if ran is None:
            ran = await engine.run(program)
            self._verdicts.keep(engine.name, program, ran)
        return ran

    async def close(self) -> None:
        """Free the engine, if it was started."""
        if self._engine is not None:
            await self._engine.close()

    async def _started(self) -> EngineRunner:
        async with self._opening:
            if self._engine is None:
                self._engine = await asyncio.to_thread(
                    choose,
                    self._settings,
                    self._name,
                    self._run_id,
                    self._story_id,
                    self._limits,
                )
            return self._engine


Opener = Callable[[Settings, str, str, Limits], EngineRunner]
"""Opens an engine for the settings, a run's id, a story's id and limits. Raises UserError where it
cannot be used."""


@dataclass(frozen=True)
class EngineRow:
    """One engine. One with a `key` is somebody's service, which costs something when it is used."""

    open: Opener
    cost: str = "free"
    key: str = ""


def _e2b(settings: Settings, run_id: str, story_id: str, limits: Limits) -> EngineRunner:
    if settings.e2b_api_key is None:
        raise MissingKey("The sandbox e2b needs a key: set E2B_API_KEY (https://e2b.dev).")
    return E2B(settings, run_id, story_id, limits)


def _bubblewrap(settings: Settings, run_id: str, story_id: str, limits: Limits) -> EngineRunner:
    try:
        probe.python()
    except RuntimeError as error:
        raise UserError(f"The sandbox bubblewrap cannot be used: {error}.") from None
    return bubblewrap.Bubblewrap(limits)


ENGINES: dict[SandboxName, EngineRow] = {
    "e2b": EngineRow(_e2b, cost="$0.133 an hour while code runs", key="E2B_API_KEY"),
    "bubblewrap": EngineRow(_bubblewrap),
    "monty": EngineRow(lambda settings, run_id, story_id, limits: MontyEngine(limits)),
    "none": EngineRow(lambda settings, run_id, story_id, limits: CompileOnly()),
}
"""Every engine, in the order in which `auto` tries them."""


def choose(
    settings: Settings, name: SandboxName, run_id: str, story_id: str, limits: Limits = LIMITS
) -> EngineRunner:
    """The engine of that name, or the first that can be used here. Raises UserError."""
    if name != "auto":
        return ENGINES[name].open(settings, run_id, story_id, limits)
    for row in ENGINES.values():
        with suppress(UserError):
            return row.open(settings, run_id, story_id, limits)
    raise AssertionError("the last engine can be used everywhere")


def report(snippet: Snippet, engine: EngineRunner, ran: Run) -> CodeReport:
    """A run as the story keeps it."""
    expected = snippet.expected_output
    matches = None
    if expected is not None and ran.verdict == "passed":
        matches = _tidy(ran.stdout) == _tidy(expected)
    return CodeReport(
        snippet=snippet,
        verdict=ran.verdict,
        engine=engine.name,
        stdout=ran.stdout[:20_000],
        error=ran.error,
        matches_expected=matches,
        seconds=ran.seconds,
        cost_usd=ran.cost_usd,
    )


def _tidy(output: str) -> str:
    """Without white space at the end of lines and of the whole, which no reader sees."""
    return "\n".join(line.rstrip() for line in output.rstrip().split("\n"))


@asynccontextmanager
async def open_sandbox(
    settings: Settings,
    name: SandboxName,
    *,
    run_id: str,
    story_id: str,
    limits: Limits = LIMITS,
) -> AsyncIterator[Sandbox]:
    """A sandbox for one story; what it started is ended when the story is, in every case."""
    sandbox = Sandbox(settings, name, run_id, story_id, limits)
    try:
        yield sandbox
    finally:
        with CancelScope(shield=True):  # of a flow's timeout, which cancels again and again
            await asyncio.shield(sandbox.close())
