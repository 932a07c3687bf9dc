"""What is wrong with an answer is asked for again, once for each rung, over real HTTP."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tasks.answers.ladder import Answer, ask, climb
from tasks.calls.errors import Malformed
from tasks.calls.prompt import Prompt, Provider, Purpose, Reply
from tasks.core.settings import Settings
from tasks.llm.chain import open_provider
from tasks.parse import keep_raw
from tasks.story.scene import SceneDraft
from tests.answers import malformed
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer, error, response
from tests.emulators.http import json_answer

PROMPT = Prompt("scene", 1, "hash", text="Write.", shared="A world.", schema=SceneDraft)
PURPOSE = Purpose("run", "story", "1.2", "parse")
USAGE = {"promptTokenCount": 90, "candidatesTokenCount": 10, "totalTokenCount": 100}


@dataclass
class Asker:
    """Asks one provider, and keeps why."""

    settings: Settings
    provider: Provider
    asked: list[tuple[Purpose, Prompt, str]]

    async def ask(self, prompt: Prompt, purpose: Purpose, *, after: str = "") -> Reply:
        self.asked.append((purpose, prompt, after))
        return await self.provider.generate(prompt)


@pytest.fixture
async def desk() -> AsyncIterator[tuple[GeminiServer, Asker]]:
    with GeminiServer() as server:
        settings = Settings.model_validate(
            {"gemini_api_key": CANARY, "gemini_base_url": server.url}
        )
        provider = open_provider("gemini", settings)
        yield server, Asker(settings, provider, [])
        await provider.close()


Desk = tuple[GeminiServer, Asker]


async def climbed(desk: Desk, *texts: str, finish: str = "STOP") -> Answer[SceneDraft]:
    """Climb with these answers first, in order; `finish` is the first one's."""
    server, asker = desk
    for text in texts:
        server.next(json_answer(response(text, USAGE, finish=finish)))
        finish = "STOP"
    reply = await ask(asker, PROMPT, PURPOSE)
    return await climb(asker, PROMPT, PURPOSE, reply, SceneDraft)


def reasons(desk: Desk) -> list[str]:
    return [purpose.reason for purpose, _, _ in desk[1].asked]


def scene(**changes: Any) -> dict[str, Any]:
    return malformed.good(1) | changes


async def test_a_good_answer_costs_one_call(desk: Desk) -> None:
    answer = await climbed(desk, json.dumps(scene()))
    assert answer.rung == "as is"
    assert reasons(desk) == ["first"]


async def test_only_the_wrong_fields_are_asked_for(desk: Desk) -> None:
    broken = scene(present=[{"id": "mara"}])
    del broken["place"]
    answer = await climbed(
        desk, json.dumps(broken), json.dumps({"place": "quay", "present": ["mara"]})
    )
    assert answer.rung == "fields"
    assert answer.value == SceneDraft.model_validate(scene())
    assert reasons(desk) == ["first", "repair"]
    _, question, _ = desk[1].asked[1]
    assert question.schema is not None
    assert set(question.schema.model_fields) == {"place", "present"}
    assert question.shared == PROMPT.shared
    assert "Field required" in question.text


async def test_a_cut_answer_is_asked_for_with_more_room(desk: Desk) -> None:
    text = json.dumps(scene())
    answer = await climbed(desk, text[:-200], text, finish="MAX_TOKENS")
    assert answer.rung == "whole"
    assert reasons(desk) == ["first", "re-ask"]
    assert desk[1].asked[1][1].max_output_tokens == 2 * PROMPT.max_output_tokens


async def test_a_cut_answer_is_not_believed_even_if_it_looks_whole(desk: Desk) -> None:
    looks_whole = json.dumps(scene(title="Looks whole"))
    answer = await climbed(desk, looks_whole, json.dumps(scene()), finish="MAX_TOKENS")
    assert answer.value.title != "Looks whole"


async def test_wrong_fields_that_stay_wrong_are_asked_for_whole(desk: Desk) -> None:
    answer = await climbed(
        desk, json.dumps(scene(place=None)), '{"place": {}}', json.dumps(scene())
    )
    assert answer.rung == "whole"
    assert reasons(desk) == ["first", "repair", "re-ask"]
    assert desk[1].asked[2][1].seed != PROMPT.seed, "or the cache would answer the same"


async def test_then_it_is_the_next_providers_turn(desk: Desk) -> None:
    answer = await climbed(desk, "I cannot.", "I still cannot.", json.dumps(scene()))
    assert answer.rung == "next provider"
    assert reasons(desk) == ["first", "re-ask", "fallback"]
    assert desk[1].asked[2][2] == "gemini"


async def test_the_last_failure_keeps_the_raw_answer(desk: Desk) -> None:
    with pytest.raises(Malformed) as caught:
        await climbed(desk, "No.", "No, no.", "No, never.")
    assert caught.value.text == "No, never."


@pytest.mark.filterwarnings("ignore:A_NEW_REASON")
async def test_an_answer_with_an_unknown_end_is_asked_for_again(desk: Desk) -> None:
    text = json.dumps(scene())
    answer = await climbed(desk, text, text, finish="A_NEW_REASON")
    assert answer.rung == "whole"


async def test_nobody_left_to_ask_keeps_the_last_answer(desk: Desk) -> None:
    server, _ = desk
    for _ in range(2):
        server.next(json_answer(response("No.", USAGE)))
    server.next(error(400, "Not today."))
    with pytest.raises(Malformed, match="no JSON object") as caught:
        await climbed(desk)
    assert caught.value.text == "No."


def test_a_raw_answer_is_kept_where_the_error_says(tmp_path: Any) -> None:
    settings = Settings(talewright_home=tmp_path)
    path = keep_raw(settings, PURPOSE, "No, \udcff never.")
    assert path.is_relative_to(tmp_path / "raw" / "run")
    assert path.read_text(errors="replace").startswith("No, ")
