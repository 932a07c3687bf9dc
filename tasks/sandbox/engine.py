"""What every engine does: run one program where it can do no harm."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tasks.story import code

WALL_SECONDS = 10.0
"""Longest a snippet may run by the clock."""

CPU_SECONDS = 5
"""Longest a snippet may compute."""

MEMORY_BYTES = 512 * 1024 * 1024
OUTPUT_BYTES = 1024 * 1024
"""Output beyond this ends the program."""


@dataclass(frozen=True)
class Run:
    """What came of one program. `error` is the last line of its traceback, or why it did not
    run."""

    verdict: code.CodeVerdict
    stdout: str = ""
    error: str | None = None
    seconds: float = 0.0
    cost_usd: Decimal = Decimal(0)


class EngineRunner(Protocol):
    """One engine. `run` raises nothing: its own trouble is the verdict infra_error."""

    name: code.Engine

    async def run(self, program: str) -> Run:
        """Run a program from beginning to end in a process of its own."""
        ...

    async def close(self) -> None:
        """Free what it holds."""
        ...
