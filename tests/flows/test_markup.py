"""Text of stories and programs in the Prefect UI, which renders Markdown and HTML."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from prefect.input import RunInput

from flows import write_stories, write_story
from flows.orders.stories import StoryOrder
from flows.results import BatchResult, StoryResult
from flows.runs import approval
from tasks import run_code
from tasks.core.markdown import escape
from tasks.story.code import CodeReport, Snippet
from tasks.story.receipt import Receipt, Tally
from tasks.story.story import Story
from tests.stories import make_story

HOSTILE = (
    "<img src=http://h.example/x> ![x](http://h.example/y) [z](javascript:alert) "
    "http://h.example/x WWW.h.example me@h.example"
)
ADDRESS = re.compile(r"(?:https?|ftp)://|www\.|[\w.+-]@", re.IGNORECASE)
"""What begins a link in GitHub's Markdown without any markup."""


def told(folder: Path, **fields: Any) -> StoryResult:
    total = Tally(name="total")
    receipt = Receipt(
        run_id="r",
        title="t",
        outcome="complete",
        started=datetime.now(UTC),
        seconds=1,
        writer="w",
        total=total,
    )
    given = {"story_id": "s-1", "title": HOSTILE, "folder": folder, "scenes": 1, "endings": 1}
    return StoryResult(receipt=receipt, **given | fields)


def texts(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        data = list(data.values())
    for one in data if isinstance(data, list | tuple) else [data]:
        yield from texts(one) if isinstance(one, dict | list | tuple) else [str(one)]


def assert_plain(shown: Any) -> None:
    for text in texts(shown):
        page = MarkdownIt().render(text)
        assert not re.search(r"<(?:a|img)\b", page), page
        assert not ADDRESS.search(re.sub(r"</?\w+>", "", page)), page


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is put in the UI."""
    seen: list[Any] = []

    async def keep(data: Any, link_text: str = "", description: str = "", key: str = "") -> None:
        seen.append([link_text or data, description])

    for module, name in (
        (run_code, "acreate_table_artifact"),
        (write_stories, "acreate_table_artifact"),
        (write_story, "acreate_link_artifact"),
    ):
        monkeypatch.setattr(module, name, keep)
    return seen


@pytest.fixture
def story() -> Story:
    return make_story(1, 0, 1)


async def test_what_programs_say_is_text(shown: list[Any], story: Story) -> None:
    snippet = Snippet(code="x", first_line=1, last_line=1)
    report = CodeReport(
        snippet=snippet, verdict="raised", engine="monty", error=HOSTILE, reproduce=HOSTILE
    )
    scene = story.opening.model_copy(update={"code": [report]})
    await run_code.publish_code([scene], "k")
    assert shown
    assert_plain(shown)


async def test_titles_and_errors_of_a_batch_are_text(shown: list[Any], tmp_path: Path) -> None:
    batch = BatchResult(told=[told(tmp_path, error=HOSTILE)], failed={HOSTILE: HOSTILE})
    await write_stories._publish(batch)
    assert shown
    assert_plain(shown)


async def test_the_title_of_a_link_is_text(
    shown: list[Any], story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_story, "publish", lambda *_: "https://stories.example/1")
    monkeypatch.setattr(write_story, "read_story", lambda path: story)
    order = StoryOrder(publish_to="site")
    await write_story.offer(told(tmp_path), order, asyncio.Lock())
    assert shown
    assert_plain(shown)


async def test_the_page_before_an_approval_shows_titles_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def ask(form: type[RunInput]) -> None:
        asked.append(str(form._description))

    monkeypatch.setattr(approval, "_ask", ask)
    assert not await approval.approved(told(tmp_path))
    assert await approval.higher_cap(HOSTILE, told(tmp_path).receipt.spent_usd) is None
    assert len(asked) == 2
    assert_plain(asked)


@pytest.mark.parametrize("address", ["http://h.example", "FTP://h/x", "www.h.example", "a@h.ex"])
def test_a_bare_address_is_text(address: str) -> None:
    assert ADDRESS.search(address)
    assert not ADDRESS.search(escape(address))
    # A browser takes no notice of such a space in the name of a host.
    assert not escape(address).partition("//")[2].startswith("\u200b")
    assert escape(address).replace("\u200b", "").replace("\\", "") == address
