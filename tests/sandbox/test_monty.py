"""Monty judges only what it can: what passes in CPython is never its program's fault."""

import asyncio
import builtins
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.sandbox.engine import Run
from tasks.sandbox.monty import MontyEngine

LANGUAGE = Path(__file__).with_name("corpus") / "language.txt"
DRIVER = """
import contextlib, io, json, sys
told = []
for program in json.load(sys.stdin):
    sys.stdin = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(program, "story.py", "exec"), {"__name__": "__main__"})
        told.append(True)
    except SystemExit as end:
        told.append(not end.code)
    except BaseException:
        told.append(False)
print(json.dumps(told))
"""


def pieces() -> list[str]:
    """Each statement of the language, and each built-in name: named, called, and with a value."""
    # breakpoint stops the Python that compares, and open(1) closes what it says.
    names = [name for name in dir(builtins) if name not in ("_", "breakpoint", "open")]
    given = ("", "()", "(1)", "('1')", "([1, 2])", "('a', (), {})", "(abs, [1])")
    programs = [line.replace("\\n", "\n") for line in LANGUAGE.read_text("utf-8").splitlines()]
    return programs + [f"x = {name}{call}" for name in names for call in given]


def passing(programs: list[str]) -> list[str]:
    """Those that pass in this Python."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", DRIVER],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return [program for program, passed in zip(programs, told, strict=True) if passed]


async def ran(programs: list[str]) -> list[Run]:
    engine = MontyEngine()
    try:
        return await asyncio.gather(*map(engine.run, programs))
    finally:
        await engine.close()


async def test_what_passes_in_cpython_is_never_blamed() -> None:
    programs = passing(pieces())
    assert len(programs) > 500
    runs = await ran(programs)
    fair = {"passed", "unsupported"}
    told = [(p, r.verdict, r.error) for p, r in zip(programs, runs, strict=True)]
    assert [one for one in told if one[1] not in fair] == []
    assert sum(run.verdict == "passed" for run in runs) > 100


@pytest.mark.parametrize(
    "program",
    [
        "1 / 0",
        "1 + []",
        "x = 'a'\nx += 1",
        "print(lantern)",
        "[][3]",
        "{}['oil']",
        "assert 1 == 2",
        "raise ValueError('no oil')",
        "def f():\n    raise NotImplementedError\nf()",
        "def f():\n    return f()\nf()",
        "a, b = 1, 2, 3",
        "int('oil')",
        "raise TypeError(\n    'oil'\n)",
        "print(",
    ],
)
async def test_what_no_python_would_run_is_the_storys_fault(program: str) -> None:
    [run] = await ran([program])
    assert run.verdict == "raised", run.error
