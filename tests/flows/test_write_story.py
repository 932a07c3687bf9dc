"""The main job: a world and a brief become a checked, playable story with a receipt."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prefect.artifacts import Artifact

from flows.orders.stories import StoryOrder
from flows.story.source import read_story
from flows.story.ways import ways_to
from flows.story.writing import _Telling
from flows.write_scene import write_scene
from flows.write_story import write_story
from tasks.core.errors import InputError
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer
from tests.flows.conftest import Run, artifact, run_story, task_runs


@pytest.fixture
def gemini(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GeminiServer]:
    """Gemini, and a home in which nothing is kept yet."""
    with GeminiServer(latency=0.05) as server:
        monkeypatch.setenv("GEMINI_API_KEY", CANARY)
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path_factory.mktemp("home")))
        yield server


def test_a_tree_of_scenes_that_all_lead_to_an_ending(run: Run) -> None:
    assert run.state == "Completed"
    assert [scene.scene_id for scene in run.story.scenes] == [
        *("1", "1.1", "1.1.1", "1.1.2", "1.2", "1.2.1", "1.2.2")
    ]
    paths = list(run.story.paths())
    assert len(paths) == 4
    assert all(len(path) == 3 and path[-1].ending for path in paths)


def test_what_contradicts_is_refused_with_its_reason(run: Run) -> None:
    refused = list(run.story.refused())
    assert refused
    assert all(branch.verdict.reason for _, branch in refused)
    assert len(run.told.receipt.refused) == len(refused)
    kept = [branch for scene in run.story.scenes for branch in scene.story_branches]
    assert all(branch.verdict.valid for branch in kept)


def test_the_offline_writer_never_passes_for_a_model(run: Run) -> None:
    assert run.story.written_by == run.told.receipt.writer == "offline writer"
    assert {scene.written_by.provider for scene in run.story.scenes} == {"offline"}


def test_every_scene_names_the_prompt_that_made_it(run: Run) -> None:
    for scene in run.story.scenes:
        assert scene.written_by.prompt_id == "scene"
        assert len(scene.written_by.prompt_hash) == 12


async def test_a_scene_of_three_branches_is_at_most_ten_task_runs(run: Run) -> None:
    found = await task_runs(run.flow_run_id, at_least=7 * 4 + 9)
    scenes = Counter(task.name.split(":")[1].strip() for task in found)
    assert set(scenes) == {f"scene {scene.scene_id}" for scene in run.story.scenes}
    assert max(scenes.values()) <= 10
    assert {task.state_name for task in found} == {"Completed"}


async def test_the_receipt_is_in_the_ui_and_agrees_with_the_ledger(run: Run) -> None:
    receipt = await artifact(run.flow_run_id, f"receipt-{run.story.brief.id}")
    assert "offline writer" in receipt
    async with Ledger.open(Settings()) as ledger:
        total = (await ledger.tally(run_id=str(run.flow_run_id))).total
    assert run.told.receipt.total == total
    assert total.calls == 7
    assert total.cost_usd == Decimal(0)


async def test_the_same_seed_gives_the_same_story(run: Run, tmp_path: Path) -> None:
    again = await run_story(StoryOrder(depth=2, out=str(tmp_path)))
    other = await run_story(StoryOrder(depth=2, seed=2, out=str(tmp_path)))
    assert again.story.scenes == run.story.scenes
    assert other.story.scenes != run.story.scenes


async def test_a_scene_budget_ends_paths_early(run: Run, tmp_path: Path) -> None:
    told = await run_story(StoryOrder(depth=4, most_scenes=6, out=str(tmp_path)))
    assert len(told.story.scenes) <= 6
    assert all(path[-1].ending for path in told.story.paths())


async def test_paths_meet_again(run: Run, tmp_path: Path) -> None:
    told = await run_story(StoryOrder(depth=3, joins=True, seed=4, out=str(tmp_path)))
    ways = Counter(
        branch.leads_to for scene in told.story.scenes for branch in scene.story_branches
    )
    assert max(ways.values()) > 1
    assert all(path[-1].ending for path in told.story.paths())


def test_below_a_join_every_way_is_known(run: Run) -> None:
    """1.2's first choice leads to 1.1.1 too, which leads on to 1.1.2."""
    scenes = {scene.scene_id: scene for scene in run.story.scenes}
    (first, *_), (onward, *_) = scenes["1.2"].story_branches, scenes["1.1"].story_branches
    scenes["1.2"] = scenes["1.2"].model_copy(
        update={"story_branches": [first.model_copy(update={"leads_to": "1.1.1"})]}
    )
    scenes["1.1"] = scenes["1.1"].model_copy(update={"story_branches": [onward]})
    scenes["1.1.1"] = scenes["1.1.1"].model_copy(
        update={"story_branches": [onward.model_copy(update={"leads_to": "1.1.2"})]}
    )
    story = run.story.model_copy(update={"scenes": list(scenes.values())})
    assert len(ways_to(story, "1.1.1")) == len(ways_to(story, "1.1.2")) == 2


async def test_a_story_goes_on_from_an_ending(run: Run, tmp_path: Path) -> None:
    first = await run_story(StoryOrder(depth=1, out=str(tmp_path)))
    longer = await run_story(StoryOrder(extend=str(first.told.folder), from_scene="1.1", depth=1))
    assert longer.told.folder == first.told.folder
    kept = {scene.scene_id: scene.narrative_text for scene in first.story.scenes}
    for scene_id, text in kept.items():
        assert longer.story.scene(scene_id).narrative_text == text
    assert longer.story.scene("1.1").ending is None
    assert {"1.1.1", "1.1.2"} <= {scene.scene_id for scene in longer.story.scenes}


async def test_one_scene_is_written_anew_with_all_below_it(run: Run, tmp_path: Path) -> None:
    first = await run_story(StoryOrder(depth=2, out=str(tmp_path)))
    redone = await run_story(StoryOrder(extend=str(first.told.folder), redo="1.2"))
    assert {scene.scene_id for scene in redone.story.scenes} <= {
        scene.scene_id for scene in first.story.scenes
    }
    assert redone.story.scene("1.2").narrative_text != first.story.scene("1.2").narrative_text
    for kept in ("1", "1.1", "1.1.1", "1.1.2"):
        assert redone.story.scene(kept).narrative_text == first.story.scene(kept).narrative_text


async def test_an_ending_that_is_redone_stays_one(run: Run, tmp_path: Path) -> None:
    first = await run_story(StoryOrder(depth=1, out=str(tmp_path)))
    redone = await run_story(StoryOrder(extend=str(first.told.folder), redo="1.2"))
    assert redone.story.scene("1.2").ending
    assert redone.told.receipt.total.calls == 1
    assert redone.story.depth == 1


async def test_what_a_person_extended_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    order = StoryOrder(depth=1, out=str(tmp_path))
    first = await run_story(order)
    await run_story(StoryOrder(extend=str(first.told.folder), from_scene="1.1", depth=1))
    again = await run_story(order)
    assert len(again.story.scenes) == 3
    (aside,) = set(tmp_path.iterdir()) - {again.told.folder}
    assert len(read_story(aside / "story.json").scenes) == 5
    await run_story(order)
    assert len(list(tmp_path.iterdir())) == 2, "an untouched story is replaced"


@pytest.mark.parametrize("wrong", [{"extend": "x"}, {"redo": "1"}, {"from_scene": "1"}])
def test_extend_says_what_it_needs(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="extend goes with either"):
        StoryOrder.model_validate(wrong)


async def test_one_scene_can_be_written_alone(run: Run, tmp_path: Path) -> None:
    opening = await write_scene(StoryOrder(depth=2, out=str(tmp_path)))
    assert opening.narrative_text == run.story.opening.narrative_text
    again = await write_scene(StoryOrder(extend=str(run.told.folder), redo="1.2"))
    assert again.scene_id == "1.2"
    assert await Artifact.aget(key=f"receipt-{run.story.brief.id}-scene") is not None


async def test_an_unfinished_change_leaves_the_story_as_it_was_and_goes_on(
    run: Run, gemini: GeminiServer, tmp_path: Path
) -> None:
    order = StoryOrder(depth=2, sandbox="none", max_cost_usd=Decimal(1), out=str(tmp_path))
    first = await run_story(order)
    change = StoryOrder(extend=str(first.told.folder), redo="1.2", max_cost_usd=Decimal("0.036"))
    capped = await run_story(change)
    assert capped.told.receipt.outcome == "cap reached"
    assert capped.story == first.story
    spent = gemini.counts()["answered"]
    more = change.model_copy(update={"max_cost_usd": Decimal(1)})
    redone = await run_story(more)
    assert redone.told.receipt.outcome == "complete"
    assert redone.told.receipt.total.cached > 0
    assert gemini.counts()["answered"] > spent
    assert gemini.counts()["requests_answered_twice"] == 0
    again = await run_story(more)
    texts = {told.story.scene("1.2").narrative_text for told in (first, redone, again)}
    assert len(texts) == 3, "each time another scene"


async def test_a_whole_story_is_not_lost_to_one_that_ends_early(
    run: Run, gemini: GeminiServer, tmp_path: Path
) -> None:
    await run_story(StoryOrder(depth=2, out=str(tmp_path)))
    cap = Decimal("0.036")
    early = await run_story(
        StoryOrder(depth=2, sandbox="none", fresh=True, max_cost_usd=cap, out=str(tmp_path))
    )
    assert len(early.story.scenes) < 7
    (aside,) = set(tmp_path.iterdir()) - {early.told.folder}
    assert len(read_story(aside / "story.json").scenes) == 7


@pytest.mark.timeout(60)
async def test_a_pipe_in_place_of_the_story_is_put_aside(run: Run, tmp_path: Path) -> None:
    first = await run_story(StoryOrder(depth=1, out=str(tmp_path)))
    (first.told.folder / "story.json").unlink()
    os.mkfifo(first.told.folder / "story.json")
    again = await run_story(StoryOrder(depth=1, out=str(tmp_path)))
    assert len(again.story.scenes) == 3
    (aside,) = set(tmp_path.iterdir()) - {again.told.folder}
    assert (aside / "story.json").is_fifo()


async def test_a_folder_that_is_a_link_is_written_through_and_put_aside_as_a_link(
    run: Run, tmp_path: Path
) -> None:
    order = StoryOrder(depth=1, out=str(tmp_path / "stories"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "stories").mkdir()
    link = tmp_path / "stories" / run.told.folder.name
    link.symlink_to(elsewhere)
    await run_story(order)
    assert len(read_story(elsewhere / "story.json").scenes) == 3
    await run_story(StoryOrder(extend=str(link), from_scene="1.1", depth=1))
    await run_story(order)
    (aside,) = set(link.parent.iterdir()) - {link}
    assert aside.is_symlink()
    assert len(read_story(elsewhere / "story.json").scenes) == 5


def test_a_title_with_a_line_break_is_one_line_of_the_log(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    title = "Dusk\nlast-ferry-1: scene 9, FORGED: score 1.00\x1b[2J"
    writing = SimpleNamespace(
        desk=SimpleNamespace(story_id="s"),
        on_scene=int,
        written=0,
        planned=[1],
        log=logging.getLogger("talewright"),
    )
    with caplog.at_level("INFO", "talewright"):
        _Telling._scene_done(
            cast(_Telling, writing), run.story.scenes[0].model_copy(update={"title": title})
        )
    [record] = [one for one in caplog.records if "FORGED" in one.getMessage()]
    assert record.getMessage().isprintable()


async def test_two_at_once_write_a_story_one_after_the_other(
    run: Run, gemini: GeminiServer, tmp_path: Path
) -> None:
    order = StoryOrder(depth=1, seed=31, sandbox="none", out=str(tmp_path))
    one, other = await asyncio.gather(run_story(order), run_story(order))
    assert [scene.narrative_text for scene in one.story.scenes] == [
        scene.narrative_text for scene in other.story.scenes
    ]
    assert gemini.counts()["requests_answered_twice"] == 0
    assert [told.name for told in tmp_path.iterdir()] == ["last-ferry-31"]


async def test_two_changes_at_once_are_made_one_after_the_other(run: Run, tmp_path: Path) -> None:
    first = await run_story(StoryOrder(depth=1, out=str(tmp_path)))
    changes = [
        StoryOrder(extend=str(first.told.folder), from_scene=scene_id, depth=1)
        for scene_id in ("1.1", "1.2")
    ]
    await asyncio.gather(*map(run_story, changes))
    story = read_story(first.told.folder / "story.json")
    assert {"1.1.1", "1.1.2", "1.2.1", "1.2.2"} <= {scene.scene_id for scene in story.scenes}


async def test_where_nothing_can_be_written_nothing_is_spent(run: Run) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        await write_story(StoryOrder(depth=1, out="/proc/nowhere"))


@pytest.mark.parametrize("model", ["gpt-5", "claude-opus-4"])
def test_a_model_of_another_provider_needs_its_name(model: str) -> None:
    with pytest.raises(ValueError, match=rf"write \w+:{model}"):
        StoryOrder(model=model)
