"""The rubric against scripted answers over HTTP, through the real SDK."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.calls.prompt import Prompt, Purpose, Reply
from tasks.core.settings import Settings
from tasks.llm.providers.gemini import Gemini
from tasks.scoring.form import quality
from tasks.scoring.rubric import CRITERIA, rate
from tests.emulators.gemini import GeminiServer, response
from tests.emulators.http import json_answer
from tests.stories import drafts, lighthouse, make_story

PURPOSE = Purpose("run", "story", "1", "score")
WORLD, BRIEF = lighthouse()
SCENE, _ = drafts(make_story(1))[0]
QUOTE = " ".join(SCENE.narrative_text.split()[:8])


@dataclass
class Asker:
    """One provider, asked without a ledger; keeps what it was asked for."""

    provider: Gemini
    settings: Settings
    asked: list[Purpose]

    async def ask(self, prompt: Prompt, purpose: Purpose) -> Reply:
        self.asked.append(purpose)
        return await self.provider.generate(prompt)


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture
async def asker(server: GeminiServer) -> AsyncIterator[Asker]:
    settings = Settings(
        _env_file=None, gemini_api_key=SecretStr("k"), gemini_base_url=server.url, llm_timeout=5
    )
    provider = Gemini(settings)
    yield Asker(provider, settings, [])
    await provider.close()


def rates(rating: int, quote: str = QUOTE, **others: str) -> Any:
    """An answer that rates everything alike; `others` are quotes of single criteria."""
    answer = {name: {"rating": rating, "quote": others.get(name, quote)} for name in CRITERIA}
    return json_answer(response(json.dumps(answer), {"promptTokenCount": 9}))


async def test_three_votes_count_by_their_median(asker: Asker, server: GeminiServer) -> None:
    server.next(rates(5), rates(2), rates(4))
    parts = await rate(SCENE, BRIEF, asker, PURPOSE, votes=3)
    assert [part.name for part in parts] == list(CRITERIA)
    assert {part.value for part in parts} == {0.75}
    assert sum(part.weight for part in parts) == pytest.approx(1)
    assert [purpose.reason for purpose in asker.asked] == ["first", "vote", "vote"]
    assert {purpose.step for purpose in asker.asked} == {"score"}


async def test_a_rating_without_a_true_quotation_counts_for_nothing(
    asker: Asker, server: GeminiServer
) -> None:
    invented = "words that stand nowhere in the scene"
    server.next(rates(5, empathy=invented), rates(1, empathy=invented), rates(5))
    parts = {p.name: p for p in await rate(SCENE, BRIEF, asker, PURPOSE, votes=3)}
    assert parts["empathy"].value == 1
    assert parts["empathy"].note.startswith("1 of 3")
    server.next(rates(5, quote=invented))
    assert await rate(SCENE, BRIEF, asker, PURPOSE, votes=1) == []


async def test_an_answer_that_cannot_be_read_leaves_the_form(
    asker: Asker, server: GeminiServer
) -> None:
    server.next(json_answer(response("I would rather not.", {"promptTokenCount": 9})))
    assert await rate(SCENE, BRIEF, asker, PURPOSE, votes=1) == []


async def test_ratings_move_the_score_and_it_says_so(asker: Asker, server: GeminiServer) -> None:
    server.next(rates(1), rates(5))
    low = await rate(SCENE, BRIEF, asker, PURPOSE, votes=1)
    high = await rate(SCENE, BRIEF, asker, PURPOSE, votes=1)

    def scored(ratings: Any) -> Any:
        return quality(SCENE, SCENE.story_branches, BRIEF, WORLD, [], ratings=ratings)

    form = scored([])
    assert scored(low).score < form.score < scored(high).score
    assert (form.basis, scored(high).basis) == ("form only", "form and judge")
    filler = SCENE.model_copy(update={"narrative_text": "lorem " * 250})
    assert quality(filler, [], BRIEF, WORLD, [], ratings=high).score < 0.2
