"""Two versions through a server where one is better and dearer."""

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from prefect.artifacts import Artifact

from flows.compare_prompts import compare_prompts
from flows.orders.comparison import CompareOrder
from flows.story.source import read_story
from tasks.compare.comparison import Comparison
from tasks.compare.sequential import looks
from tasks.core.errors import InputError, UserError
from tasks.core.settings import Settings
from tasks.prompts.render import folders, load
from tests.compare.conftest import VersionedServer, add_version

IN, CACHED, OUT = Decimal("0.30"), Decimal("0.03"), Decimal("2.50")
"""USD per million tokens of gemini-2.5-flash."""


async def compare(out: Path, **order: object) -> Comparison:
    asked = {"prompts": ["scene@1", "scene@2"], "out": str(out), "breadth": 1} | order
    return await compare_prompts(CompareOrder.model_validate(asked))


def bill(server: VersionedServer) -> Decimal:
    """What the server's answers cost, in USD."""
    counts = server.counts()
    fresh, cached = counts["tokens_in"] - counts["tokens_cached"], counts["tokens_cached"]
    usd: Decimal = (fresh * IN + cached * CACHED + counts["tokens_out"] * OUT) / 1_000_000
    return usd


async def test_the_better_and_dearer_version_is_found_early(
    prefect_server: str, gemini: VersionedServer, tmp_path: Path
) -> None:
    found = await compare(tmp_path, repeats=15)
    (contrast,) = found.contrasts
    assert contrast.decision == "better"
    assert contrast.score.low > 0
    assert found.ended == "a clear answer"
    assert contrast.pairs == contrast.stopped_at == looks(30)[0] < found.planned == 30
    usd = next(d for d in contrast.differences if d.measure == "USD")
    assert usd.low > 0
    assert contrast.worth is not None

    # The money is what the server billed, and it billed no pair beyond the answer.
    assert found.paid_usd == bill(gemini)
    outcomes = [o for pair in found.pairs for o in pair.outcomes.values()]
    assert len(outcomes) == 2 * contrast.pairs
    assert sum(o.paid_usd for o in outcomes) == found.paid_usd

    rows = list(csv.DictReader((tmp_path / "scene-1-or-scene-2" / "pairs.csv").open()))
    assert len(rows) == 2 * contrast.pairs
    assert {row["variant"] for row in rows} == {"scene@1", "scene@2"}
    artifact = await Artifact.aget(key="comparison-scene-1-or-scene-2")
    assert artifact is not None
    assert "better" in str(artifact.description)


async def test_again_costs_nothing_and_more_repeats_the_new_pairs_only(
    prefect_server: str, gemini: VersionedServer, tmp_path: Path
) -> None:
    first = await compare(tmp_path, repeats=1)
    before, paid = gemini.counts(), bill(gemini)
    assert first.paid_usd == paid > 0
    assert first.contrasts[0].decision == "not enough data"
    assert first.contrasts[0].more_pairs > 0

    again = await compare(tmp_path, repeats=1)
    assert gemini.counts()["calls"] == before["calls"]
    assert (again.paid_usd, again.cached_usd) == (Decimal(0), paid + first.cached_usd)
    assert again.contrasts == first.contrasts
    assert (again.plans, again.error_rate) == (1, 0.05)

    more = await compare(tmp_path, repeats=2)
    after = gemini.counts()
    assert after["requests_answered_twice"] == 0
    assert after["calls"] == 2 * before["calls"]
    assert more.paid_usd == bill(gemini) - paid
    assert more.cached_usd >= paid
    assert (more.plans, more.error_rate) == (2, 0.1)


async def test_a_reached_cap_keeps_what_there_is(
    prefect_server: str, gemini: VersionedServer, tmp_path: Path
) -> None:
    capped = await compare(tmp_path, repeats=4, max_cost_usd=Decimal("0.06"))
    assert capped.ended == "stopped early"
    assert "cap" in capped.why
    assert 0 < capped.paid_usd <= Decimal("0.06")
    assert (tmp_path / "scene-1-or-scene-2" / "index.html").exists()


async def test_models_and_more_than_two_versions(
    prefect_server: str, gemini: VersionedServer, second_version: Path, tmp_path: Path
) -> None:
    add_version(second_version, 3, "Version three.")
    three = await compare(tmp_path, prompts=["scene@1", "scene@2", "scene@3"], repeats=1)
    assert [c.second for c in three.contrasts] == ["scene@2", "scene@3"]
    models = ["gemini-2.5-flash", "gemini-2.5-pro"]
    both = await compare(tmp_path, prompts=[], models=models, repeats=1)
    written = {o.scene.written_by.model for p in both.pairs for o in p.outcomes.values() if o.scene}
    assert written == set(models)


async def test_what_cannot_be_compared_is_refused_before_any_call(
    prefect_server: str, gemini: VersionedServer, second_version: Path, tmp_path: Path
) -> None:
    text = (second_version / "scene" / "2.md").read_text("utf-8")
    text = text.replace("version: 2", "version: 3").replace("[world, brief, ask]", "[brief, ask]")
    (second_version / "scene" / "3.md").write_text(text, "utf-8")
    with pytest.raises(InputError, match="world is not declared"):
        await compare(tmp_path, prompts=["scene@2", "scene@3"])
    (second_version / "scene" / "3.md").write_text(
        text.replace("[brief, ask]", "[world, brief, ask, mood]"), "utf-8"
    )
    with pytest.raises(InputError, match=r"3.md:6: No scene prompt is given mood"):
        await compare(tmp_path, prompts=["scene@2", "scene@3"])
    with pytest.raises(InputError, match="There is no scene@9"):
        await compare(tmp_path, prompts=["scene@1", "scene@9"])
    with pytest.raises(UserError, match="different prompts"):
        await compare(tmp_path, prompts=["scene@1", "judge@1"])
    with pytest.raises(UserError, match="does not read prompts"):
        await compare(tmp_path, model="offline")
    assert gemini.counts()["calls"] == 0


def test_every_scene_names_its_prompt_through_a_crash_and_a_resume(
    prefect_server: str, gemini: VersionedServer, tmp_path: Path
) -> None:
    gemini.latency = 0.2
    ask = [sys.executable, "-m", "flows.cli", "write", "--depth", "2", "--out", str(tmp_path)]
    running = subprocess.Popen(ask, start_new_session=True, stderr=subprocess.DEVNULL)
    while gemini.counts()["answered"] < 2:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    gemini.latency = 0.0
    done = subprocess.run(ask, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    story = read_story(tmp_path / "last-ferry-1" / "story.json")
    expected = load("scene@2", folders(Settings()))
    assert len(story.scenes) == 3
    for scene in story.scenes:
        by = scene.written_by
        assert (by.prompt_id, by.prompt_version, by.prompt_hash) == ("scene", 2, expected.hash)

    # So does every call, of the run that was killed too.
    named = "SELECT DISTINCT run_id, prompt_id, prompt_version, prompt_hash FROM attempts"
    with closing(sqlite3.connect(tmp_path / "home" / "ledger.db")) as ledger:
        calls = ledger.execute(named).fetchall()
    assert len({run_id for run_id, *_ in calls}) == 2
    for _, prompt_id, version, digest in calls:
        assert load(f"{prompt_id}@{version}", folders(Settings())).hash == digest
