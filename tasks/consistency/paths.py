"""Checking a whole story: every scene and branch on every way that leads to it.

Where ways meet, what is false on all of them is an error, and what is false on some is a warning
with the shortest way that shows it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.check import run
from tasks.consistency.checks.form import TWIN, overlap, trigrams
from tasks.consistency.examination import Case, of_branch, of_scene
from tasks.consistency.graph import Graph, Passage
from tasks.consistency.infer import MARK, infer
from tasks.consistency.language.passage import known
from tasks.story.base import Model
from tasks.story.state import PathState
from tasks.story.verdict import Issue, Severity, Verdict

UNDECLARED = "D1c"
"""The check that asks for a declared effect; text that declares none is not asked."""
MOST_WAYS = 32
"""Ways into one passage that are followed; a story with more says so in its report."""


class Examined(Model):
    """A scene or branch, and what was found on the ways that lead to it."""

    id: str
    what: Literal["scene", "branch", "story"]
    title: str
    path: list[str] = Field([], description="The shortest way that shows it.")
    ways: int = 1
    verdict: Verdict | None = None
    issues: list[Issue] = []


class StoryCheck(Model):
    """Everything that was checked in a story."""

    title: str
    scenes: int
    branches: int
    endings: int
    ways: int
    capped: list[str] = Field([], description="Passages with more ways than were followed.")
    unread: str | None = Field(
        None, description="The prose's language, if nobody could read it; effects were checked."
    )
    clauses: int = Field(0, description="Clauses of the prose.")
    clauses_read: int = Field(0, description="Those of which it is known who acts.")
    examined: list[Examined] = []

    @property
    def findings(self) -> list[tuple[Examined, Issue]]:
        """What a studio has to look at: errors and warnings."""
        return [(e, i) for e in self.examined for i in e.issues if i.severity > Severity.INFO]

    @property
    def clean(self) -> bool:
        """Whether there is no error."""
        return all(i.severity < Severity.ERROR for _, i in self.findings)


@dataclass(frozen=True)
class Way:
    """One way to a passage: the passages before it, and what holds there."""

    path: tuple[str, ...]
    state: PathState
    choices: tuple[str, ...] = ()
    """What was chosen on it: the link's id and its words."""


def check_story(graph: Graph, accepted: Sequence[AcceptedFinding] = ()) -> StoryCheck:
    """Check every passage and link of a story on every way (up to `MOST_WAYS` into each).

    `accepted` is what a person let stand.
    """
    ways, capped = follow(graph)
    examined = [Examined(id="story", what="story", title=graph.title, issues=list(shape(graph)))]
    texts: list[Case] = []
    for passage in graph.passages:
        into = ways.get(passage.id, [])
        if not into:
            continue
        cases = [of_scene(graph.world, graph.brief, way.state, passage.scene) for way in into]
        texts.append(cases[0])
        examined.append(
            _join(passage.id, "scene", passage.scene.title, into, cases, accepted, graph.declares)
        )
        after = [_after(graph, passage, way) for way in into]
        for link in passage.links:
            siblings = [other.branch for other in passage.links if other is not link]
            cases = [
                of_branch(graph.world, graph.brief, state, passage.scene, link.branch, siblings)
                for state in after
            ]
            texts.append(cases[0])
            examined.append(
                _join(link.id, "branch", link.branch.choice, into, cases, accepted, graph.declares)
            )
    return StoryCheck(
        title=graph.title,
        scenes=len(graph.passages),
        branches=sum(len(p.links) for p in graph.passages),
        endings=sum(p.ending for p in graph.passages),
        ways=sum(len(w) for w in ways.values()),
        capped=sorted(capped),
        unread=None if known(graph.world.language) else graph.world.language,
        clauses=sum(case.clauses_read[1] for case in texts),
        clauses_read=sum(case.clauses_read[0] for case in texts),
        examined=examined,
    )


def follow(graph: Graph) -> tuple[dict[str, list[Way]], set[str]]:
    """The ways into every passage, shortest first, each state once; and where there were more."""
    found: dict[str, list[Way]] = {}
    capped: set[str] = set()
    if not graph.passages:
        return found, capped
    by_id = {p.id: p for p in graph.passages}
    start = graph.passages[0]
    queue = deque([(start.id, Way((start.id,), PathState.opening(graph.world, graph.brief)))])
    while queue:
        here, way = queue.popleft()
        known = found.setdefault(here, [])
        if any(way.state.same(other.state) for other in known):
            continue
        if len(known) >= MOST_WAYS:
            capped.add(here)
            continue
        known.append(way)
        passage = by_id[here]
        after = _after(graph, passage, way)
        for link in passage.links:
            # Once round a loop shows what it does.
            if link.to in by_id and link.to is not None and way.path.count(link.to) < 2:
                effects = link.branch.effects
                if not graph.declares:
                    effects = infer(of_branch(graph.world, None, after, None, link.branch))
                state = after.after(effects, source=_source(graph, link.id))
                choice = f'{link.id} "{link.branch.choice[:60]}"'
                taken = Way((*way.path, link.to), state, (*way.choices, choice))
                queue.append((link.to, taken))
    return found, capped


def _after(graph: Graph, passage: Passage, way: Way) -> PathState:
    effects = passage.scene.effects
    if not graph.declares:
        effects = infer(of_scene(graph.world, graph.brief, way.state, passage.scene))
    return way.state.after(effects, source=_source(graph, passage.id))


def _source(graph: Graph, one: str) -> str:
    return one if graph.declares else one + MARK


def _join(
    one: str,
    what: Literal["scene", "branch"],
    title: str,
    ways: Sequence[Way],
    cases: Sequence[Case],
    accepted: Sequence[AcceptedFinding],
    declares: bool,
) -> Examined:
    """What holds on all ways and what only on some."""
    verdicts = [run(case, accepted=accepted) for case in cases]
    seen: dict[tuple[str, str], list[tuple[Issue, Way]]] = {}
    for verdict, way in zip(verdicts, ways, strict=True):
        for key, issue in _gravest(verdict.issues).items():
            if issue.check != UNDECLARED or declares:
                seen.setdefault(key, []).append((issue, way))
    issues = [_weigh(found, ways) for found in seen.values()]
    worst = next((found[0][1].path for found in seen.values()), ways[0].path)
    return Examined(
        id=one,
        what=what,
        title=title,
        path=list(worst),
        ways=len(ways),
        verdict=verdicts[0],
        issues=issues,
    )


def _gravest(issues: Sequence[Issue]) -> dict[tuple[str, str], Issue]:
    """What was found on one way, each thing once. A message may name what differs from way to
    way, such as the clock; the key does not."""
    found: dict[tuple[str, str], Issue] = {}
    for issue in issues:
        known = found.setdefault((issue.check, issue.key or issue.message), issue)
        if issue.severity > known.severity:
            found[issue.check, issue.key or issue.message] = issue
    return found


def _weigh(found: Sequence[tuple[Issue, Way]], ways: Sequence[Way]) -> Issue:
    """One thing, found on some ways, as it stands for the passage."""
    worst = max(issue.severity for issue, _ in found)
    found = [(issue, way) for issue, way in found if issue.severity == worst]
    issue, witness = found[0]
    if issue.source.endswith(MARK):
        issue = issue.model_copy(update={"severity": min(issue.severity, Severity.WARNING)})
    if len(found) == len(ways):
        return issue
    way = " > ".join(witness.path)
    taken = _decisive([way for _, way in found], ways)
    which = f": those by {taken}" if taken else ""
    message = f"{issue.message} (On {len(found)} of {len(ways)} ways{which}; the shortest: {way}.)"
    severity = min(issue.severity, Severity.WARNING)
    return issue.model_copy(update={"message": message, "severity": severity})


def _decisive(some: Sequence[Way], ways: Sequence[Way]) -> str:
    """The first choice that all of some ways take and no other way does; else the choices that the
    shortest of them alone takes."""
    others = {choice for way in ways if way not in some for choice in way.choices}
    first = [choice for choice in some[0].choices if choice not in others]
    shared = (c for c in first if all(c in way.choices for way in some))
    return next(shared, ", then ".join(first or some[0].choices))


def shape(graph: Graph) -> Iterator[Issue]:
    """What is wrong with the story's shape: links to nothing, scenes nobody reaches, paths that
    end by accident or never."""
    by_id = {p.id: p for p in graph.passages}
    if not graph.passages:
        yield _shape("no scenes", "The story has no scenes.", "", "Write an opening.")
        return
    for passage in graph.passages:
        for link in passage.links:
            if link.to is not None and link.to not in by_id and link.to not in graph.left_out:
                yield _shape(
                    "dangling",
                    f"A choice of {passage.id} leads to '{link.to}', which does not exist.",
                    link.branch.choice,
                    f"Write '{link.to}', or lead somewhere else.",
                )
        onward = [link for link in passage.links if link.to in by_id]
        if not onward and not passage.ending:
            missing = any(link.to is None or link.to in graph.left_out for link in passage.links)
            yield _shape(
                "unfinished",
                f"The path ends at {passage.id}, which is not marked as an ending.",
                passage.scene.title,
                "Write what follows, or mark it as an ending.",
                warning=missing,
            )
    reached = _reachable(by_id, [graph.passages[0].id])
    for passage in graph.passages:
        if passage.id not in reached:
            yield _shape(
                "unreachable",
                f"No choice leads to {passage.id}.",
                passage.scene.title,
                "Lead a choice there, or drop it.",
            )
    yield from _endless(graph, by_id, reached)
    yield from _twins(graph)


def _reachable(by_id: dict[str, Passage], start: list[str]) -> set[str]:
    seen: set[str] = set()
    stack = list(start)
    while stack:
        here = stack.pop()
        if here not in seen and here in by_id:
            seen.add(here)
            stack.extend(link.to for link in by_id[here].links if link.to)
    return seen


def _endless(graph: Graph, by_id: dict[str, Passage], reached: set[str]) -> Iterator[Issue]:
    """Passages from which no ending can be reached, although something always follows."""
    back: dict[str, list[str]] = {}
    for passage in graph.passages:
        for link in passage.links:
            if link.to in by_id and link.to is not None:
                back.setdefault(link.to, []).append(passage.id)
    ends = [p.id for p in graph.passages if not any(link.to in by_id for link in p.links)]
    good: set[str] = set()
    while ends:
        here = ends.pop()
        if here not in good:
            good.add(here)
            ends.extend(back.get(here, []))
    for one in sorted(reached - good):
        yield _shape(
            "endless",
            f"From {one} no ending can be reached.",
            by_id[one].scene.title,
            "Give the loop a way out.",
        )


def _twins(graph: Graph) -> Iterator[Issue]:
    """Scenes that say the same."""
    texts = [(p, trigrams(p.scene.narrative_text)) for p in graph.passages]
    for n, (one, mine) in enumerate(texts):
        for other, theirs in texts[n + 1 : n + 1 + 200]:
            # Sets of very different size cannot be alike enough.
            sizes = sorted((len(mine), len(theirs)))
            if sizes[0] >= TWIN * sizes[1] and overlap(mine, theirs) >= TWIN:
                yield _shape(
                    "twin scenes",
                    f"{one.id} and {other.id} say nearly the same.",
                    one.scene.narrative_text[:200],
                    "Lead both choices to one scene, or make them differ.",
                    warning=True,
                )


def _shape(name: str, message: str, quote: str, fix: str, *, warning: bool = False) -> Issue:
    return Issue(
        check="D14",
        name=name,
        category="coherence",
        severity=Severity.WARNING if warning else Severity.ERROR,
        message=message,
        quote=quote[:500],
        suggested_fix=fix,
    )
