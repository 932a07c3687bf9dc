"""Verdicts in a sentence, and reports in which hostile text does nothing."""

import re
from pathlib import Path

import pytest

from tasks.compare.blind import BlindServer, questions
from tasks.compare.comparison import Vote
from tasks.compare.contrast import contrast
from tasks.compare.keep import keep, kept, read_comparison
from tasks.compare.outcome import Variant
from tasks.compare.report import markdown, page
from tests.browser import chromium, needs_chromium
from tests.compare.scenes import NAMES, comparison, pairs

HOSTILE = '</script><img src=x onerror="alert(1)"> <b>bold</b> | `code` [a](javascript:alert(1))'


@pytest.mark.parametrize(
    ("shift", "spread", "count", "decision", "says"),
    [
        (0.1, 0.02, 24, "better", "scene@2 is better than scene@1 by 0.1"),
        (-0.1, 0.02, 24, "worse", "scene@2 is worse than scene@1 by 0.1"),
        (0.0, 0.01, 40, "no difference", "no difference in score larger than 0.0"),
        (0.0, 0.2, 12, "not enough data", "more pairs, $"),
    ],
)
def test_the_verdict_is_one_sentence(
    shift: float, spread: float, count: int, decision: str, says: str
) -> None:
    noise = [spread * (1 if i % 2 else -1) * (1 + 0.1 * (i % 5)) for i in range(count)]
    made = pairs([(0.5, 0.5 + shift + n) for n in noise])
    found = contrast(made, *NAMES, planned=count)
    assert found.decision == decision
    assert says in found.sentence
    assert (found.more_pairs > 0) == (decision == "not enough data")
    assert found.more_usd == found.more_pairs * (made[0].outcomes["scene@1"].cost_usd * 2)


def test_hostile_text_does_nothing() -> None:
    found = comparison(HOSTILE)
    with BlindServer(questions(found, 1), print) as server:
        texts = [page(found), server.page()]
    for text in texts:
        assert "<img" not in text
        assert "<script" not in text
        assert "<b>" not in text
        assert "default-src 'none'" in text
    assert "<" not in markdown(found)


def test_what_is_kept_can_be_read_and_plans_are_counted(tmp_path: Path) -> None:
    found = comparison()
    vote = Vote(brief="b", seed=1, first="scene@1", second="scene@2", preferred="scene@2")
    keep(found.model_copy(update={"votes": [vote]}), tmp_path)
    assert read_comparison(tmp_path).contrasts == found.contrasts
    assert "1 for scene@2" in (tmp_path / "index.html").read_text("utf-8")
    assert kept(tmp_path, found.variants, found.planned) == (1, [vote])
    assert kept(tmp_path, found.variants, found.planned + 10) == (2, [vote])
    changed = [found.variants[0], Variant(name="scene@2", hash="other")]
    assert kept(tmp_path, changed, found.planned) == (1, [])
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["comparison.json", "index.html", "pairs.csv"]


def test_the_most_different_pairs_can_be_read_side_by_side() -> None:
    text = page(comparison())
    shown = re.findall(r"<h4>b, seed (\d+): ", text)
    assert shown == [str(seed) for seed in range(11, 1, -1)]
    assert text.count('<div class="prose">') == 20


@needs_chromium
def test_the_page_draws_its_plots_and_fits_a_phone(tmp_path: Path) -> None:
    keep(comparison(), tmp_path)
    with chromium() as browser:
        at = browser.new_page(viewport={"width": 390, "height": 800})
        problems: list[str] = []
        at.on("console", lambda message: problems.append(message.text))
        at.goto((tmp_path / "index.html").as_uri())
        assert at.locator("svg").count() == 3
        assert at.locator("svg rect").count() >= 12
        assert at.evaluate("document.documentElement.scrollWidth") <= 390
        assert problems == []
