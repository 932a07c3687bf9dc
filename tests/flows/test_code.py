"""Code in a story: run, offered to the writer once for mending, and shown in the UI."""

from decimal import Decimal
from pathlib import Path

import pytest

from flows.orders.stories import StoryOrder
from tests.canary import CANARY
from tests.emulators.coder import Coder
from tests.emulators.gemini import GeminiServer
from tests.flows.conftest import artifact, run_story

BROKEN = "print(lamp)\n"
MENDED = "lamp = 3\nprint(lamp)\n"


class Careless(Coder):
    """Writes a snippet that fails, and mends it when asked."""

    code = BROKEN
    mended = MENDED


@pytest.mark.usefixtures("prefect_server")
async def test_code_that_fails_is_mended_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Careless() as server:
        monkeypatch.setenv("GEMINI_API_KEY", CANARY)
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        run = await run_story(StoryOrder(depth=0, sandbox="monty", seed=77, out=str(tmp_path)))
    (scene,) = run.story.scenes
    (report,) = scene.code
    assert (report.verdict, report.stdout) == ("passed", "3\n")
    assert MENDED in scene.narrative_text
    assert BROKEN not in scene.narrative_text.replace(MENDED, "")
    assert [tally.calls for tally in run.told.receipt.by_step if tally.name == "run_code"] == [1]
    assert "passed" in await artifact(run.flow_run_id, f"code-{run.story.brief.id}")


@pytest.mark.usefixtures("prefect_server")
async def test_a_model_rates_a_scene_when_votes_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GeminiServer() as server:
        monkeypatch.setenv("GEMINI_API_KEY", CANARY)
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("SCORE_VOTES", "3")
        order = StoryOrder(
            depth=0, sandbox="none", seed=78, max_cost_usd=Decimal(1), out=str(tmp_path)
        )
        run = await run_story(order)
    (rated,) = [tally for tally in run.told.receipt.by_step if tally.name == "score"]
    assert rated.calls == 3
    assert rated.cost_usd > 0
    data = {
        key: await artifact(run.flow_run_id, key)
        for key in ("progress", "spend", "scores", "spend-by-night")
    }
    assert float(data["progress"]) == 100.0
    assert float(data["spend"]) == pytest.approx(float(100 * run.told.receipt.total.cost_usd))
    assert "scene@" in data["scores"]
    assert "USD" in data["spend-by-night"]
