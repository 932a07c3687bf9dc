"""Response quality over time: scores and parsing rungs by prompt version and model.

A provider can change a model behind its name. So each day's mean score is held against all the days
before it, as on a Shewhart chart: further off than three standard errors is worth a look.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import fmean, stdev

from pydantic import Field

from tasks.compare.plots import trend as plot
from tasks.ledger.ledger import Ledger
from tasks.ledger.scenes import SceneRow, scene_rows
from tasks.story.base import Model

LIMIT = 3.0
"""Standard errors."""

ENOUGH = 8
"""Scenes on either side before a change is spoken of."""


class Day(Model):
    """The scenes of one day by one prompt version and model."""

    day: str
    prompt: str
    prompt_hash: str
    model: str
    scenes: int
    score: float = Field(description="Mean.")
    error: float = Field(description="Its standard error; 0 for a single scene.")
    rungs: dict[str, int] = Field(description="Scenes by the parsing rung they needed.")
    refused: float = Field(description="Share of proposed branches that were refused.")
    change: float = Field(0.0, description="Against the days before, in standard errors.")

    @property
    def changed(self) -> bool:
        """Whether the day is further from those before than chance explains."""
        return abs(self.change) > LIMIT

    @property
    def sentence(self) -> str:
        """What to say of a day that changed."""
        return (
            f"{self.day}: {self.model} with {self.prompt} scores {abs(self.change):.1f} standard "
            f"errors {'above' if self.change > 0 else 'below'} the days before. The model behind "
            "the name may have changed."
        )


class Trend(Model):
    """Days in order, those of one prompt version and model together."""

    days: list[Day]
    plots: list[str] = Field([], description="An SVG figure for each prompt version and model.")


async def quality_trend(ledger: Ledger) -> Trend:
    """The trend of everything in the ledger that a model wrote."""
    return trend_of(await scene_rows(ledger))


def trend_of(rows: Sequence[SceneRow]) -> Trend:
    """The trend of some scenes."""
    series: dict[tuple[str, str, str], list[SceneRow]] = defaultdict(list)
    for row in rows:
        series[row.prompt, row.prompt_hash, row.model].append(row)
    days: list[Day] = []
    plots: list[str] = []
    for (prompt, _, model), scenes in sorted(series.items()):
        own = _days(scenes)
        days += own
        points = [(d.day, d.score, d.score - 2 * d.error, d.score + 2 * d.error) for d in own]
        plots.append(plot(points, f"Mean score of {prompt} on {model}, with two standard errors"))
    return Trend(days=days, plots=plots)


def _days(scenes: Sequence[SceneRow]) -> list[Day]:
    by_day: dict[str, list[SceneRow]] = defaultdict(list)
    for scene in scenes:
        by_day[scene.day].append(scene)
    days: list[Day] = []
    before: list[float] = []
    for day, rows in sorted(by_day.items()):
        scores = [row.score for row in rows]
        proposed = sum(row.proposed for row in rows)
        days.append(
            Day(
                day=day,
                prompt=rows[0].prompt,
                prompt_hash=rows[0].prompt_hash,
                model=rows[0].model,
                scenes=len(rows),
                score=fmean(scores),
                error=_error(scores),
                rungs=dict(Counter(row.rung for row in rows)),
                refused=sum(row.refused for row in rows) / proposed if proposed else 0.0,
                change=_change(before, scores),
            )
        )
        before += scores
    return days


def _change(before: Sequence[float], now: Sequence[float]) -> float:
    """Welch's t of a day against all before it."""
    if min(len(before), len(now)) < ENOUGH:
        return 0.0
    error = math.hypot(_error(before), _error(now))
    return (fmean(now) - fmean(before)) / error if error else 0.0


def _error(scores: Sequence[float]) -> float:
    return stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else 0.0
