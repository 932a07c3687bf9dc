"""Snippets of one story: what they may use of each other, and the output the story states."""

from pathlib import Path
from typing import Any, cast

import pytest

from flows.story import scene as scene_steps
from tasks.core.settings import SandboxName, Settings
from tasks.run_code import MOST_SNIPPETS, run_code
from tasks.sandbox import find_code, open_sandbox
from tasks.story.ask import SceneAsk
from tasks.story.code import CodeReport, Snippet
from tests.emulators.e2b import KEY, E2BEmulator

ENGINES: list[SandboxName] = ["bubblewrap", "monty"]
CANARY = "canary-4712"
PRY = """
```python
import glob
import os

print(dict(os.environ), os.getenv("GEMINI_API_KEY"))
```
```python
import glob

for name in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        print(open(name).read())
    except OSError:
        pass
```
```python
print(open("/proc/1/environ").read())
```
"""


async def reports(text: str, engine: SandboxName, home: Path, **more: Any) -> list[CodeReport]:
    settings = Settings(_env_file=None, talewright_home=home, **more)
    async with open_sandbox(settings, engine, run_id="r", story_id="s") as sandbox:
        return await run_code.fn(find_code(text), sandbox, "scene")


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_snippet_uses_those_before_it_but_not_their_output(
    bwrap: str, tmp_path: Path, engine: SandboxName
) -> None:
    text = (
        "```python\nx = 6\nprint('oil', end='')\n```\n\n```python\n1 / 0\n```\n\n"
        "```python\nprint(x * 7)\n# Output: 42\n```\n"
    )
    oil, failed, product = await reports(text, engine, tmp_path)
    assert (oil.verdict, oil.stdout) == ("passed", "oil")
    assert failed.error == "ZeroDivisionError: division by zero"
    assert (product.verdict, product.stdout, product.matches_expected) == ("passed", "42\n", True)


@pytest.mark.parametrize(
    ("printed", "stated", "matches"),
    [
        ("42", "42", True),
        ("a  \\nb\\n\\n", "a\nb", True),
        ("142", "42", False),
        ("1\\n42", "42", False),
        (" 42", "42", False),
        ("", "42", False),
    ],
)
async def test_the_stated_output_is_the_whole_output(
    tmp_path: Path, printed: str, stated: str, matches: bool
) -> None:
    text = f"```python\nprint('{printed}')\n```\n```output\n{stated}\n```\n"
    [report] = await reports(text, "monty", tmp_path)
    assert report.matches_expected is matches
    assert report.to_blame is not matches


@pytest.mark.parametrize("engine", [*ENGINES, "e2b"])
async def test_code_that_reads_the_environment_of_the_worker_finds_no_key(
    e2b: E2BEmulator, tmp_path: Path, engine: SandboxName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    pried = await reports(PRY, engine, tmp_path, **e2b.settings())
    said = str(pried)
    assert {report.engine for report in pried} == {engine}
    assert "infra_error" not in {report.verdict for report in pried}
    assert CANARY not in said
    assert KEY not in said
    assert CANARY not in str(e2b.bodies)
    assert KEY not in str(e2b.bodies)


async def test_a_scene_runs_a_few_snippets_and_says_that_there_are_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Desk:
        sandbox = None

        def label(self, scene_id: str) -> str:
            return scene_id

    async def ran(snippets: list[Snippet], sandbox: object, label: str) -> list[CodeReport]:
        return [CodeReport(snippet=one, verdict="passed", engine="monty") for one in snippets]

    monkeypatch.setattr(scene_steps, "run_code", ran)
    text = "```python\nx = 1\n```\n" * 900
    desk, ask = cast(scene_steps.Desk, Desk()), SceneAsk.model_construct(scene_id="1")
    _, reports = await scene_steps._run(desk, ask, text)
    assert [one.verdict for one in reports] == ["passed"] * MOST_SNIPPETS + ["not_executed"]
    assert reports[-1].snippet.first_line == 3 * MOST_SNIPPETS + 1
    assert "892 of 900" in (reports[-1].error or "")


@pytest.mark.parametrize("engine", ["monty", "none"])
async def test_code_too_deep_for_any_python_raises(tmp_path: Path, engine: SandboxName) -> None:
    [report] = await reports(f"```python\nx = {'-' * 9000}1\n```\n", engine, tmp_path)
    assert report.verdict == "raised"
