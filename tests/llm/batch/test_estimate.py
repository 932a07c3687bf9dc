"""What stories would cost, one by one and by batch jobs."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks.core.settings import Settings
from tasks.doctor import price
from tasks.export import export_story
from tasks.ledger.prices import Prices
from tasks.prompts.estimate import Estimate, Shape, estimate
from tasks.world.load import load_brief, load_world
from tests.stories import make_story


def likely(**settings: object) -> Estimate:
    """Of a story of 31 scenes by Gemini's dearer model."""
    world = load_world("the-lighthouse")
    shape = Shape([1, 2, 4, 8, 16], 3)
    chosen = Settings.model_validate(settings)
    brief = load_brief("", world, "the-lighthouse")
    _, guess, _ = estimate(shape, world, brief, chosen, Prices({}), "gemini", "gemini-2.5-pro")
    return guess


def test_a_story_is_priced_call_by_call_and_not_as_one_long_prompt() -> None:
    guess = likely()
    assert guess.tokens_in > 200_000
    assert float(guess.usd) == pytest.approx(
        (guess.tokens_in * 1.25 + guess.tokens_out * 10) / 1e6, rel=0.01
    )
    assert price("gemini", "gemini-2.5-pro", Settings()).startswith("$1.25 in, $10.00 out")


def test_the_judge_s_model_and_the_ratings_are_estimated() -> None:
    plain, cheap = likely(), likely(judge_model="gemini-2.5-flash")
    assert cheap.calls == plain.calls
    assert cheap.usd < plain.usd
    rated = likely(score_votes=3)
    assert rated.calls == pytest.approx(plain.calls + 3 * 31 * 1.12, abs=1)
    assert rated.usd > plain.usd


def test_an_estimate_compares_both_ways() -> None:
    done = CliRunner().invoke(app, ["estimate", "--depth", "2", "--batch", "--json"])
    told = json.loads(done.stdout)
    each = {one["name"]: Decimal(one["usd"]) for one in told["one_by_one"]}
    assert {name: Decimal(usd) * 2 for name, usd in told["batch"]["usd"].items()} == each
    assert told["batch"]["jobs"] == 6


def calls(*options: str) -> int:
    done = CliRunner().invoke(app, ["estimate", "--json", *options])
    assert done.exit_code == 0, done.output
    found: int = json.loads(done.stdout)[0]["calls"]
    return found


def test_a_change_is_estimated_by_what_it_writes(tmp_path: Path) -> None:
    story = make_story(depth=2)
    export_story(story, tmp_path)
    change = ("--extend", str(tmp_path))
    assert calls(*change, "--redo", "1") == calls("--depth", "2")
    leaf = story.scenes[-1].scene_id
    assert leaf.count(".") == 2
    assert calls(*change, "--redo", leaf) == 2
    assert calls(*change, "--from", leaf, "--depth", "1") == 4
    assert calls("--scenes", "3") < calls("--scenes", "9") < calls()


def test_many_calls_take_as_long_as_those_in_flight_let_them() -> None:
    few, all_at_once = likely(llm_concurrency=2), likely()
    assert few.minutes > 3 * all_at_once.minutes
