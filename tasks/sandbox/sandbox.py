"""The sandbox of one story: an engine that starts when the first snippet comes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tasks.errors import UserError
from tasks.sandbox import bubblewrap
from tasks.sandbox.compiled import CompileOnly
from tasks.sandbox.engine import EngineRunner, Run
from tasks.sandbox.monty import MontyEngine
from tasks.settings import SandboxName, Settings
from tasks.story.code import CodeReport, Snippet


class Sandbox:
    """Runs snippets, each in a process of its own, on the engine that was asked for."""

    def __init__(self, settings: Settings, name: SandboxName, run_id: str, story_id: str) -> None:
        self._settings = settings
        self._name = name
        self._run_id = run_id
        self._story_id = story_id
        self._engine: EngineRunner | None = None
        self._opening = asyncio.Lock()

    async def run(self, snippet: Snippet, prelude: Sequence[Snippet] = ()) -> CodeReport:
        """Run a snippet; if a name is missing, once more after the snippets before it.

        Raises UserError if the engine that was asked for cannot be used.
        """
        engine = await self._started()
        ran = await engine.run(snippet.code)
        if prelude and ran.verdict == "raised" and (ran.error or "").startswith("NameError"):
            ran = await engine.run("\n".join([*(s.code for s in prelude), snippet.code]))
        return report(snippet, engine, ran)

    async def close(self) -> None:
        """Free the engine, if it was started."""
        if self._engine is not None:
            await self._engine.close()

    async def _started(self) -> EngineRunner:
        async with self._opening:
            if self._engine is None:
                self._engine = await asyncio.to_thread(choose, self._name)
            return self._engine


def choose(name: SandboxName) -> EngineRunner:
    """The engine of that name, or the safest that works here. Raises UserError."""
    if name == "none":
        return CompileOnly()
    if name == "monty":
        return MontyEngine()
    try:
        bubblewrap.python()
    except RuntimeError as error:
        if name == "bubblewrap":
            raise UserError(f"The sandbox bubblewrap cannot be used: {error}.") from None
        return MontyEngine()
    return bubblewrap.Bubblewrap()


def report(snippet: Snippet, engine: EngineRunner, ran: Run) -> CodeReport:
    """A run as the story keeps it."""
    expected = snippet.expected_output
    matches = None
    if expected is not None and ran.verdict == "passed":
        # What snippets before it print comes first.
        matches = ran.stdout.strip().endswith(expected.strip())
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


@asynccontextmanager
async def open_sandbox(
    settings: Settings, name: SandboxName, *, run_id: str, story_id: str
) -> AsyncIterator[Sandbox]:
    """A sandbox for one story; what it started is ended when the story is, in every case."""
    sandbox = Sandbox(settings, name, run_id, story_id)
    try:
        yield sandbox
    finally:
        await asyncio.shield(sandbox.close())
