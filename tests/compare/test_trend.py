"""A silent change of a model shows in the trend, and ordinary days do not."""

import random
from pathlib import Path

import pytest

from flows.cli.quality import show_quality
from tasks.compare.trend import quality_trend, trend_of
from tasks.errors import UserError
from tasks.llm.ledger import Ledger
from tasks.llm.scene_rows import SceneRow, note_scene
from tasks.settings import Settings
from tests.compare.scenes import scene


def rows(days: int, mean: float, seed: int, first: int = 1) -> list[SceneRow]:
    draw = random.Random(seed)
    return [
        SceneRow(f"2026-11-{day:02}", "scene@1", "a" * 12, "m", "as is", score, 3, 1)
        for day in range(first, first + days)
        for score in (draw.gauss(mean, 0.05) for _ in range(20))
    ]


def test_a_change_is_marked_and_chance_is_not() -> None:
    quiet = [trend_of(rows(12, 0.8, seed)) for seed in range(20)]
    assert sum(day.changed for trend in quiet for day in trend.days) <= 4
    worse = trend_of([*rows(8, 0.8, 1), *rows(1, 0.7, 2, first=9)])
    assert [day.day for day in worse.days if day.changed] == ["2026-11-09"]
    assert worse.days[-1].change < 0
    assert worse.days[0].refused == pytest.approx(1 / 3)


async def test_scenes_are_kept_once_and_the_offline_writers_are_left_out(tmp_path: Path) -> None:
    async with Ledger.open(Settings(talewright_home=tmp_path)) as ledger:
        for model, text in (("one", "a"), ("one", "a"), ("one", "b"), ("two", "a")):
            await note_scene(ledger, "run", "story", scene(text, model=model))
        await note_scene(ledger, "run", "story", scene("a", provider="offline"))
        trend = await quality_trend(ledger)
    assert [(day.model, day.scenes) for day in trend.days] == [("one", 2), ("two", 1)]
    assert trend.days[0].rungs == {"repaired": 2}
    assert len(trend.plots) == 2


def test_the_command_says_that_there_is_nothing_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path))
    with pytest.raises(UserError, match="No model has written"):
        show_quality(as_json=False)
