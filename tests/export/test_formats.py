"""Every format holds the whole story: its graph, and its texts as they were."""

import html
import json
import re
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import ValidationError, validate
from markdown_it import MarkdownIt

from tasks.core.plain_text import clean, one_line
from tasks.export import export_story, ink, markdown, twee
from tasks.export.language import tag_of
from tasks.export.page import render_page
from tasks.export.prose import passages
from tasks.story.scene import Scene
from tasks.story.story import Story
from tests.export.conftest import Exported
from tests.stories import HOSTILE, make_story

Edges = set[tuple[str, str, str]]
"""(scene, choice, scene it leads to)"""

MARKDOWN_TAGS = {"h1", "h2", "p", "a", "em", "strong", "ul", "li", "pre", "code", "br"}
MARKDOWN_LINK = re.compile(r'<a href="#([^"]*)">(.*?)</a>', re.DOTALL)
TWEE_LINK = re.compile(r"\[\[(?P<text>.*?)(?:->|\|)(?P<to>[^|\[\]<>]*)\]\]")


def edges(story: Story) -> Edges:
    return {
        (scene.scene_id, one_line(branch.choice), branch.leads_to)
        for scene in story.scenes
        for branch in scene.story_branches
        if branch.leads_to
    }


def endings(story: Story) -> set[str]:
    return {path[-1].scene_id for path in story.paths()}


def lines_of(scene: Scene) -> list[str]:
    """What a scene says, one text a paragraph or line."""
    said = [text for line in scene.dialogue for text in (line.emotion, line.text)]
    told = [text for _, text in passages(scene.narrative_text)]
    return [one_line(scene.setting_description), *told, *map(one_line, said)]


def without_breaks(text: str) -> str:
    """Text without the spaces of no width that keep addresses from becoming links."""
    return text.replace("\u200b", "")


def spaced(text: str) -> str:
    """Text whose kinds of space do not count, for formats that break lines anew."""
    return " ".join(text.split())


# --- Twee ---------------------------------------------------------------------------------------


def link_text(found: str, story_format: str) -> str:
    return str(json.loads(found)) if story_format == "SugarCube" else html.unescape(found)


def twee_edges(passages: list[dict[str, Any]], story_format: str) -> Edges:
    """The graph of a Twee file, passages of consequences passed through; every link leads on."""
    by_name = {passage["name"]: passage for passage in passages}
    assert len(by_name) == len(passages)
    links = {
        name: [(link_text(m["text"], story_format), m["to"]) for m in TWEE_LINK.finditer(p["text"])]
        for name, p in by_name.items()
    }
    for name, passage in by_name.items():
        assert passage["text"].count("[[") == len(links[name]), "every [[ is a link of ours"

    def scene(name: str) -> str:
        if "consequence" in by_name[name]["tags"]:
            [(_, name)] = links[name]
        return name.split(" ")[0]

    return {
        (name.split(" ")[0], text, scene(to))
        for name, found in links.items()
        if "consequence" not in by_name[name]["tags"]
        for text, to in found
    }


@pytest.mark.parametrize("story_format", ["Harlowe", "SugarCube"])
def test_extwee_reads_each_twee_file_and_makes_the_same_of_its_html(
    exported: list[Exported], foreign_view: list[dict[str, Any]], story_format: str
) -> None:
    for one, view in zip(exported, foreign_view, strict=True):
        seen = view[f"{story_format.lower()}.twee"]
        assert [p["text"] for p in seen["html"]["passages"]] == [
            p["text"] for p in seen["twee"]["passages"]
        ]
        for made in seen.values():
            assert made["ifid"] == twee.ifid(one.story)
            assert made["format"] == story_format
            assert made["start"] == twee.name_of(one.story.opening)
            assert made["name"] == one_line(one.story.title)
            assert twee_edges(made["passages"], story_format) == edges(one.story)
            marked = {p["name"].split(" ")[0] for p in made["passages"] if "ending" in p["tags"]}
            assert marked == {s.scene_id for s in one.story.scenes if not s.story_branches}
            places = [p["metadata"]["position"] for p in made["passages"]]
            assert len(set(places)) == len(places), "no passage lies on another"


def test_twee_texts_survive(exported: list[Exported], foreign_view: list[dict[str, Any]]) -> None:
    for one, view in zip(exported, foreign_view, strict=True):
        made = {p["name"]: p["text"] for p in view["harlowe.twee"]["html"]["passages"]}
        for scene in one.story.scenes:
            shown = html.unescape(made[twee.name_of(scene)])
            for text in lines_of(scene):
                assert clean(text) in shown


def test_twee_names_keep_the_marks_of_a_question(
    exported: list[Exported], foreign_view: list[dict[str, Any]]
) -> None:
    for story_format in ("harlowe", "sugarcube"):
        made = foreign_view[2][f"{story_format}.twee"]["html"]
        assert made["start"] == "1 ¿Quién va? ¡Alto!"


def test_a_title_is_no_passage() -> None:
    story = make_story(1, 0, 1).model_copy(update={"title": ":: Extra [script]"})
    text = twee.to_twee(story, "SugarCube")
    assert len(re.findall("^::", text, re.MULTILINE)) == 3
    assert text.startswith(":: StoryTitle\n :: Extra [script]\n")


@given(st.text() | st.sampled_from(HOSTILE.split("\n")))
def test_twee_escapes_markup_and_nothing_is_lost(text: str) -> None:
    escaped = twee.escape(text)
    assert html.unescape(escaped) == clean(text)
    bare = re.sub(r"&#\d+;", "x", escaped)
    assert not re.search(r"[&<>\[\]{}$_`|~^@*#%\\]|''|//|--|==|/\*|\"\"", bare)
    assert not re.search(r"^[ \t]*(?:[!:]|0\.)", bare, re.MULTILINE)


@given(st.text(min_size=1))
def test_sugarcube_never_evaluates_the_text_of_a_link(text: str) -> None:
    link = twee._link(one_line(text), "1.1 Down", "SugarCube")
    match = re.fullmatch(r'\[\[("(?:[^"\\\[\]|<>]|\\u[0-9a-f]{4})*")\|1\.1 Down\]\]', link)
    assert match
    assert json.loads(match[1]) == one_line(text)


# --- Ink ----------------------------------------------------------------------------------------


def ink_lines(story: Story, path: list[Scene]) -> list[str]:
    """What a player reads on a path, one entry a line."""
    lines: list[str] = []
    for scene, after in pairwise([*path, None]):
        assert scene is not None
        lines += [line for text in lines_of(scene)[:1] for line in text.split("\n")]
        for _, text in passages(scene.narrative_text):
            lines += text.split("\n")
        lines += [one_line(line.text) for line in scene.dialogue]
        if after is not None:
            branch = next(b for b in scene.story_branches if b.leads_to == after.scene_id)
            lines += [one_line(branch.choice)]
            lines += [line for _, t in passages(branch.consequence) for line in t.split("\n")]
    return [spaced(line) for line in lines if line.strip()]


def test_inkjs_plays_each_ink_file_to_every_ending(
    exported: list[Exported], foreign_view: list[dict[str, Any]]
) -> None:
    for one, view in zip(exported, foreign_view, strict=True):
        seen = view["story.ink"]
        assert not seen["messages"]
        paths = list(one.story.paths())
        assert len(seen["endings"]) == len(paths)
        for played, path in zip(seen["endings"], paths, strict=True):
            shown = iter([spaced(line) for line in played["lines"]])
            for line in ink_lines(one.story, path):
                assert any(line in seen_line for seen_line in shown), line


@given(st.text() | st.sampled_from(HOSTILE.split("\n")))
def test_ink_escapes_markup_and_nothing_is_lost(text: str) -> None:
    escaped = ink.escape(text)
    assert re.sub(r"\\(.)", r"\1", escaped) == one_line(text)
    bare = re.sub(r"\\.", "x", escaped)
    assert not re.search(r"[\\{}\[\]|~#<>]|//|/\*|^[-*+=(]", bare)
    assert "//" not in escaped
    assert "/*" not in escaped


# --- Markdown, EPUB, JSON -----------------------------------------------------------------------


def book_edges(links: dict[str, list[tuple[str, str]]]) -> Edges:
    """The graph of a book's links, places of consequences passed through."""

    def scene(to: str) -> str:
        if to.startswith("choice-"):
            [(to, _)] = links[to]
        return to.removeprefix("scene-")

    return {
        (name.removeprefix("scene-"), text, scene(to))
        for name, found in links.items()
        if name.startswith("scene-")
        for to, text in found
    }


def assert_nothing_is_told_before_it_is_chosen(story: Story, told: dict[str, str]) -> None:
    """What follows from a choice stands in the one place the choice leads to."""
    targets = [b.leads_to for scene in story.scenes for b in scene.story_branches]
    for scene in story.scenes:
        for branch in scene.story_branches:
            if branch.leads_to:
                meets = targets.count(branch.leads_to) > 1
                place = f"choice-{branch.branch_id}" if meets else f"scene-{branch.leads_to}"
                assert spaced(clean(branch.consequence)) in told[place]
            if not branch.consequence.startswith(HOSTILE[:20]):
                assert spaced(branch.consequence) not in told[f"scene-{scene.scene_id}"]


def test_markdown_links_every_choice_and_keeps_every_text(exported: list[Exported]) -> None:
    for one in exported:
        page = MarkdownIt().render((one.folder / "story.md").read_text("utf-8"))
        assert set(re.findall(r"<(\w+)", page)) <= MARKDOWN_TAGS
        assert all(
            href.startswith(("#scene-", "#choice-")) for href in re.findall(r'href="([^"]*)"', page)
        )
        page = without_breaks(page)
        shown = spaced(html.unescape(re.sub(r"<[^>]+>", "", page)))
        told = dict(re.findall(r'<a id="([^"]*)"></a>(.*?)(?=<a id=|\Z)', page, re.DOTALL))
        links = {
            name: [(to, spaced(html.unescape(text))) for to, text in MARKDOWN_LINK.findall(part)]
            for name, part in told.items()
        }
        assert book_edges(links) == edges(one.story)
        for name, part in told.items():
            told[name] = spaced(html.unescape(re.sub(r"<[^>]+>", "", part)))
        assert_nothing_is_told_before_it_is_chosen(one.story, told)
        for scene in one.story.scenes:
            for text in lines_of(scene):
                assert spaced(clean(text)) in shown


@given(st.text())
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    page = without_breaks(MarkdownIt().render(f"## {markdown._text(text)}"))
    assert spaced(html.unescape(re.sub(r"</?h2>", "", page))) == one_line(without_breaks(text))


def test_epub_is_valid_and_its_links_are_the_choices(
    exported: list[Exported], foreign_view: list[dict[str, Any]]
) -> None:
    for one, view in zip(exported, foreign_view, strict=True):
        assert view["story.epub"] == {"valid": True, "messages": []}
        with zipfile.ZipFile(one.folder / "story.epub") as book:
            assert book.namelist()[0] == "mimetype"
            pages = {
                Path(file).stem: ElementTree.fromstring(book.read(file))  # noqa: S314
                for file in book.namelist()
                if Path(file).stem.startswith(("scene-", "choice-"))
            }
        told = {name: spaced("".join(page.itertext())) for name, page in pages.items()}
        links = {
            name: [
                (link.attrib["href"].removesuffix(".xhtml"), spaced(link.text or ""))
                for link in page.iter("{http://www.w3.org/1999/xhtml}a")
            ]
            for name, page in pages.items()
        }
        assert book_edges(links) == edges(one.story)
        assert_nothing_is_told_before_it_is_chosen(one.story, told)
        for scene in one.story.scenes:
            for text in lines_of(scene):
                assert spaced(clean(text)) in told[f"scene-{scene.scene_id}"]


@pytest.mark.parametrize(
    ("language", "tag"),
    [
        ("English", "en"),
        ("British English", "en"),
        ("deutsch", "de"),
        ("de", "de"),
        ("pt-BR", "pt-BR"),
        ("Portuguese (Brazil)", "pt"),
        ("Sindarin", "und"),
    ],
)
def test_a_language_by_any_usual_name_has_its_tag(language: str, tag: str) -> None:
    assert tag_of(language) == tag


def test_page_and_book_say_their_language_and_direction(exported: list[Exported]) -> None:
    hebrew = exported[1]
    assert hebrew.story.world.language == "Hebrew"
    assert '<html lang="he" dir="rtl">' in render_page(hebrew.story)
    with zipfile.ZipFile(hebrew.folder / "story.epub") as book:
        package = book.read("book/package.opf").decode()
        assert "<dc:language>he</dc:language>" in package
        assert 'page-progression-direction="rtl"' in package
        assert 'lang="he" xml:lang="he" dir="rtl"' in book.read("book/scene-1.xhtml").decode()


def test_json_reads_back_as_the_same_story_and_fits_its_schema(exported: list[Exported]) -> None:
    one = exported[0]
    text = (one.folder / "story.json").read_text("utf-8")
    assert Story.model_validate_json(text) == one.story
    schema = json.loads((one.folder / "story.schema.json").read_text("utf-8"))
    validate(json.loads(text), schema)
    broken = json.loads(text) | {"scenes": [{"scene_id": "one"}]}
    with pytest.raises(ValidationError):
        validate(broken, schema)


def test_the_same_story_makes_the_same_files(exported: list[Exported], tmp_path: Path) -> None:
    for name, path in export_story(exported[0].story, tmp_path).items():
        assert path.read_bytes() == (exported[0].folder / path.name).read_bytes(), name
