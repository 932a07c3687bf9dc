"""Stories are checked whole, and what a person intended is honoured."""

import json
from pathlib import Path

from typer.testing import CliRunner

from flows.check_stories import check_stories
from flows.cli import app
from flows.orders.stories import StoryOrder
from tasks.export import export_story
from tasks.story.scene import DialogueLine
from tests.flows.conftest import Run, artifact, run_story


def contradict(run: Run, folder: Path) -> Path:
    """The story with a line for the dead keeper in every scene."""
    line = DialogueLine(character_id="anselm", text='I am "still" here\x1b[2J.', emotion="calm")
    scenes = [scene.model_copy(update={"dialogue": [line]}) for scene in run.story.scenes]
    return export_story(run.story.model_copy(update={"scenes": scenes}), folder)["json"]


async def test_every_story_leaves_a_consistency_report(run: Run) -> None:
    report = await artifact(run.flow_run_id, f"consistency-{run.story.brief.id}")
    assert "Refused branches" in report


def test_check_ends_with_0_for_a_clean_story_and_4_for_another(run: Run, tmp_path: Path) -> None:
    for named in (run.told.folder / "story.json", run.told.folder):
        clean = CliRunner().invoke(app, ["check", str(named)])
        assert clean.exit_code == 0, clean.output
    page = tmp_path / "report.html"
    broken = CliRunner().invoke(app, ["check", str(contradict(run, tmp_path)), "--html", str(page)])
    assert broken.exit_code == 4
    assert "Anselm Calder" in broken.output
    assert 'I am "still" here[2J.' in broken.output
    assert "Refused branches" in page.read_text()


def test_a_story_of_one_scene_is_counted_in_the_singular(run: Run, tmp_path: Path) -> None:
    alone = run.story.opening.model_copy(update={"story_branches": [], "ending": "open"})
    story = run.story.model_copy(update={"scenes": [alone]})
    checked = CliRunner().invoke(app, ["check", str(export_story(story, tmp_path)["json"])])
    assert ": 1 scene, 0 branches, 1 ending, 1 way; read " in checked.output


async def test_check_stories_is_green_only_if_all_are_clean(run: Run, tmp_path: Path) -> None:
    good = await check_stories(str(run.told.folder), return_state=True)
    contradict(run, tmp_path / "other")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "story.json").write_text("{}")
    broken = await check_stories(str(tmp_path / "broken"), return_state=True)
    bad = await check_stories(str(tmp_path), return_state=True)
    assert good.name == "Completed"
    assert bad.name == "Contradictions"
    assert broken.name == "Unreadable"
    assert str(bad.message).startswith("1 of 2 contradict: ")
    assert "1 of 2 cannot be read: " in str(bad.message)


async def test_what_a_person_intended_gets_in_the_next_time(run: Run, tmp_path: Path) -> None:
    _, refused = next(run.story.refused())
    folder = tmp_path / run.told.story_id
    folder.mkdir()
    decisions = [
        {"check": issue.check, "quote": issue.quote, "reason": "He haunts the quay."}
        for issue in refused.verdict.issues
        if issue.severity != "info"
    ]
    (folder / "story.intended.yaml").write_text(json.dumps(decisions))
    again = await run_story(StoryOrder(depth=1, out=str(tmp_path)))
    opening = again.story.opening
    accepted = [*opening.story_branches, *opening.spare_branches]
    kept = [branch for branch in accepted if branch.choice == refused.choice]
    assert kept
    assert kept[0].verdict.intended == "He haunts the quay."
