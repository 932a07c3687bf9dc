"""A snippet that failed is offered to the writer once, with its error."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tasks.calls.prompt import Prompt, Purpose
from tasks.core.settings import Settings
from tasks.llm.client import Client
from tasks.mend_code import mend_code
from tasks.prompts.render import render
from tasks.run_code import run_code
from tasks.sandbox import find_code, open_sandbox
from tasks.story.code import CodeReport, MendedCode, Snippet
from tests.emulators.gemini import GeminiServer, error, response
from tests.emulators.http import Answer, Request, json_answer

TEXT = """Dusk.

```python
oil = 6
print(oil)
```

She counts.

```python
drops = [oil, oil
print(sum(drops))
```

```python
print(drops, oil)
```

Night.
"""


class Writer(GeminiServer):
    """Keeps the prompts it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.prompts: list[str] = []

    async def answer(self, request: Request) -> Answer:
        if request.body:
            self.prompts.append(request.body.decode())
        return await super().answer(request)

    def mends(self, *codes: str) -> None:
        """Answer with these programs, in order."""
        usage = {"promptTokenCount": 90, "candidatesTokenCount": 10, "totalTokenCount": 100}
        for code in codes:
            self.next(json_answer(response(json.dumps({"code": code}), usage)))


@pytest.fixture
def writer() -> Iterator[Writer]:
    with Writer() as writer:
        yield writer


@pytest.fixture
async def client(writer: Writer, tmp_path: Path) -> AsyncIterator[Client]:
    settings = Settings(
        _env_file=None,
        gemini_api_key=SecretStr("k"),
        gemini_base_url=writer.url,
        talewright_home=tmp_path,
    )
    async with Client.open(settings, run_id="r") as client:
        yield client


async def mended(client: Client, text: str) -> tuple[str, list[CodeReport]]:
    def prompt_for(snippet: Snippet, error: str) -> Prompt:
        said = {"snippet": snippet, "error": error}
        return render("mend", said, schema=MendedCode, settings=client.settings)

    purpose = Purpose("r", "s", "1", "run_code")
    async with open_sandbox(client.settings, "monty", run_id="r", story_id="s") as sandbox:
        reports = await run_code.fn(find_code(text), sandbox, "scene")
        return await mend_code.fn(client, prompt_for, purpose, sandbox, text, reports, "scene")


async def test_mended_code_takes_the_place_of_the_failed(client: Client, writer: Writer) -> None:
    good = "drops = [oil, oil]\nprint(sum(drops))"
    writer.mends(good)
    text, reports = await mended(client, TEXT)
    assert text == TEXT.replace("drops = [oil, oil\nprint(sum(drops))", good)
    assert [(one.verdict, one.stdout) for one in reports] == [
        ("passed", "6\n"),
        ("passed", "12\n"),
        ("passed", "[6, 6] 6\n"),
    ]
    assert [one.snippet.first_line for one in reports] == [3, 10, 15]


async def test_the_writer_is_asked_once_and_told_the_error(client: Client, writer: Writer) -> None:
    writer.mends("1 / 0")
    await mended(client, "```python\nlantern = {}\nlantern['oil']\n```\n")
    [prompt] = writer.prompts
    assert "KeyError" in prompt
    assert "lantern['oil']" in prompt
    tally = await client.ledger.tally(run_id="r")
    assert tally.total.calls == 1


@pytest.mark.parametrize(
    "code",
    ["1 / 0", "print(", "print(1)\n```\nProse.\n```python\nprint(2)", ""],
)
async def test_an_answer_that_does_not_mend_changes_nothing(
    client: Client, writer: Writer, code: str
) -> None:
    wrong = "Dusk: 1 + [] is odd.\n\n```python\n1 + []```\n\n```python\nprint(3)\n```\n"
    writer.mends(code)
    text, reports = await mended(client, wrong)
    assert text == wrong
    assert [one.verdict for one in reports] == ["raised", "passed"]


async def test_an_answer_that_does_not_come_changes_nothing(client: Client, writer: Writer) -> None:
    writer.next(error(400))
    wrong = "```python\n1 + []\n```\n"
    text, [report] = await mended(client, wrong)
    assert text == wrong
    assert report.verdict == "raised"


async def test_two_snippets_of_a_scene_are_offered(client: Client, writer: Writer) -> None:
    writer.mends("1 / 0", "print(2)", "print(3)")
    text = "".join(f"```python\n{n} + []\n```\n" for n in range(4))
    _, reports = await mended(client, text)
    assert [one.verdict for one in reports] == ["raised", "passed", "raised", "raised"]
    assert len(writer.prompts) == 2


async def test_only_the_snippet_changes_where_the_prose_says_the_same(
    client: Client, writer: Writer
) -> None:
    writer.mends("1 + 1")
    text, [report] = await mended(client, "She wrote 1 + [].\n```python\n1 + []```\nNight.")
    assert text == "She wrote 1 + [].\n```python\n1 + 1```\nNight."
    assert report.verdict == "passed"
