"""Scenes and branches by a judge that answers honestly, through the whole flow."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.cli.run import EXIT_CODES
from flows.orders.stories import StoryOrder
from flows.story.source import read_story
from flows.write_scene import write_scene
from tasks.story.verdict import Decision
from tests.emulators.gemini import GeminiServer, error
from tests.emulators.http import Answer, Request
from tests.flows.conftest import run_story

GHOST = "Anselm Calder came in out of the wet and shook your hand."
THIEF = "You took the cassette recorder from your bag and pressed the key."
READER = "Solomon Varley reads the page through twice and lays it down."
FALSE_ALARM = "You were still on the gangway when the Gannet Light went out."
FACTS = {GHOST: "life:anselm", THIEF: "item:cassette-recorder", READER: "trait:varley"}


class Honest(GeminiServer):
    """Writes `planted` into its first scene or branch, and knows as a judge what is wrong with it.

    `down`: the judge's calls fail. `told`: further prose of every scene."""

    planted, told = "", "The rain goes on."
    down = False

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def write(self, body: Mapping[str, Any], raw: bytes) -> str:
        answer = json.loads(super().write(body, raw))
        asked = "\n".join(part["text"] for one in body["contents"] for part in one["parts"])
        if "narrative_text" in answer:
            self.asked.append(asked)
            first = len(self.asked) == 1
            wrong = self.planted if first and self.planted != READER else ""
            answer["narrative_text"] = f"{self.told} {wrong}"
            branches = ["Walk on to the quay", "Ask for the page", "Count the steps"]
            answer["story_branches"] = [
                {"choice": choice, "consequence": f"You do so, and {n} gulls rise.", "effects": []}
                for n, choice in enumerate(branches, 3)
            ]
            if self.planted == READER and first:
                answer["story_branches"][1]["consequence"] = READER
        elif "contradictions" in answer:
            answer = {"contradictions": _objections(self.planted, asked), "cleared": []}
            for one in re.findall(r"^\[(s\d+)\] in", asked, re.MULTILINE):
                answer["cleared"].append({"id": one, "reason": "The light failed; nobody went."})
        return json.dumps(answer)

    async def answer(self, request: Request) -> Answer:
        if self.down and b"You check whether texts" in request.body:
            return error(400, "This model takes no temperature but 1.")
        return await super().answer(request)


def _objections(planted: str, asked: str) -> list[dict[str, str]]:
    texts = re.findall(r"<data (scene|branch \w) \w+>\n(.*?)\n</data ", asked, re.DOTALL)
    facts = dict(re.findall(r"^\[([^\]]+)\] (.+)$", asked, re.MULTILINE))
    return [
        {
            "text": name.removeprefix("branch "),
            "quote": planted,
            "fact_id": FACTS[planted],
            "fact_quote": facts[FACTS[planted]],
            "why": "That cannot be.",
            "fix": "Let it be somebody else.",
        }
        for name, text in texts
        if planted and planted in text
    ]


@pytest.fixture
def server(
    prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Honest]:
    with Honest() as running:
        monkeypatch.setenv("GEMINI_API_KEY", "not-a-key")
        monkeypatch.setenv("GEMINI_BASE_URL", running.url)
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
        yield running


@pytest.fixture
def order(tmp_path: Path) -> StoryOrder:
    return StoryOrder(world="the-lighthouse", breadth=2, depth=0, sandbox="none", out=str(tmp_path))


@pytest.mark.parametrize("planted", [GHOST, THIEF])
async def test_a_scene_that_cannot_be_is_written_again_and_told_why(
    server: Honest, order: StoryOrder, planted: str
) -> None:
    server.planted = planted
    scene = await write_scene(order)
    assert planted not in scene.narrative_text
    assert len(scene.refused_drafts) == 1
    first, second = server.asked
    assert planted not in first
    assert planted in second


async def test_a_blind_man_who_reads_in_a_branch_is_refused(
    server: Honest, order: StoryOrder
) -> None:
    server.planted = READER
    scene = await write_scene(order)
    assert READER in [branch.consequence for branch in scene.refused_branches]
    assert READER not in [branch.consequence for branch in scene.story_branches]


async def test_what_was_only_read_from_the_wording_costs_no_scene(
    server: Honest, order: StoryOrder
) -> None:
    server.told = FALSE_ALARM
    scene = await write_scene(order)
    assert (scene.refused_drafts, scene.refused_branches) == ([], [])
    assert len(server.asked) == 1


def test_a_story_whose_judge_was_down_is_unjudged(server: Honest, order: StoryOrder) -> None:
    server.down = True
    run = asyncio.run(run_story(order))
    assert (run.state, run.told.receipt.outcome) == ("Unjudged", "unjudged")
    assert EXIT_CODES[run.told.receipt.outcome] == 5
    assert "temperature" in run.story.unjudged
    assert "temperature" in run.told.error
    assert run.story.opening.verdict.decision is Decision.REVIEW
    assert "Unjudged" in (run.told.folder / "index.html").read_text("utf-8")

    assert len(server.asked) == 1
    server.down = False
    judged = CliRunner().invoke(app, ["check", str(run.told.folder), "--judge"])
    assert judged.exit_code == 0, judged.output
    assert read_story(run.told.folder / "story.json").unjudged == ""
    again = asyncio.run(run_story(order))
    assert (again.state, again.story.unjudged) == ("Completed", "")
    assert len(server.asked) == 1, "nothing is written anew"
