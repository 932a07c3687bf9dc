"""Monty: a Python of its own without any way out. It knows less of the language than CPython.

A pass is evidence. An error is the story's fault only if CPython would say the same; whatever else
goes wrong may be what Monty lacks, and is `unsupported`.
"""

import ast
import builtins
import operator
import re
import time
from collections.abc import Callable
from typing import Any

import pydantic_monty as monty

from tasks.sandbox.engine import LIMITS, Limits, Run
from tasks.story.code import CodeVerdict, Engine

# Sleeping is not counted by the time limit; a seed makes a story's dice fall the same each time.
POLICY = monty.OSPolicy(sleep="zero", random_start={"seed": 1})
_CERTAIN = re.compile(
    r"(AssertionError|ZeroDivisionError|IndexError|KeyError|UnboundLocalError|RecursionError)\b"
    r"|ValueError: (invalid literal for int|could not convert string to float|substring not found"
    r"|too many values to unpack|not enough values to unpack|math domain error|.*not in list)"
    r"|OverflowError: math range error"
    r'|TypeError: can only concatenate \w+ \(not "(int|float|str|list|tuple|dict|NoneType)"\)'
)
"""Errors of data and logic, which no missing part of a language looks like."""

_UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")
_OPERANDS = re.compile(r"TypeError: unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'")
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
}
_SAMPLES: dict[str, Any] = {
    type(one).__name__: one for one in (1, 1.5, True, "a", b"a", None, (1,), [1], {1: 1}, {1})
}
_ENDS = ("SystemExit", "KeyboardInterrupt", "GeneratorExit")


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
            outcome = _runtime(program, error)
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


def _runtime(program: str, error: monty.MontyRuntimeError) -> tuple[CodeVerdict, str]:
    said = error.display("type-msg")[:500]
    kind = said.partition(":")[0]
    frames = error.traceback()
    if kind not in _ENDS and frames and _raises(program, frames[-1].line, kind):
        return "raised", said
    if kind == "TimeoutError":
        return "timeout", said
    if kind == "MemoryError":
        return "resource", said
    if _CERTAIN.match(said) or _undefined(program, said) or _mismatched(said):
        return "raised", said
    return "unsupported", said


def _raises(program: str, line: int, kind: str) -> bool:
    """Whether the program raises this kind itself, on that line."""
    return any(
        isinstance(node, ast.Raise)
        and node.exc is not None
        and node.lineno <= line <= (node.end_lineno or line)
        and ast.unparse(node.exc).partition("(")[0] == kind
        for node in _nodes(program)
    )


def _undefined(program: str, said: str) -> bool:
    """Whether a name is missing that is not Python's own, and that nothing in the program binds."""
    found = _UNDEFINED.match(said)
    if found is None or found[1] in dir(builtins) or found[1].startswith("__"):
        return False
    return not any(_binds(node, found[1]) for node in _nodes(program))


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.alias):
        return name in (node.name.partition(".")[0], node.asname) or node.name == "*"
    bound = (getattr(node, field, None) for field in ("name", "arg", "rest"))
    return name in bound or name in getattr(node, "names", [])


def _mismatched(said: str) -> bool:
    """Whether CPython has no such operator between such values either."""
    found = _OPERANDS.match(said)
    if found is None or not {found[2], found[3]} <= _SAMPLES.keys() or found[1] not in _OPERATORS:
        return False
    try:
        _OPERATORS[found[1]](_SAMPLES[found[2]], _SAMPLES[found[3]])
    except TypeError:
        return True
    return False


def _nodes(program: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(program)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
