"""Plots of a comparison as small inline SVG pictures. Colours come from the page."""

import math
from collections.abc import Iterable, Sequence
from html import escape

from tasks.compare.contrast import Contrast
from tasks.compare.outcome import Pair

WIDTH, HEIGHT, PAD = 640, 260, 44


class Scale:
    """From values to pixels, with room at the ends."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        found = list(values) or [0.0]
        low, high = min(found), max(found)
        room = (high - low) * 0.06 or abs(high) * 0.1 or 0.01
        self.low, self.high = low - room, high + room
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        """Where a value stands, in pixels."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """About `count` round values to write at the axis, and how they read."""
        rough = (self.high - self.low) / count
        digits = -math.floor(math.log10(rough))
        step = next(s for s in (1, 2, 5, 10) if s * 10**-digits >= rough) * 10**-digits
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(k * step, f"{k * step:.{max(0, digits)}f}") for k in range(first, last + 1)]


def differences(pairs: Sequence[Pair], contrast: Contrast) -> str:
    """Every pair's difference in score, sorted, with the mean and its interval."""
    first, second = contrast.first, contrast.second
    found = sorted(
        p.difference(first, second) for p in pairs if {first, second} <= p.outcomes.keys()
    )
    score = contrast.score
    y = Scale([*found, 0.0, score.low, score.high], HEIGHT - PAD, 12)
    step = (WIDTH - 2 * PAD) / max(1, len(found))
    bars = (
        f'<rect class="{"up" if d > 0 else "down"}" x="{PAD + i * step:.1f}" '
        f'width="{max(1.0, step * 0.8):.1f}" y="{min(y(d), y(0)):.1f}" '
        f'height="{max(0.5, abs(y(d) - y(0))):.1f}"/>'
        for i, d in enumerate(found)
    )
    band = (
        f'<rect class="band" x="{PAD}" width="{WIDTH - 2 * PAD}" y="{y(score.high):.1f}" '
        f'height="{max(1.0, y(score.low) - y(score.high)):.1f}"/>'
        f"{_level(y, score.mean, 'mean')}"
    )
    return _svg(
        f"Differences in score, {second} minus {first}, pair by pair",
        [*_left(y), band, *bars, _level(y, 0.0)],
    )


def intervals(contrast: Contrast) -> str:
    """Every measure's mean difference and interval, as a share of the interval's half width."""
    rows = [d for d in contrast.differences if d.high > d.low]
    top, line = 10, 24
    height = top + line * len(rows) + 30
    scaled = [
        (d, [v / ((d.high - d.low) / 2) * (d.better or 1) for v in (d.low, d.mean, d.high)])
        for d in rows
    ]
    x = Scale([0.0, *(v for _, three in scaled for v in three)], 210, WIDTH - 12)
    parts = []
    for i, (d, three) in enumerate(scaled):
        y = top + line * i + line / 2
        low, mean, high = sorted(three)
        kind = "even" if low <= 0 <= high or not d.better else "up" if mean > 0 else "down"
        parts.append(
            f'<text x="200" y="{y + 4}" text-anchor="end">{escape(d.measure)}</text>'
            f'<line class="{kind}" x1="{x(low)}" x2="{x(high)}" y1="{y}" y2="{y}"/>'
            f'<circle class="{kind}" cx="{x(mean)}" cy="{y}" r="4"/>'
        )
    bottom = top + line * len(rows)
    parts.append(f'<line class="axis" x1="{x(0)}" x2="{x(0)}" y1="{top}" y2="{bottom}"/>')
    parts.append(f'<text x="{x(0)}" y="{bottom + 16}" text-anchor="middle">no difference</text>')
    title = f"95 % intervals, each to its own scale; to the right {contrast.second} is better"
    return _svg(title, parts, height)


def cost_against_quality(pairs: Sequence[Pair], contrast: Contrast) -> str:
    """Every scene by what it cost and how it scored, and where the versions lie on average."""
    names = (contrast.first, contrast.second)
    points = [
        (name, float(p.outcomes[name].cost_usd), p.outcomes[name].quality.score)
        for p in pairs
        for name in names
        if name in p.outcomes
    ]
    x = Scale([cost for _, cost, _ in points], PAD + 12, WIDTH - PAD)
    y = Scale([score for *_, score in points], HEIGHT - PAD, 12)
    parts, middles = [], []
    for kind, name in zip(("first", "second"), names, strict=True):
        own = [(cost, score) for n, cost, score in points if n == name]
        parts += [f'<circle class="{kind}" cx="{x(c)}" cy="{y(s)}" r="3"/>' for c, s in own]
        if own:
            cost, score = (sum(v) / len(own) for v in zip(*own, strict=True))
            middles.append(
                f'<circle class="{kind} middle" cx="{x(cost)}" cy="{y(score)}" r="8"/>'
                f'<text x="{x(cost) + 12}" y="{y(score) + 4}">{escape(name)}</text>'
            )
    below = (
        f'<text x="{x(t)}" y="{HEIGHT - 24}" text-anchor="middle">${text}</text>'
        for t, text in x.ticks(3)
    )
    axis = f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">USD a scene</text>'
    return _svg(
        "Cost against score: a point a scene, a disc the mean",
        [*_left(y), *below, axis, *parts, *middles],
    )


def trend(rows: Sequence[tuple[str, float, float, float]], title: str) -> str:
    """A mean with its interval for each day: (day, mean, low, high)."""
    y = Scale([v for _, *values in rows for v in values], HEIGHT - PAD, 12)
    step = (WIDTH - 2 * PAD) / max(1, len(rows) - 1)
    every = math.ceil(len(rows) / 6)
    parts = []
    line = []
    for i, (day, mean, low, high) in enumerate(rows):
        at = round(PAD + 12 + i * step * 0.96, 1)
        line.append(f"{at},{y(mean)}")
        parts.append(
            f'<line class="even" x1="{at}" x2="{at}" y1="{y(low)}" y2="{y(high)}"/>'
            f'<circle class="second" cx="{at}" cy="{y(mean)}" r="3"/>'
        )
        if i % every == 0:
            text = f'<text x="{at}" y="{HEIGHT - 24}" text-anchor="middle">{escape(day)}</text>'
            parts.append(text)
    return _svg(title, [*_left(y), f'<polyline points="{" ".join(line)}"/>', *parts])


def _left(y: Scale) -> list[str]:
    return [
        f'<line class="grid" x1="{PAD}" x2="{WIDTH - PAD}" y1="{y(t)}" y2="{y(t)}"/>'
        f'<text x="{PAD - 6}" y="{y(t) + 4}" text-anchor="end">{text}</text>'
        for t, text in y.ticks()
    ]


def _level(y: Scale, value: float, kind: str = "axis") -> str:
    at = y(value)
    return f'<line class="{kind}" x1="{PAD}" x2="{WIDTH - PAD}" y1="{at}" y2="{at}"/>'


def _svg(title: str, parts: Iterable[str], height: int = HEIGHT) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {height}" '
        f'role="img" xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg></figure>"
    )
