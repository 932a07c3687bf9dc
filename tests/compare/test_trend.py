"""A silent change of a model shows in the trend, and ordinary days do not."""

import asyncio
import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flows.cli.quality import show_quality
from tasks.compare.trend import quality_trend, trend_of
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.scenes import SceneRow, note_scene
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


async def write_on(settings: Settings, day: str, mean: float) -> None:
    """Ten scenes, as if they had been written on a day."""
    async with Ledger.open(settings) as ledger:
        for number in range(10):
            told = scene(f"{day} {number}", score=mean + number / 200, model="m<b>")
            await note_scene(ledger, day, "story", told)
    with closing(sqlite3.connect(settings.home / "ledger.db")) as connection, connection:
        connection.execute("UPDATE scenes SET day = ? WHERE run_id = ?", (day, day))


def test_the_command_shows_the_change_and_leaves_the_plots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(talewright_home=tmp_path)
    monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    for day, score in (("2026-11-01", 0.8), ("2026-11-02", 0.8), ("2026-11-03", 0.7)):
        asyncio.run(write_on(settings, day, score))
    show_quality(as_json=False)
    shown = capsys.readouterr().out
    assert "scene@1" in shown
    assert "10 repaired" in shown
    assert re.search(r"2026-11-03: m<b> with scene@1 scores \d+\.\d standard errors below", shown)
    page = (tmp_path / "quality.html").read_text("utf-8")
    assert page.count("<svg") == 1
    assert "standard errors below the days before" in page
    assert "<b>" not in page


def test_the_command_says_that_there_is_nothing_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path))
    with pytest.raises(UserError, match="No model has written"):
        show_quality(as_json=False)
