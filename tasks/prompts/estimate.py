"""What a story will take, before anything is spent: calls, tokens, USD and minutes.

The prompts are rendered for real; what the model answers is guessed from the brief. Rules of thumb:
four characters a token, 1.35 tokens an English word (both usual for English in Gemini's and
Claude's tokenizers), 8 s for a scene and 4 s for a judgement of a flash-class model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tasks.calls.prompt import Usage
from tasks.core.settings import Settings
from tasks.ledger.prices import Prices
from tasks.llm.batch.api import SHARE
from tasks.llm.chain import judge_model
from tasks.prompts.render import render
from tasks.story.ask import SceneAsk
from tasks.story.brief import Brief
from tasks.story.scene import SceneDraft
from tasks.story.state import PathState
from tasks.story.world import World

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_WORD = 1.35
SCENE_SECONDS, JUDGE_SECONDS = 8.0, 4.0
BEATS_TOKENS, DIALOGUE_TOKENS, EFFECT_TOKENS, BRANCH_TOKENS = 280, 160, 200, 180
STEP_TOKENS = 180
"""What one earlier scene adds to the prompts of those after it."""
JUDGE_IN, JUDGE_OUT = 3400, 150
JUDGE_BRANCH_IN, JUDGE_BRANCH_OUT = 90, 110
"""Tokens of judging a scene with the world that comes with Talewright, beside its own text and that
of the scene before it, and what each of its branches adds."""
RATING_IN, RATING_OUT = 700, 240
"""Tokens of a scene's rating by the rubric, beside the scene itself."""


@dataclass(frozen=True)
class Guess:
    """One of three guesses: `again` is the share of calls that have to be made again."""

    name: str
    again: float
    length: float
    """Length of answers, as a share of what was asked for."""


GUESSES = (Guess("low", 0.0, 0.8), Guess("likely", 0.12, 1.1), Guess("high", 0.8, 1.8))


@dataclass(frozen=True)
class Estimate:
    """What a story takes by one guess. Tokens are of all calls; minutes are by the clock."""

    name: str
    calls: int
    tokens_in: int
    tokens_out: int
    usd: Decimal
    minutes: float


@dataclass
class _Calls:
    """Calls to one model, and the tokens of all of them."""

    count: float = 0.0
    tokens_in: float = 0.0
    tokens_out: float = 0.0

    def add(self, count: float, tokens_in: float, tokens_out: float) -> None:
        """Calls of so many tokens each."""
        self.count += count
        self.tokens_in += count * tokens_in
        self.tokens_out += count * tokens_out

    def usd(self, prices: Prices, provider: str, model: str) -> Decimal:
        """By the mean call, as long prompts have a price of their own. Raises NoPrice."""
        count = max(1.0, self.count)
        mean = Usage(
            tokens_in=round(self.tokens_in / count), tokens_out=round(self.tokens_out / count)
        )
        return prices.cost(provider, model, mean) * Decimal(f"{self.count:.2f}")


@dataclass(frozen=True)
class BatchEstimate:
    """The same by the batch API: `usd` by guess, and jobs that follow one another. `hours` are what
    the last jobs took, None where there were none; `most_hours` is the deadline of all."""

    jobs: int
    usd: dict[str, Decimal]
    hours: float | None
    most_hours: float


@dataclass(frozen=True)
class Shape:
    """How a story is to grow: the number of scenes on each level, and choices asked for."""

    scenes: list[int]
    branches: int

    @property
    def levels(self) -> int:
        """Levels on which there is a scene to write."""
        return sum(scenes > 0 for scenes in self.scenes)


def estimate(
    shape: Shape,
    world: World,
    brief: Brief,
    settings: Settings,
    prices: Prices,
    provider: str,
    model: str,
) -> list[Estimate]:
    """Low, likely and high. Raises NoPrice for an unknown model."""
    facts = PathState.opening(world, brief).sentences(world)
    ask = SceneAsk(scene_id="1", facts=facts, branches=shape.branches)
    variables = {"world": world, "brief": brief, "ask": ask}
    prompt = render("scene", variables, schema=SceneDraft, settings=settings)
    first = (len(prompt.system) + len(prompt.shared) + len(prompt.text)) / CHARACTERS_PER_TOKEN
    prose = brief.words_per_scene * TOKENS_PER_WORD
    return [_by(guess, shape, first, prose, settings, prices, provider, model) for guess in GUESSES]


def by_batch(
    estimates: Sequence[Estimate], shape: Shape, settings: Settings, usual_seconds: float | None
) -> BatchEstimate:
    """What batch jobs make of estimates; `usual_seconds` is what a job took of late."""
    jobs = 2 * shape.levels  # the scenes of each level, and the judgements on them
    return BatchEstimate(
        jobs=jobs,
        usd={one.name: one.usd * SHARE for one in estimates},
        hours=None if usual_seconds is None else jobs * usual_seconds / 3600,
        most_hours=jobs * settings.llm_batch_deadline / 3600,
    )


def _by(
    guess: Guess,
    shape: Shape,
    first: float,
    prose: float,
    settings: Settings,
    prices: Prices,
    provider: str,
    model: str,
) -> Estimate:
    """`first` and `prose` are tokens: of the opening's prompt, and of a scene's text."""
    written, judged = _Calls(), _Calls()
    judge = judge_model(settings) or (provider, model)
    last = len(shape.scenes) - 1
    for level, scenes in enumerate(shape.scenes):
        branches = 0 if level == last else shape.branches
        answer = prose + BEATS_TOKENS + DIALOGUE_TOKENS + EFFECT_TOKENS
        answer += branches * BRANCH_TOKENS
        sent = first + level * STEP_TOKENS + (prose if level else 0)
        written.add(scenes, sent, answer * guess.length)
        if provider != "offline":
            asked = JUDGE_IN + prose * (2 if level else 1) + branches * JUDGE_BRANCH_IN
            said = (JUDGE_OUT + branches * JUDGE_BRANCH_OUT) * guess.length
            judged.add(scenes * settings.judge_votes, asked, said)
            ratings = scenes * settings.score_votes
            judged.add(ratings, RATING_IN + prose, RATING_OUT * guess.length)
    more = 1 + guess.again
    calls = (written.count + judged.count) * more
    usd = written.usd(prices, provider, model)
    if judged.count:
        usd += judged.usd(prices, *judge)
    seconds = shape.levels * (SCENE_SECONDS + JUDGE_SECONDS) * more
    work = (written.count * SCENE_SECONDS + judged.count * JUDGE_SECONDS) * more
    seconds = max(seconds, work / settings.llm_connections)
    if provider == "offline":
        seconds = written.count * 0.1
    if settings.llm_rate_limit:
        seconds = max(seconds, calls / settings.llm_rate_limit * 60)
    return Estimate(
        name=guess.name,
        calls=round(calls),
        tokens_in=round((written.tokens_in + judged.tokens_in) * more),
        tokens_out=round((written.tokens_out + judged.tokens_out) * more),
        usd=usd * Decimal(str(more)),
        minutes=seconds / 60,
    )
