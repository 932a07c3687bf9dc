"""A comparison as a page without scripts, and as Markdown for the Prefect UI."""

from collections.abc import Iterator
from html import escape as html

from tasks.compare.comparison import Comparison
from tasks.compare.contrast import Contrast, Difference
from tasks.compare.outcome import Outcome, Pair, branches
from tasks.compare.plots import cost_against_quality, differences, intervals
from tasks.compare.votes import count
from tasks.core.count import counted
from tasks.core.markdown import escape, table
from tasks.ledger.receipt import money

MOST_DIFFERENT = 10

STYLE = """
:root { color-scheme: light dark; --line: #8884; --panel: #8881; --first: #8a5a00;
--second: #1f5fbf; --up: #1b7f4b; --down: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --first: #ffc46b; --second: #8ab8ff; --up: #6fd8a0;
--down: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { margin-top: 2.5rem; }
.verdict { font-size: 1.2rem; background: var(--panel); border-left: 5px solid currentColor;
border-radius: .3rem; margin: .6rem 0; padding: .5rem .9rem; }
.better { border-color: var(--up); } .worse { border-color: var(--down); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem; text-align: right;
white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } .scroll { overflow-x: auto; }
.good { color: var(--up); } .bad { color: var(--down); } small, .how { opacity: .8; }
.plots { display: grid; gap: 1.2rem; margin: 1.2rem 0;
grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); }
figure { margin: 0; padding: .6rem .8rem; background: var(--panel); border-radius: .5rem; }
figcaption { font-weight: 600; font-size: .9rem; margin-bottom: .4rem; }
svg { display: block; width: 100%; height: auto; font-size: 12px; }
svg text { fill: currentColor; paint-order: stroke; stroke: Canvas; stroke-width: 3px; }
.axis { stroke: currentColor; } .grid { stroke: var(--line); } .band { fill: var(--second);
opacity: .2; } .mean { stroke: var(--second); stroke-width: 2; } rect.up { fill: var(--up); }
rect.down { fill: var(--down); } line.up, circle.up { stroke: var(--up); fill: var(--up); }
line.down, circle.down { stroke: var(--down); fill: var(--down); } line.even, circle.even {
stroke: currentColor; fill: currentColor; } line.up, line.down, line.even { stroke-width: 2; }
circle.first { fill: var(--first); opacity: .6; } circle.second { fill: var(--second);
opacity: .6; } circle.middle { opacity: 1; stroke: Canvas; stroke-width: 2; }
polyline { fill: none; stroke: var(--second); }
.sides { display: grid; gap: 1.2rem; grid-template-columns: 1fr 1fr; }
.sides > div { border: 1px solid var(--line); border-radius: .5rem; padding: .2rem 1.2rem; }
@media (max-width: 42rem) { .sides { grid-template-columns: 1fr; } }
.prose { font: 1.05rem/1.6 Georgia, serif; white-space: pre-wrap; overflow-wrap: anywhere; }
.vote { position: sticky; bottom: 0; display: grid; gap: .8rem; padding: .8rem 0; margin-top: 1rem;
grid-template-columns: 1fr 1fr 1fr; background: Canvas; }
button { font: inherit; padding: .7rem; border: 1px solid var(--second); border-radius: .5rem;
background: var(--panel); color: inherit; cursor: pointer; }
button:hover, button:focus-visible { background: var(--second); color: Canvas; }
progress { width: 100%; accent-color: var(--second); }
"""


def head(title: str) -> str:
    """How every page of a comparison begins."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; form-action 'self'\">"
        f"<title>{html(title)}</title><style>{STYLE}</style>"
    )


def page(comparison: Comparison) -> str:
    """The report as one HTML page; all text from outside is escaped."""
    return "".join(_page(comparison))


def _page(c: Comparison) -> Iterator[str]:
    yield head(f"Comparison: {c.title}")
    yield f"<h1>{html(c.title)}</h1>"
    for contrast in c.contrasts:
        yield f'<p class="verdict {contrast.decision}">{html(contrast.sentence)}</p>'
    yield f'<p class="how">{html(_how(c))}</p>'
    for contrast in c.contrasts:
        yield f"<h2>{html(contrast.second)} against {html(contrast.first)}</h2>"
        yield from _measured(contrast)
        if contrast.pairs:
            yield '<div class="plots">'
            yield differences(c.pairs, contrast)
            yield cost_against_quality(c.pairs, contrast)
            yield intervals(contrast)
            yield "</div>"
        if said := preferences(c, contrast):
            yield f"<p>{html(said)}</p>"
        yield from _reading(c.pairs, contrast)
    yield '<p><a href="pairs.csv">All pairs as CSV</a>, <a href="comparison.json">everything as '
    yield "JSON</a>.</p></html>\n"


def _how(c: Comparison) -> str:
    text = (
        f"{len(c.pairs)} of {c.planned} planned pairs, the same brief and seed through every "
        f"version; ended with {c.ended}{': ' + c.why if c.why else ''}. Paid {money(c.paid_usd)}; "
        f"answers worth {money(c.cached_usd)} came from the cache. Score decides; equal versions "
        f"are called different in at most {c.error_rate:.0%} of such comparisons, looks on the way "
        "included. The statement is about these briefs."
    )
    if c.plans > 1:
        times = counted(c.plans - 1, "time")
        text += f" The plan has grown {times}, and each time counts as a new chance."
    if c.unmeasured:
        text += f" Not measured: {'; '.join(c.unmeasured)}."
    return text


def _measured(contrast: Contrast) -> Iterator[str]:
    names = html(contrast.first), html(contrast.second)
    yield f'<div class="scroll"><table><thead><tr><th>mean of {contrast.pairs} pairs<th>{names[0]}'
    yield f"<th>{names[1]}<th>difference<th>95 % interval<th>p<th>p by Holm</tr></thead><tbody>"
    for d in contrast.differences:
        style = {1: "good", -1: "bad", 0: ""}[_good(d)]
        cells = "".join(f"<td>{cell}" for cell in _cells(d)[1:])
        yield f'<tr class="{style}"><td>{html(d.measure)}{cells}</tr>'
    yield "</tbody></table></div>"
    if contrast.worth:
        yield f"<p>{html(_worth(contrast))}</p>"


def _good(d: Difference) -> int:
    """1 where the second is surely better, -1 where worse, 0 where nothing is sure."""
    if d.adjusted > 0.05 or not d.mean:
        return 0
    return d.better * (1 if d.mean > 0 else -1)


def _cells(d: Difference) -> list[str]:
    n = d.digits
    return [
        d.measure,
        f"{d.first:.{n}f}",
        f"{d.second:.{n}f}",
        f"{d.mean:+.{n}f}",
        f"{d.low:+.{n}f} to {d.high:+.{n}f}",
        f"{d.p:.4f}",
        f"{d.adjusted:.4f}",
    ]


def _worth(contrast: Contrast) -> str:
    worth = contrast.worth
    if worth is None:
        return ""
    return (
        f"A dollar buys {worth.first:,.0f} points of score with {contrast.first} and "
        f"{worth.second:,.0f} with {contrast.second}: {worth.ratio:.2f} times as many (95 % "
        f"interval {worth.low:.2f} to {worth.high:.2f})."
    )


def preferences(c: Comparison, contrast: Contrast) -> str:
    """What blind readers preferred, in a sentence; empty without votes."""
    cast = count(c.votes, contrast.first, contrast.second)
    if not cast.for_first + cast.for_second + cast.neither:
        return ""
    return (
        f"Blind readers: {cast.for_second} for {contrast.second}, {cast.for_first} for "
        f"{contrast.first}, {cast.neither} for neither. Share for {contrast.second}: "
        f"{cast.share:.0%} (95 % interval {cast.low:.0%} to {cast.high:.0%}, p {cast.p:.3f})."
    )


def _reading(pairs: list[Pair], contrast: Contrast) -> Iterator[str]:
    names = (contrast.first, contrast.second)
    both = [pair for pair in pairs if set(names) <= pair.outcomes.keys()]
    both.sort(key=lambda pair: -abs(pair.difference(*names)))
    yield f"<h3>The {len(both[:MOST_DIFFERENT])} most different pairs</h3>"
    for pair in both[:MOST_DIFFERENT]:
        yield f"<h4>{html(pair.brief)}, seed {pair.seed}: {pair.difference(*names):+.3f}</h4>"
        yield '<div class="sides">'
        for name in names:
            outcome = pair.outcomes[name]
            yield f"<div><p><strong>{html(name)}</strong> <small>score "
            yield f"{outcome.quality.score:.3f}, {money(outcome.cost_usd)}</small></p>"
            yield from scene(outcome)
            yield "</div>"
        yield "</div>"


def scene(outcome: Outcome, *, blind: bool = False) -> Iterator[str]:
    """A scene for reading, or why there is none; `blind` keeps to what a player sees."""
    if outcome.scene is None:
        yield f"<p>No scene: {html(outcome.error)}</p>"
        return
    told = outcome.scene
    yield f"<p><strong>{html(told.title)}</strong></p><p><em>{html(told.setting_description)}</em>"
    yield f'</p><div class="prose">{html(told.narrative_text)}</div>'
    for line in told.dialogue:
        yield f"<p>{html(line.character_id)} ({html(line.emotion)}): {html(line.text)}</p>"
    yield "<ul>"
    for branch in branches(told):
        if branch.verdict.valid:
            yield f"<li>{html(branch.choice)}</li>"
        elif not blind:
            why = html(branch.verdict.reason)
            yield f"<li>{html(branch.choice)} <small>refused: {why}</small></li>"
    yield "</ul>"


def markdown(comparison: Comparison) -> str:
    """The report for the Prefect UI."""
    parts = [f"# {escape(comparison.title)}"]
    parts += [f"**{escape(sentence)}**" for sentence in comparison.sentences]
    parts.append(escape(_how(comparison)))
    for contrast in comparison.contrasts:
        parts.append(f"## {escape(contrast.second)} against {escape(contrast.first)}")
        columns = ["", escape(contrast.first), escape(contrast.second)]
        rows = [[escape(cell) for cell in _cells(d)] for d in contrast.differences]
        parts.append(table([*columns, "difference", "95 % interval", "p", "p by Holm"], rows))
        parts += [escape(_worth(contrast)), escape(preferences(comparison, contrast))]
    return "\n\n".join(part for part in parts if part) + "\n"
