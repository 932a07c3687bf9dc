"""`talewright prompts` finds what is amiss before money is spent on it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.prompts import app
from tasks.core.settings import Settings
from tasks.prompts.lint import remarks, size
from tasks.prompts.render import FOLDER, folders, load, prompt_ids, read, versions

FRONT = "---\nid: p\nversion: 1\nnote: A test.\nvariables: [scene, ask]\n---\n"


def lint(tmp_path: Path, body: str) -> list[str]:
    path = tmp_path / "p" / "1.md"
    path.parent.mkdir()
    path.write_text(FRONT + body, "utf-8")
    return [f"{remark.line}: {remark.message}" for remark in remarks(read(path))]


@pytest.mark.parametrize("name", [f"{n}@{v}" for n in prompt_ids() for v in versions(n)])
def test_the_shipped_prompts_have_no_remarks_and_a_price(name: str) -> None:
    file = load(name)
    assert remarks(file) == []
    of = size(file, Settings())
    assert 0 <= of.tokens_shared < of.tokens_in
    assert of.usd > 0


@pytest.mark.parametrize(
    ("printed", "remark"),
    [
        ("{{ scene.title }}", "`scene.title`"),
        ("{{ scene.title | upper }}", "`scene.title`"),
        ('{{ "Title: " ~ scene.title }}', "`scene.title`"),
        ("{% for line in scene.dialogue %}\n{{ line.text }}{% endfor %}", "`line.text`"),
        ("{{ scene.title if scene else 'none' }}", "`scene.title`"),
    ],
)
def test_a_missing_fence_is_found(tmp_path: Path, printed: str, remark: str) -> None:
    (found,) = lint(tmp_path, "{% block text %}\n{{ ask | fence }}" + printed + "{% endblock %}")
    assert remark in found
    assert found.startswith("9:" if "\n" in printed else "8:")
    assert "not fenced" in found


@pytest.mark.parametrize(
    "printed",
    [
        "{{ scene.title | fence }}",
        '{{ (scene.title ~ "x") | fence("scene") }}',
        '{% filter fence("scene") %}{% for l in scene.dialogue %}{{ l.text }}{% endfor %}'
        "{% endfilter %}",
        "{{ scene.title | word }}",
        "{{ scene.dialogue | length }}",
        "{% for l in scene.dialogue %}{{ loop.index }}{{ ';' if not loop.last }}{% endfor %}",
        "{% if scene %}words{% endif %}",
    ],
)
def test_what_is_closed_passes(tmp_path: Path, printed: str) -> None:
    assert lint(tmp_path, "{% block text %}{{ ask | fence }}" + printed + "{% endblock %}") == []


def test_an_unused_variable_and_a_block_nobody_sends(tmp_path: Path) -> None:
    assert lint(tmp_path, "{% block txt %}{{ scene | fence }}{% endblock %}") == [
        "1: There is no block `text`, so nothing would be asked.",
        "5: The variable ask is never used.",
        "7: The block `txt` is never sent; the blocks are system, shared, text.",
    ]


def test_the_command_lists_shows_diffs_and_lints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALEWRIGHT_PROMPTS", str(tmp_path))
    text = load("scene@1").path.read_text("utf-8")
    (tmp_path / "scene").mkdir()
    second = text.replace("version: 1", "version: 2").replace("Avoid this:", "Do not do it again:")
    (tmp_path / "scene" / "2.md").write_text(second, "utf-8")
    runner = CliRunner()

    listed = json.loads(runner.invoke(app, ["list", "--json"]).stdout)
    assert {("scene", 1), ("scene", 2)} <= {(row["id"], row["version"]) for row in listed}
    assert runner.invoke(app, ["show", "scene"]).stdout == second
    diff = runner.invoke(app, ["diff", "scene@1"])
    assert diff.exit_code == 1
    assert "+The last attempt at this scene was refused. Do not do it again:" in diff.stdout
    assert runner.invoke(app, ["diff", "scene@1", "scene@1"]).exit_code == 0
    good = runner.invoke(app, ["lint", "--json"])
    assert good.exit_code == 0, good.stdout
    assert json.loads(good.stdout)["remarks"] == []

    (tmp_path / "scene" / "3.md").write_text(second, "utf-8")
    bad = runner.invoke(app, ["lint", "scene"])
    assert bad.exit_code == 1
    assert "3.md:2: The file is scene@3, but says scene@2." in bad.stderr


def test_text_outside_the_blocks_is_never_sent(tmp_path: Path) -> None:
    body = "{% block text %}{{ scene | fence }}{{ ask | fence }}{% endblock %}\n\nMore weather.\n"
    assert lint(tmp_path, body) == ["9: This stands in no block, so it is never sent."]


def test_the_own_folder_may_be_the_shipped_one() -> None:
    assert folders(Settings(talewright_prompts=FOLDER)) == (FOLDER,)
