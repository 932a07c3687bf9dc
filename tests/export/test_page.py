"""The page plays in a browser for everybody, and nothing a model wrote does anything there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tasks.export import export_story
from tasks.export.page import render_shelf
from tasks.story.published import Published
from tasks.story.receipt import Receipt, Tally
from tasks.story.story import Story
from tasks.story.verdict import Severity
from tests.browser import chromium, needs_chromium
from tests.export import foreign
from tests.stories import hostile_story, make_story

pytestmark = needs_chromium

DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=360, height=740)
sizes = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


@dataclass(frozen=True)
class Exported:
    story: Story
    url: str


def export(story: Story, folder: Path) -> Exported:
    receipt = Receipt.model_validate(
        {
            "run_id": "1",
            "title": "A run",
            "outcome": "complete",
            "started": "2026-01-01T00:00:00Z",
            "seconds": 1.5,
            "writer": "offline writer",
            "total": Tally(name="all", calls=7),
            "by_step": [Tally(name="generate", calls=7)],
        }
    )
    return Exported(story, export_story(story, folder, receipt)["html"].as_uri())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    story = make_story(2, depth=2, breadth=2, joins=True)
    code = f"```python\nprint({'wide ' * 40!r})\n```"
    text = f"{story.opening.narrative_text}\n\n{code}"
    opening = story.opening.model_copy(update={"narrative_text": text})
    story = story.model_copy(update={"scenes": [opening, *story.scenes[1:]]})
    return export(story, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(hostile_story(), tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def browser(plain: Exported, hostile: Exported) -> Iterator[Browser]:
    # The stories come first: while a browser is open here, no other event loop can run.
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    yield from opened(browser, DESKTOP)


def opened(browser: Browser, size: ViewportSize, **options: Any) -> Iterator[Page]:
    context = browser.new_context(viewport=size, **options)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def ways(story: Story) -> list[list[int]]:
    """The choices, counted from 0, that lead to each ending."""
    return [
        [
            next(i for i, b in enumerate(scene.story_branches) if b.leads_to == after.scene_id)
            for scene, after in pairwise(path)
        ]
        for path in story.paths()
    ]


def here(page: Page) -> str:
    return page.locator("#scene").get_attribute("data-scene") or ""


@sizes
def test_every_ending_is_reached_by_clicks(
    browser: Browser, plain: Exported, size: ViewportSize
) -> None:
    for page in opened(browser, size):
        page.goto(plain.url)
        for n, (way, path) in enumerate(zip(ways(plain.story), plain.story.paths(), strict=True)):
            for choice in way:
                page.locator("#choices button").nth(choice).click()
            assert here(page) == path[-1].scene_id
            assert page.locator("#ending").inner_text().endswith(path[-1].ending or "")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            if n == 0:
                assert "Endings found: 1 of" in page.locator("#found").inner_text()
            page.locator("#choices .again").click()
        total = len({path[-1].scene_id for path in plain.story.paths()})
        assert page.locator("#found").inner_text() == f"Endings found: {total} of {total}."


@pytest.mark.parametrize("keys", ["numbers", "arrows"])
def test_every_ending_is_reached_by_keys_alone(page: Page, plain: Exported, keys: str) -> None:
    page.goto(plain.url)
    for way in ways(plain.story):
        for choice in way:
            if keys == "numbers":
                page.keyboard.press(str(choice + 1))
                continue
            for _ in range(60):
                if page.evaluate("document.activeElement.closest('#choices') !== null"):
                    break
                page.keyboard.press("Tab")
            for _ in range(choice):
                page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
        assert page.locator("#ending").is_visible()
        page.keyboard.press("ArrowLeft")
        assert here(page).count(".") == len(way) - 1
        page.click("#restart")


def test_a_screen_reader_hears_where_it_is_and_what_can_be_done(
    page: Page, plain: Exported
) -> None:
    page.goto(plain.url)
    page.keyboard.press("1")
    scene = plain.story.scene("1.1")
    assert page.evaluate("document.activeElement.tagName") == "H2"
    assert page.evaluate("document.activeElement.textContent") == scene.title
    assert page.locator("[role=status]").inner_text() == f"{len(scene.story_branches)} choices."


def test_progress_is_kept_and_forgotten_when_the_story_changed(
    page: Page, plain: Exported, tmp_path: Path
) -> None:
    file = tmp_path / "index.html"
    file.write_bytes(Path(plain.url.removeprefix("file://")).read_bytes())
    page.goto(file.as_uri())
    page.keyboard.press("2")
    assert here(page) == "1.2"
    page.wait_for_timeout(500)  # chromium keeps what it is told to a moment later
    page.reload()
    assert here(page) == "1.2"
    page.click("#back")
    assert here(page) == "1"
    page.keyboard.press("2")
    other = plain.story.scenes[0].model_copy(update={"story_branches": []})
    shorter = plain.story.model_copy(update={"scenes": [other]})
    export_story(shorter, tmp_path)
    page.reload()
    assert here(page) == "1"


def test_endings_found_are_those_that_are_still_told_so(
    page: Page, plain: Exported, tmp_path: Path
) -> None:
    url = export_story(plain.story, tmp_path)["html"].as_uri()
    page.goto(url)
    for way in ways(plain.story):
        for choice in way:
            page.keyboard.press(str(choice + 1))
        page.click("#restart")
    total = len({path[-1].scene_id for path in plain.story.paths()})
    assert page.locator("#found").inner_text() == f"Endings found: {total} of {total}."
    ending = next(path[-1] for path in plain.story.paths())
    rewritten = ending.model_copy(update={"narrative_text": "Nothing was as it had been."})
    scenes = [rewritten if scene == ending else scene for scene in plain.story.scenes]
    export_story(plain.story.model_copy(update={"scenes": scenes}), tmp_path)
    page.reload()
    assert page.locator("#found").inner_text() == f"Endings found: {total - 1} of {total}."


@sizes
def test_the_designer_sees_map_refusals_scores_and_receipt(
    browser: Browser, plain: Exported, size: ViewportSize
) -> None:
    for page in opened(browser, size):
        page.goto(plain.url)
        page.click("#desk")
        assert page.locator("#choices").is_visible() == (size == DESKTOP)
        assert page.locator(".map .node").count() == len(plain.story.scenes)
        refused = list(plain.story.refused())
        assert page.locator(".map .refused").count() == len(refused)
        assert page.locator("#designer .card h3").all_inner_texts() == [
            branch.choice for _, branch in refused
        ]
        issue = refused[0][1].verdict.issues[0]
        quotes = page.locator(".sides").first.locator("blockquote")
        assert quotes.all_inner_texts() == [issue.quote, issue.fact]
        left, right = (quotes.nth(i).bounding_box() for i in (0, 1))
        assert left
        assert right
        assert (left["y"] == right["y"]) == (size == DESKTOP), "side by side where there is room"
        parts = plain.story.opening.quality.parts
        page.locator("#scene-1 summary").click()
        page.locator("#scene-1 meter").first.wait_for()
        beats = [beat.text for beat in plain.story.opening.beats]
        assert page.locator("#scene-1 .beats li").all_inner_texts() == beats
        shown = page.locator("#scene-1 tr").evaluate_all("all => all.map(row => row.innerText)")
        assert [row.split() for row in shown] == [
            [part.name, f"{part.value:.2f}", *part.note.split()] for part in parts
        ]
        assert "$0.000123" in page.locator("#scene-1 summary").inner_text()
        assert page.locator(".sums").count() == 1
        page.locator('.map .node[data-scene="1.2"]').click()
        assert here(page) == "1.2"
        assert page.locator("#scene h2").is_visible()
        assert page.locator("#designer").is_visible() == (size == DESKTOP)


@pytest.mark.parametrize("width", [1120, 1440])
def test_a_scene_with_code_does_not_lie_on_the_map(
    browser: Browser, plain: Exported, width: int
) -> None:
    for page in opened(browser, ViewportSize(width=width, height=900)):
        page.goto(plain.url)
        page.click("#desk")
        assert page.locator("#scene pre").is_visible()
        scene, designer = (page.locator(one).bounding_box() for one in ("main", "#designer"))
        assert scene
        assert designer
        assert scene["x"] + scene["width"] <= designer["x"]
        page.click("#smaller", timeout=1000)


@sizes
def test_the_map_opens_with_the_scene_and_what_follows_in_sight(
    browser: Browser, plain: Exported, size: ViewportSize
) -> None:
    for page in opened(browser, size):
        page.goto(plain.url)
        page.click("#desk")
        sheet = page.locator("#sheet").bounding_box()
        assert sheet
        for scene_id in ("1", "1.1", "1.2"):
            node = page.locator(f'.map .node[data-scene="{scene_id}"]').bounding_box()
            assert node
            assert sheet["x"] <= node["x"]
            assert node["x"] + node["width"] <= sheet["x"] + sheet["width"]
            assert node["y"] + node["height"] <= sheet["y"] + sheet["height"]


def test_the_legend_has_the_colours_of_the_map(page: Page, plain: Exported) -> None:
    page.goto(plain.url)
    page.click("#desk")
    of = "circle => getComputedStyle(circle).fill"
    high = page.locator(".legend circle").last
    assert plain.story.opening.quality.score >= 0.9
    assert high.evaluate(of) == page.locator(".map circle").first.evaluate(of)


def test_the_map_is_seen_whole_and_near(page: Page, plain: Exported) -> None:
    def drawn() -> float:
        return float(page.locator(".map").evaluate("map => map.getBoundingClientRect().width"))

    page.goto(plain.url)
    page.click("#desk")
    usual = float(page.locator(".map").evaluate("map => map.viewBox.baseVal.width"))
    page.click("#whole")
    sheet = page.locator("#sheet").bounding_box()
    assert sheet
    assert drawn() <= min(usual, sheet["width"])
    page.locator("#sheet").focus()
    for _ in range(9):
        page.keyboard.press("+")
    assert drawn() == pytest.approx(2 * usual)
    page.click("#smaller")
    assert drawn() == pytest.approx(2 * usual / 1.5)


def test_a_refusal_is_told_in_words_and_not_twice(
    page: Page, plain: Exported, tmp_path: Path
) -> None:
    scene, branch = next(plain.story.refused())
    sure = branch.verdict.issues[0]
    weaker = {"severity": Severity.INFO, "found_by": "inferred", "confidence": 0.9}
    other = sure.model_copy(update=weaker | {"check": "D10", "quote": "Something else."})
    issues = [sure, sure.model_copy(update=weaker), other]
    verdict = branch.verdict.model_copy(update={"issues": issues})
    refused = [branch.model_copy(update={"verdict": verdict})]
    changed = scene.model_copy(update={"refused_branches": refused})
    url = export_story(plain.story.model_copy(update={"scenes": [changed]}), tmp_path)["html"]
    page.goto(url.as_uri())
    page.click("#desk")
    tags = page.locator("#designer .issue .tag")
    assert tags.nth(0).inner_text() == "error · check D1, the dead act"
    assert tags.nth(1).inner_text() == (
        "info · check D10, the dead act · read from the wording, 90 % sure"
    )
    assert [tags.nth(n).is_visible() for n in range(3)] == [True, True, False]
    page.locator(".repeated summary").click()
    assert tags.nth(2).is_visible()
    assert "Consistency: 0 contradicts" in page.locator("#designer").inner_text()


def test_what_no_model_wrote_says_so(page: Page, plain: Exported, hostile: Exported) -> None:
    page.goto(plain.url)
    assert page.locator(".written").inner_text().startswith("Written by offline writer, which is")
    page.goto(hostile.url)
    page.keyboard.press("1")
    assert page.locator(".stand-in").first.is_visible()


def test_a_beat_that_is_not_told_is_marked_and_no_player_sees_an_outline(
    page: Page, hostile: Exported
) -> None:
    page.goto(hostile.url)
    assert page.locator(".beats").count() == 0
    page.click("#desk")
    page.locator("#scene-1 summary").click()
    page.locator("#scene-1 .beats").wait_for()
    assert page.locator("#scene-1 .beats li").count() == 3
    # All three quote what the scene says twice.
    assert page.locator("#scene-1 .beats .warn").count() == 1


def test_what_a_story_leaves_out_is_said_before_it_begins(page: Page, plain: Exported) -> None:
    assert plain.story.world.boundaries
    page.goto(plain.url)
    assert page.locator("#before").is_visible()
    assert plain.story.world.boundaries[0].topic in page.locator("#before").inner_text()


def test_the_shelf_tells_stories_of_the_same_title_apart(page: Page, tmp_path: Path) -> None:
    def published(story_id: str, title: str, seed: int | None) -> Published:
        return Published(
            id=story_id,
            title=title,
            world="The Lighthouse",
            written_by="<b>nobody</b>",
            seed=seed,
            scenes=1,
            endings=2,
            at=datetime(2026, 1, 2, tzinfo=UTC),
            page=f"{story_id}/00000000/index.html",
        )

    stories = [published("a-1", "Night Hum", 1), published("a-2", "Night Hum", 2)]
    stories += [published("old", "Night Hum", None), published("b-1", "Last <i>Ferry", 1)]
    file = tmp_path / "index.html"
    file.write_text(render_shelf(stories), "utf-8")
    page.goto(file.as_uri())
    titles = page.locator("h2").all_inner_texts()
    assert titles == ["Night Hum seed 1", "Night Hum seed 2", "Night Hum old", "Last <i>Ferry"]
    about = "1 scene, 2 endings, written by <b>nobody</b>, 2026-01-02"
    assert page.locator("li .note").first.inner_text() == about
    assert page.locator("li .world").first.text_content() == "The Lighthouse"
    family = "getComputedStyle(document.body).fontFamily"
    assert page.evaluate(family).startswith('"Iowan Old Style"'), "the style of the page"


def test_dark_and_light(browser: Browser, plain: Exported) -> None:
    seen = set()
    for scheme in ("dark", "light"):
        for page in opened(browser, DESKTOP, color_scheme=scheme):
            page.goto(plain.url)
            seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2


def test_hostile_texts_do_nothing(page: Page, hostile: Exported) -> None:
    requests: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(hostile.url)
    page.click("#desk")
    endings = set()
    for way in ways(hostile.story):
        for choice in way:
            page.locator("#choices button").nth(choice).click()
        endings.add(here(page))
        assert "<script>document.title" in page.locator("#scene").inner_text()
        page.click("#restart")
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert endings == {path[-1].scene_id for path in hostile.story.paths()}
    assert page.title() != "owned"
    assert page.locator("img, iframe, object, embed, link, base, form").count() == 0
    assert page.locator("script").count() == 2
    assert page.evaluate("[...document.querySelectorAll('*')].every(e => !e.style?.cssText)")
    assert not dialogs
    assert requests == [hostile.url]


def test_the_policy_stops_scripts_styles_and_requests_of_others(
    page: Page, plain: Exported
) -> None:
    page.goto(plain.url)
    stopped = page.evaluate(
        """async () => {
            const broken = [];
            addEventListener("securitypolicyviolation", e => broken.push(e.effectiveDirective));
            document.body.insertAdjacentHTML("beforeend",
                "<img src=https://example.invalid/x.png onerror='document.title=1'>" +
                "<iframe src=https://example.invalid/></iframe>");
            const script = document.createElement("script");
            script.textContent = "document.title = 'owned'";
            document.body.append(script);
            const style = document.createElement("style");
            style.textContent = "body { display: none }";
            document.body.append(style);
            await fetch("https://example.invalid/").catch(() => {});
            await new Promise(done => setTimeout(done, 100));
            return broken;
        }"""
    )
    assert {"img-src", "frame-src", "connect-src"} <= set(stopped)
    assert {one.split("-")[0] for one in stopped} >= {"script", "style"}
    assert page.title() == plain.story.title
    assert page.locator("body").is_visible()


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [("plain", DESKTOP, "light"), ("plain", PHONE, "dark"), ("hostile", DESKTOP, "dark")],
)
def test_axe_finds_nothing(
    browser: Browser, plain: Exported, hostile: Exported, name: str, size: ViewportSize, scheme: str
) -> None:
    axe = (foreign.modules() / "node_modules/axe-core/axe.min.js").read_text("utf-8")
    exported = {"plain": plain, "hostile": hostile}[name]

    def faults(page: Page) -> list[str]:
        page.evaluate(axe)
        found = page.evaluate("axe.run({ resultTypes: ['violations'] }).then(r => r.violations)")
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]

    for page in opened(browser, size, color_scheme=scheme, reduced_motion="reduce"):
        page.goto(exported.url)
        assert faults(page) == []
        for choice in ways(exported.story)[0]:
            page.keyboard.press(str(choice + 1))
        assert page.locator("#ending").is_visible()
        assert faults(page) == []
        page.click("#desk")
        page.locator("#scene-1 summary").click()
        page.locator("#scene-1 meter").first.wait_for()
        assert faults(page) == []
