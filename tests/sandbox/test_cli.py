"""`talewright sandboxes`, as a process of its own."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from typer.testing import CliRunner

from flows.cli.sandboxes import app
from tasks.core.errors import InputError
from tasks.core.settings import Settings
from tasks.sandbox import open_sandbox
from tasks.story.code import Snippet
from tests.emulators.e2b import E2BEmulator


def talewright(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_printed_command_runs_a_failed_snippet_again(tmp_path: Path) -> None:
    snippet = Snippet(code="print('oil')\n1 / 0\n", first_line=1, last_line=4)
    settings = Settings(_env_file=None, talewright_home=tmp_path / "a home")
    async with open_sandbox(settings, "monty", run_id="r", story_id="s") as sandbox:
        report = await sandbox.run(snippet)
    assert report.reproduce is not None
    name, *arguments = shlex.split(report.reproduce)
    assert name == "talewright"
    again = talewright(*arguments)
    assert again.returncode == 1
    assert again.stdout == "oil\n"
    assert again.stderr == "raised on monty: ZeroDivisionError: division by zero\n"


def test_a_file_that_passes_and_one_that_is_not_there(bwrap: str, tmp_path: Path) -> None:
    file = tmp_path / "dice.py"
    file.write_text("print(6 * 7)")
    done = CliRunner().invoke(app, ["run", str(file), "--engine", "bubblewrap"])
    assert (done.exit_code, done.stdout) == (0, "42\n")
    missing = CliRunner().invoke(app, ["run", str(tmp_path / "none.py")])
    assert isinstance(missing.exception, InputError)
    assert "none.py" in str(missing.exception)


def test_a_terminal_shows_what_a_program_says_and_does_not_obey(tmp_path: Path) -> None:
    file = tmp_path / "loud.py"
    file.write_text("print('a\\x1b[2J\\x9b1m\\tb')\nraise ValueError('\\x1b]0;owned\\x07')")
    done = CliRunner().invoke(app, ["run", str(file), "--engine", "monty"])
    assert done.stdout == "a[2J1m\tb\n"
    assert done.stderr == "raised on monty: ValueError: \\x1b]0;owned\\x07\n"


def test_sweep_needs_a_key() -> None:
    done = talewright("sandboxes", "sweep", E2B_API_KEY="")
    assert done.returncode == 2
    assert "E2B_API_KEY is not set" in done.stderr
    assert done.stderr.count("\n") == 1


def test_sweep_ends_what_a_killed_worker_left(e2b: E2BEmulator, tmp_path: Path) -> None:
    environment = {name.upper(): str(value) for name, value in e2b.settings().items()}
    environment["E2B_CREATES_PER_SECOND"] = "50"
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.stories", "3", "100"],
        env=os.environ | environment,
    )
    while len(e2b.running) < 3:
        assert worker.poll() is None
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    assert len(e2b.running) == 3
    another = CliRunner().invoke(app, ["sweep", "--run", "another"], env=environment)
    assert another.stdout == "0 killed\n"
    assert talewright("sandboxes", "sweep", **environment).stdout == "3 killed\n"
    assert not e2b.running
