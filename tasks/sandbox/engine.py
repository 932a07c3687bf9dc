"""What every engine does: run one program where it can do no harm."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tasks.story import code


@dataclass(frozen=True)
class Limits:
    """What one program may use."""

    wall_seconds: float = 10.0
    cpu_seconds: int = 5
    memory_bytes: int = 512 * 1024 * 1024
    """Of each process."""
    all_memory_bytes: int = 1024 * 1024 * 1024
    """Of the program and all that it starts together; watched by bubblewrap only."""
    output_bytes: int = 1024 * 1024
    """Of standard output, and as much of standard error; more ends the program."""
    processes: int = 64


LIMITS = Limits()


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
