"""Monty: a Python of its own without any way out. It knows less of the language than CPython.

A pass is evidence; what Monty does not know is `unsupported`, never the story's fault.
"""

import time

import pydantic_monty as monty

from tasks.sandbox.engine import LIMITS, Limits, Run
from tasks.story.code import CodeVerdict, Engine

# Sleeping is not counted by the time limit; a seed makes a story's dice fall the same each time.
POLICY = monty.OSPolicy(sleep="zero", random_start={"seed": 1})
_UNKNOWN = ("NotImplementedError", "ModuleNotFoundError", "ImportError", "AttributeError")


class MontyEngine:
    """Each program in a session of its own, on one pool of workers."""

    name: Engine = "monty"

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._inside = monty.ResourceLimits(
            max_feed_duration_secs=float(limits.cpu_seconds), max_memory=limits.memory_bytes // 4
        )
        self._pool: monty.AsyncMonty | None = None

    async def _opened(self) -> monty.AsyncMonty:
        if self._pool is None:
            self._pool = await monty.AsyncMonty(
                request_timeout=self._limits.wall_seconds
            ).__aenter__()
        return self._pool

    async def run(self, program: str) -> Run:
        """Run a program."""
        printed = monty.CollectStreams(max_bytes=self._limits.output_bytes)
        started = time.monotonic()
        outcome: tuple[CodeVerdict, str | None] = ("passed", None)
        try:
            pool = await self._opened()
            async with pool.checkout(limits=self._inside, os_policy=POLICY) as session:
                await session.feed_run(program, print_callback=printed)
        except monty.MontySyntaxError as error:
            outcome = _syntax(program, error)
        except monty.MontyRuntimeError as error:
            outcome = _runtime(error)
        except monty.MontyCrashedError as error:
            outcome = ("resource", str(error)[:500])
        except (monty.MontyError, OSError, RuntimeError) as error:
            outcome = ("infra_error", str(error)[:500])
        text = "".join(text for stream, text in printed.output if stream == "stdout")
        return Run(outcome[0], text, outcome[1], round(time.monotonic() - started, 6))

    async def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            await self._pool.__aexit__(None, None, None)
            self._pool = None


def _syntax(program: str, error: monty.MontySyntaxError) -> tuple[CodeVerdict, str]:
    """Wrong for CPython too, or only beyond Monty."""
    try:
        compile(program, "story.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "raised", error.display("type-msg")[:500]
    return "unsupported", error.display("type-msg")[:500]


def _runtime(error: monty.MontyRuntimeError) -> tuple[CodeVerdict, str]:
    said = error.display("type-msg")[:500]
    if said.startswith("TimeoutError"):
        return "timeout", said
    if said.startswith("MemoryError"):
        return "resource", said
    if said.startswith(_UNKNOWN) or "not supported" in said or "not implemented" in said:
        return "unsupported", said
    return "raised", said
