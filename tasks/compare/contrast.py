"""One version against another: how large the differences are, and a verdict in a sentence."""

import math
from collections.abc import Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.compare.intervals import mean_interval, stopped_interval, worth_interval
from tasks.compare.outcome import SCORE, Measure, Outcome, Pair, measures
from tasks.compare.sequential import ALPHA, Array, holm, look, p_value
from tasks.core.count import counted
from tasks.story.base import Line, Model, Usd

MARGIN = 0.03
"""A difference in score nobody would act on, unless the order says otherwise."""

POWER = 0.9

FOR_LOOKS = 1.1
"""Times the pairs of a single look: what looks on the way, and a spread that is estimated, cost."""

FEWEST = 8
"""Pairs before it is said that there is no difference."""

Decision = Literal["better", "worse", "no difference", "not enough data"]


class Difference(Model):
    """One measure, second version minus first, over all pairs."""

    measure: str
    better: int = Field(description="1: more is better, -1: less is better, 0: neither.")
    digits: int
    first: float
    second: float
    mean: float
    low: float = Field(description="95 % interval of the mean difference.")
    high: float
    p: float = Field(description="Sign-flip test.")
    adjusted: float = Field(description="p by Holm, over all measures but the score.")


class Worth(Model):
    """Score for money: points of score a dollar buys."""

    first: float
    second: float
    ratio: float = Field(description="Second over first.")
    low: float
    high: float


class Contrast(Model):
    """What is known of a second version against a first."""

    first: Line
    second: Line
    pairs: int
    planned: int
    decision: Decision
    stopped_at: int = Field(0, description="Pairs at the look that found a difference.")
    sentence: str
    differences: list[Difference]
    worth: Worth | None = Field(None, description="None where a version costs nothing.")
    more_pairs: int = Field(0, description="What it would take to settle it.")
    more_usd: Usd = Decimal(0)

    @property
    def score(self) -> Difference:
        """The difference in score."""
        return self.differences[0]


def found_at(pairs: Sequence[Pair], first: str, second: str, planned: int, contrasts: int) -> int:
    """Pairs at the first look that finds a difference in score; 0 if none does yet.

    Several contrasts share the error evenly (Bonferroni).
    """
    scores = np.array([pair.difference(first, second) for pair in pairs])
    return int(look(scores, planned, alpha=ALPHA / contrasts)[0]) if len(pairs) else 0


def contrast(
    pairs: Sequence[Pair],
    first: str,
    second: str,
    *,
    planned: int,
    contrasts: int = 1,
    margin: float = MARGIN,
) -> Contrast:
    """The second version against the first, from the pairs that have both."""
    both = [pair for pair in pairs if {first, second} <= pair.outcomes.keys()]
    at = found_at(both, first, second, planned, contrasts)
    alpha = ALPHA / contrasts
    differences = _differences(both, first, second, planned, alpha)
    score = differences[0]
    bound = max(abs(score.low), abs(score.high))
    decision: Decision = "not enough data"
    if at:
        decision = "better" if score.mean > 0 else "worse"
    elif len(both) >= FEWEST and bound <= margin:
        decision = "no difference"
    undecided = decision == "not enough data"
    more = _more_pairs(both, first, second, margin, alpha) if undecided else 0
    each = sum((o.cost_usd for pair in both for o in _two(pair, first, second)), Decimal(0))
    more_usd = each / len(both) * more if both else Decimal(0)
    return Contrast(
        first=first,
        second=second,
        pairs=len(both),
        planned=planned,
        decision=decision,
        stopped_at=at,
        sentence=_sentence(
            decision, first, second, score, len(both), bound, margin, more, more_usd
        ),
        differences=differences,
        worth=_worth(both, first, second),
        more_pairs=more,
        more_usd=more_usd,
    )


def _two(pair: Pair, first: str, second: str) -> tuple[Outcome, Outcome]:
    return pair.outcomes[first], pair.outcomes[second]


def _differences(
    pairs: Sequence[Pair], first: str, second: str, planned: int, alpha: float
) -> list[Difference]:
    found = []
    for measure in measures([o for pair in pairs for o in _two(pair, first, second)]):
        values = np.array(
            [[measure.of(o) for o in _two(pair, first, second)] for pair in pairs]
        ).reshape(-1, 2)
        found.append(_difference(measure, values, planned, alpha))
    adjusted = holm([difference.p for difference in found[1:]])
    return [
        found[0],
        *(d.model_copy(update={"adjusted": p}) for d, p in zip(found[1:], adjusted, strict=True)),
    ]


def _difference(measure: Measure, values: Array, planned: int, alpha: float) -> Difference:
    if not len(values):
        values = np.zeros((1, 2))
    differences = values[:, 1] - values[:, 0]
    if measure is SCORE:
        low, high = stopped_interval(differences, planned, alpha=alpha)
    else:
        low, high = mean_interval(differences)
    first, second = values.mean(axis=0)
    p = p_value(differences)
    return Difference(
        measure=measure.name,
        better=measure.better,
        digits=measure.digits,
        first=float(first),
        second=float(second),
        mean=float(differences.mean()),
        low=low,
        high=high,
        p=p,
        adjusted=p,
    )


def _worth(pairs: Sequence[Pair], first: str, second: str) -> Worth | None:
    scores = np.array([[o.quality.score for o in _two(p, first, second)] for p in pairs])
    costs = np.array([[float(o.cost_usd) for o in _two(p, first, second)] for p in pairs])
    if not len(pairs) or not costs.sum(axis=0).all():
        return None
    one, two = scores.sum(axis=0) / costs.sum(axis=0)
    interval = worth_interval(scores, costs)
    if interval is None:
        return None
    return Worth(first=one, second=two, ratio=two / one, low=interval[0], high=interval[1])


def _more_pairs(pairs: Sequence[Pair], first: str, second: str, margin: float, alpha: float) -> int:
    """Pairs still missing to find a difference of `margin` with POWER, or to rule it out."""
    if len(pairs) < 2:
        return FEWEST - len(pairs)
    spread = float(np.std([pair.difference(first, second) for pair in pairs], ddof=1))
    normal = NormalDist()
    reach = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(POWER)
    wanted = (reach * spread / margin) ** 2 * FOR_LOOKS
    return max(1, FEWEST - len(pairs), math.ceil(wanted) - len(pairs))


def _sentence(
    decision: Decision,
    first: str,
    second: str,
    score: Difference,
    pairs: int,
    bound: float,
    margin: float,
    more: int,
    more_usd: Decimal,
) -> str:
    interval = f"{score.low:+.3f} to {score.high:+.3f}"
    if decision in ("better", "worse"):
        return (
            f"{second} is {decision} than {first} by {abs(score.mean):.3f} points of score "
            f"(95 % interval {interval}, {pairs} pairs)."
        )
    if decision == "no difference":
        return (
            f"There is no difference in score larger than {bound:.3f} between {first} and {second} "
            f"(95 % interval {interval}, {pairs} pairs)."
        )
    if pairs < 2:
        so_far = counted(pairs, "pair")
        return f"There are not enough data on {first} and {second}: {so_far} so far."
    return (
        f"There are not enough data: {second} may be anything from {interval} points of score "
        f"beside {first} ({pairs} pairs). To find a difference of {margin:g} or rule it out takes "
        f"about {more} more pairs, ${more_usd:.4f}."
    )
