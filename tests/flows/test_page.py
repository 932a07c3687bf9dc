"""The page plays in a browser, and nothing a model wrote does anything there."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tasks.export import export_story
from tasks.story.scene import DialogueLine
from tasks.story.story import Story
from tests.browser import chromium, needs_chromium
from tests.flows.conftest import Run

pytestmark = needs_chromium

DESKTOP = {"width": 1200, "height": 900}
PHONE = {"width": 360, "height": 740}
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "</script><script>document.title='owned'</script> [[a->b]] {{7*7}} &lt; “quotes” "
    "\u202eright to left\u202c 🜁 \n\n```python\nprint('<b>')\n```\n<!-- ]]> javascript:alert(1)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    yield context.new_page()
    context.close()


def endings(story: Story) -> list[list[int]]:
    """The choices, counted from 0, that lead to each ending."""
    return [
        [
            next(i for i, b in enumerate(scene.story_branches) if b.leads_to == after.scene_id)
            for scene, after in pairwise(path)
        ]
        for path in story.paths()
    ]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_ending_is_reached_by_clicks(
    run: Run, browser: Browser, size: dict[str, int]
) -> None:
    context = browser.new_context(viewport={"width": size["width"], "height": size["height"]})
    page = context.new_page()
    for way in endings(run.story):
        page.goto((run.told.folder / "index.html").as_uri())
        page.evaluate("localStorage.clear()")
        page.reload()
        for choice in way:
            page.locator("#choices button").nth(choice).click()
        assert page.locator("#ending").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_every_ending_is_reached_by_keys_alone(run: Run, page: Page) -> None:
    for way in endings(run.story):
        page.goto((run.told.folder / "index.html").as_uri())
        page.evaluate("localStorage.clear()")
        page.reload()
        for choice in way:
            page.keyboard.press(str(choice + 1))
        assert page.locator("#ending").is_visible()


def test_back_restart_and_progress(run: Run, page: Page) -> None:
    page.goto((run.told.folder / "index.html").as_uri())
    page.keyboard.press("1")
    page.reload()
    assert page.locator("#scene").get_attribute("data-scene") == "1.1"
    page.keyboard.press("Backspace")
    assert page.locator("#scene").get_attribute("data-scene") == "1"
    page.keyboard.press("2")
    page.click("#restart")
    assert page.locator("#scene").get_attribute("data-scene") == "1"


def test_the_designer_sees_the_map_and_why_branches_were_refused(run: Run, page: Page) -> None:
    page.goto((run.told.folder / "index.html").as_uri())
    page.click("#desk")
    assert page.locator(".map a.node").count() == len(run.story.scenes)
    assert page.locator("article.refused").count() == len(list(run.story.refused()))
    page.locator('.map a[href="#1.2.1"]').click()
    assert page.locator("#scene").get_attribute("data-scene") == "1.2.1"
    assert page.locator(".written").inner_text().startswith("Written by offline writer")


def hostile(story: Story) -> Story:
    def scene(index: int) -> object:
        old = story.scenes[index]
        branches = [b.model_copy(update={"choice": HOSTILE}) for b in old.story_branches]
        return old.model_copy(
            update={
                "title": HOSTILE[:120],
                "setting_description": HOSTILE,
                "narrative_text": HOSTILE,
                "dialogue": [DialogueLine(character_id="ines", text=HOSTILE, emotion=HOSTILE)],
                "story_branches": branches,
            }
        )

    scenes = [scene(index) for index in range(len(story.scenes))]
    return story.model_copy(update={"title": HOSTILE[:400], "scenes": scenes})


def test_hostile_texts_do_nothing(run: Run, page: Page, tmp_path: Path) -> None:
    export_story(hostile(run.story), tmp_path, run.told.receipt)
    requests: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto((tmp_path / "index.html").as_uri())
    page.click("#desk")
    page.keyboard.press("1")
    assert page.title() != "owned"
    assert "<script>document.title" in page.locator("#scene").inner_text()
    assert page.locator("#scene img, #scene script, #designer img, #designer script").count() == 0
    assert not dialogs
    assert all(url.startswith(("file://", "data:")) for url in requests)
    assert len(requests) == 1


def test_scripts_of_others_are_forbidden(run: Run, page: Page) -> None:
    page.goto((run.told.folder / "index.html").as_uri())
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = \"document.title = 'owned'\";"
        "document.body.appendChild(s)"
    )
    assert page.title() == run.story.title
