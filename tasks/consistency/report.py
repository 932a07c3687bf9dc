"""The consistency report: per path what was checked and refused, both quotes side by side."""

from collections.abc import Iterator
from html import escape as html

from tasks.consistency.paths import Examined, StoryCheck
from tasks.core.count import counted
from tasks.core.markdown import escape, table
from tasks.story.story import Story
from tasks.story.verdict import Issue, Severity, Verdict

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --warn: #ffc46b; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2rem; } .error { color: var(--bad); } .warning { color: var(--warn); }
table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line);
padding: .4rem .6rem; text-align: left; vertical-align: top; } .sides { display: grid; gap: 1rem;
grid-template-columns: 1fr 1fr; } blockquote { margin: .3rem 0; padding: .3rem .8rem;
border-left: 3px solid var(--line); } article { border: 1px solid var(--line); border-radius: .5rem;
padding: .8rem 1rem; margin: 1rem 0; } small { opacity: .75; }
"""


WORDS = (
    "Score: 0 contradicts what is true on the way there, 1 agrees with all of it. Coverage: the "
    "share of all checks that had something to look at. Ways: how many lead there. Read from the "
    "wording: the text says so, though its writer did not declare it."
)


def markdown(check: StoryCheck, story: Story | None = None) -> str:
    """The report as Markdown; nothing in it comes out as markup of its own."""
    parts = [f"# Consistency: {escape(check.title)}", _summary(check)]
    rows = [
        [escape(e.id), escape(" > ".join(e.path)), _decision(e), *_scores(e.verdict), str(e.ways)]
        for e in check.examined
        if e.what != "story"
    ]
    head = ["checked", "path", "decision", "score", "coverage", "ways"]
    findings = [_finding(e.id, e.title, i) for e, i in check.findings]
    refused = [
        _finding(b.branch_id, b.choice, i)
        for _, b in (story.refused() if story else ())
        for i in b.verdict.issues
        if i.severity > Severity.INFO
    ]
    parts += [f"## Findings: {len(findings)}", *findings]
    parts += [f"## Refused branches: {len(refused)}", *refused] if story else []
    parts += ["## What was checked", WORDS, table(head, rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(check: StoryCheck) -> str:
    text = f"{tally(check)} followed: **{'clean' if check.clean else 'contradictions'}**."
    if check.capped:
        text += f" More ways than were followed lead to {escape(', '.join(check.capped))}."
    return text


def tally(check: StoryCheck) -> str:
    """What was looked at: scenes, branches, endings and ways."""
    found = (
        counted(check.scenes, "scene"),
        counted(check.branches, "branch", "branches"),
        counted(check.endings, "ending"),
        counted(check.ways, "way"),
    )
    return f"{', '.join(found)}; {_prose(check)}"


def _prose(check: StoryCheck) -> str:
    """How much of the prose was read."""
    if check.unread:
        return f"the prose was not read, as it is in {check.unread}: declared effects only"
    return f"read {check.clauses_read:,} of {counted(check.clauses, 'clause')}"


def _decision(examined: Examined) -> str:
    return examined.verdict.decision if examined.verdict else ""


def _scores(verdict: Verdict | None) -> tuple[str, str]:
    if verdict is None or verdict.overall_score is None:
        return "", f"{verdict.coverage:.2f}" if verdict else ""
    return f"{verdict.overall_score:.2f}", f"{verdict.coverage:.2f}"


def _finding(one: str, title: str, issue: Issue) -> str:
    lines = [
        f"**{issue.severity}** {escape(one)} *{escape(title[:80])}*: {escape(issue.message)} "
        f"({escape(', '.join(filter(None, (issue.check, issue.origin))))})",
        table(
            ["here", f"there ({escape(issue.source)})"],
            [[escape(issue.quote) or "-", escape(issue.fact) or "-"]],
        ),
    ]
    if issue.suggested_fix:
        lines.append(f"Fix: {escape(issue.suggested_fix)}")
    return "\n\n".join(lines)


def page(check: StoryCheck, story: Story | None = None) -> str:
    """The report as one HTML page without scripts; all text from outside is escaped."""
    return "".join(_page(check, story))


def _page(check: StoryCheck, story: Story | None) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    yield "style-src 'unsafe-inline'\">"
    yield f"<title>Consistency: {html(check.title)}</title><style>{_STYLE}</style>"
    yield f"<h1>Consistency: {html(check.title)}</h1><p>{tally(check)} followed: "
    yield f"<strong>{'clean' if check.clean else 'contradictions'}</strong>.</p>"
    if check.capped:
        yield f"<p>More ways than were followed lead to {html(', '.join(check.capped))}.</p>"
    yield f"<h2>Findings: {len(check.findings)}</h2>"
    for examined, issue in check.findings:
        yield from _article(examined.id, examined.title, issue)
    refused = list(story.refused()) if story else []
    if story:
        yield f"<h2>Refused branches: {len(refused)}</h2>"
    for _, branch in refused:
        for issue in branch.verdict.issues:
            yield from _article(branch.branch_id, branch.choice, issue)
    yield f"<h2>What was checked</h2><p>{html(WORDS)}</p>"
    yield "<table><thead><tr><th>checked<th>path<th>decision<th>score<th>coverage<th>ways"
    yield "</tr></thead><tbody>"
    for examined in check.examined:
        if examined.what != "story":
            cells = [examined.id, " > ".join(examined.path), _decision(examined)]
            cells += [*_scores(examined.verdict), str(examined.ways)]
            yield "<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></html>\n"


def _article(one: str, title: str, issue: Issue) -> Iterator[str]:
    yield f'<article><p><strong class="{issue.severity}">{issue.severity}</strong> '
    yield f"{html(one)}, <em>{html(title[:80])}</em>: {html(issue.message)} "
    about = ", ".join(filter(None, (f"{issue.check} {issue.name}", issue.origin)))
    yield f"<small>{html(about)}</small></p>"
    yield f'<div class="sides"><div>here<blockquote>{html(issue.quote)}</blockquote></div>'
    yield f"<div>there ({html(issue.source)})<blockquote>{html(issue.fact)}</blockquote></div>"
    yield "</div>"
    if issue.suggested_fix:
        yield f"<p>Fix: {html(issue.suggested_fix)}</p>"
    yield "</article>"


async def publish_report(check: StoryCheck, story: Story, key: str) -> None:
    """Leave the report in the Prefect UI, under a key that stays from night to night."""
    # Commands that only print need not wait for Prefect.
    from prefect.artifacts import acreate_markdown_artifact

    found = "clean" if check.clean else counted(len(check.findings), "finding")
    refused = sum(1 for _ in story.refused())
    await acreate_markdown_artifact(
        markdown(check, story),
        key=f"consistency-{key.replace('_', '-')}",
        description=f"{found}: {counted(len(story.scenes), 'scene')}, {refused} refused",
    )
