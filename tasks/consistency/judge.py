"""The judge: a model that has to prove what it claims.

One call is about a scene and the branches at its end, or about branches alone. The judge is given
facts, each with an id, and has to quote both sides of every contradiction; what it cannot quote is
dropped and counted. It says what the prose asserts beyond the declared effects, on which the
arithmetic decides. It may clear what was only read from the wording, with a reason that is kept,
and never what rests on declared effects.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from string import ascii_lowercase
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from tasks.answers.ladder import Asker, ask, climb
from tasks.calls.errors import CapReached, LLMError
from tasks.calls.prompt import Prompt, Purpose
from tasks.consistency.examination import Case
from tasks.consistency.opinion import Opinion, finding_id
from tasks.consistency.relevant_facts import appearing, changed, mentioned, relevant, superseded
from tasks.consistency.told import Told, named_by_id
from tasks.consistency.verdict import CONDEMNS
from tasks.core.quotes import content, fold, grounded, proves
from tasks.core.settings import Settings
from tasks.prompts.render import render
from tasks.story.base import Model
from tasks.story.state import Statement
from tasks.story.verdict import Category, Issue, Severity, Verdict

ALONE = 0.8
"""Confidence, at most, of what one vote only was asked about."""
SURE = 8
"""Of 10: from here on a vote counts as a whole one."""
HEARD = 0.5
"""Share of votes below which an issue is mentioned, but weighs nothing."""
SCENE, EARLIER = "scene", "earlier"
"""Ids of the scene's text, and of the text that leads to it."""


class Scores(Model):
    """Four questions about one text, each from 0 (not at all) to 10 (wholly)."""

    text: str = Field(description="Id of the text.")
    timeline: int = Field(10, description="Times, places and order of events agree with the facts.")
    character: int = Field(10, description="Everybody is as they are and knows what they can know.")
    world_rules: int = Field(10, description="No rule is broken and no boundary crossed.")
    coherence: int = Field(10, description="It follows, and makes a difference.")


class Contradiction(Model):
    """One thing that cannot be."""

    text: str = Field(description="Id of the text that is wrong.")
    quote: str = Field(description="Its words, copied exactly, from one sentence.")
    fact_id: str = Field(description="Id of what it contradicts.")
    fact_quote: str = Field(description="The words of that, copied exactly, from one sentence.")
    why: str = Field("", description="Why both cannot hold, in one sentence.")
    fix: str = Field("", description="The smallest change that would mend it.")
    sure: int = Field(SURE, description="How sure it is, 0 to 10.")


class Clearance(Model):
    """A suspicion that is none."""

    id: str = Field(description="Id of the suspicion.")
    reason: str = Field(description="Why the words do not say that.")


class Judgement(Model):
    """The judge's answer on all texts it was given."""

    scores: list[Scores] = Field([], description="One for each text.")
    contradictions: list[Contradiction] = Field(description="Empty if there are none.")
    claims: list[Told] = Field([], description="What the texts assert beyond declared effects.")
    cleared: list[Clearance] = Field([], description="Suspicions that are none.")

    @field_validator("scores", "claims", "cleared", mode="before")
    @classmethod
    def _usable(cls, rows: object, info: ValidationInfo) -> object:
        """What can be used of them: they can only help, so one that is wrong is passed over."""
        kinds: dict[str, type[Model]] = {"scores": Scores, "claims": Told, "cleared": Clearance}
        kind = kinds[str(info.field_name)]
        return [row for row in rows if _fits(row, kind)] if isinstance(rows, list) else []


def _fits(row: object, kind: type[Model]) -> bool:
    try:
        kind.model_validate(row)
    except ValidationError:
        return False
    return True


def worth_asking(verdict: Verdict) -> bool:
    """Whether a judge could still change what the rules found: it cannot outvote them."""
    return verdict.valid or not any(
        issue.severity is Severity.ERROR
        and issue.found_by == "rule"
        and issue.confidence >= CONDEMNS
        for issue in verdict.issues
    )


async def judge(
    cases: Sequence[Case],
    client: Asker,
    purpose: Purpose,
    *,
    suspected: Sequence[Sequence[Issue]] = (),
    earlier: str = "",
    votes: int = 1,
) -> list[Opinion]:
    """Ask about a scene and branches at its end, or about such branches; an opinion for each.

    `suspected` are findings for each case, of which those that were read from the prose may be
    cleared; `earlier` is the text that leads to the scene. Asked `votes` times (1, 3 or 5), the
    facts in another order each time. An answer that cannot be read is asked for again. A judge that
    is down, refused or unreadable is 'unavailable' and raises nothing; a reached spend cap does
    raise (CapReached).
    """
    docket = Docket(cases, suspected, earlier, client.settings)
    ballots: list[Judgement] = []
    why = ""
    for vote in range(votes):
        because = purpose if vote == 0 else replace(purpose, reason="vote")
        prompt = _prompt(docket, vote, client.settings)
        try:
            reply = await ask(client, prompt, because)
            answer = await climb(client, prompt, because, reply, Judgement)
        except CapReached:
            raise
        except LLMError as error:
            why = str(error)
            continue
        ballots.append(answer.value)
    if not ballots:
        return [
            Opinion([], "unavailable", confidence=0.5, facts=docket.ids, why=why[:300])
            for _ in cases
        ]
    return [_count(docket, name, ballots) for name in docket.texts]


@dataclass(frozen=True)
class Docket:
    """What is put to the judge: texts by their ids, and the facts they can contradict."""

    cases: Sequence[Case]
    suspected: Sequence[Sequence[Issue]]
    earlier: str
    settings: Settings

    @cached_property
    def texts(self) -> dict[str, Case]:
        """The cases by id: `scene`, and the branches `a`, `b` ..."""
        found: dict[str, Case] = {}
        for case in self.cases:
            found[SCENE if case.scene else _letter(sum(one != SCENE for one in found))] = case
        return found

    @property
    def scene_case(self) -> Case | None:
        """The case of the scene, if it is judged too."""
        return self.texts.get(SCENE)

    @property
    def branches(self) -> dict[str, Case]:
        """The cases that are branches."""
        return {name: case for name, case in self.texts.items() if name != SCENE}

    @cached_property
    def facts(self) -> list[Statement]:
        """What holds before the first text."""
        return relevant(list(self.texts.values()), self.settings.talewright_embeddings)

    @cached_property
    def changed(self) -> list[Statement]:
        """What the scene made true, when it is judged together with its branches."""
        if self.scene_case is None or not self.branches:
            return []
        after = next(iter(self.branches.values()))
        return [replace(s, id=f"after:{s.id}") for s in changed(self.scene_case, after)]

    @cached_property
    def _old(self) -> set[str]:
        """Ids of facts that do not hold any more where the branches are."""
        if self.scene_case is None or not self.branches:
            return set()
        return superseded(self.scene_case, next(iter(self.branches.values())))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all facts that are given."""
        return tuple(fact.id for fact in (*self.facts, *self.changed))

    @cached_property
    def suspicions(self) -> dict[str, tuple[str, Issue]]:
        """What was read from the prose, by an id, with the id of its text."""
        found = [
            (name, issue)
            for name, issues in zip(self.texts, self.suspected, strict=False)
            for issue in issues
            if issue.found_by == "inferred" and issue.severity > Severity.INFO
        ]
        return {f"s{number}": one for number, one in enumerate(found, 1)}

    def source(self, name: str) -> str:
        """The text of that id, in paragraphs that quotations may not cross."""
        case = self.texts[name]
        if case.branch:
            return f"{case.branch.choice}\n\n{case.branch.consequence}"
        return _scene_text(case)

    def against(self, name: str, fact_id: str) -> Statement | None:
        """What a text is said to contradict; None if it was not given or does not hold there."""
        case, fact_id = self.texts[name], fact_id.strip("[] ")
        if fact_id == name:
            return Statement(name, self.source(name))
        if fact_id == EARLIER and self.earlier:
            return Statement(EARLIER, self.earlier)
        if name == SCENE:
            return next((s for s in self.facts if s.id == fact_id), None)
        if fact_id == SCENE and case.after_scene:
            return Statement(SCENE, _scene_text(case))
        holding = [s for s in self.facts if s.id not in self._old]
        return next((s for s in (*holding, *self.changed) if s.id == fact_id), None)


def _letter(number: int) -> str:
    """`a` to `z`, then `a1` ..."""
    more, at = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[at] + (str(more) if more else "")


def _scene_text(case: Case) -> str:
    """A scene in paragraphs, its lines with their speakers."""
    scene = case.scene or case.after_scene
    if scene is None:
        return ""
    lines = [f"{case.name(line.character_id)}: {line.text}" for line in scene.dialogue]
    return "\n\n".join([scene.title, scene.setting_description, scene.narrative_text, *lines])


def _prompt(docket: Docket, vote: int, settings: Settings) -> Prompt:
    first = docket.cases[0]
    order = list(docket.facts)
    random.Random(vote).shuffle(order)
    scene = first.scene or first.after_scene
    named = mentioned(first.world, "\n".join(docket.source(name) for name in docket.texts))
    named |= appearing(docket.cases)
    variables = {
        "world": first.world,
        "brief": first.brief,
        "ids": [f"{one} = {first.name(one)}" for one in sorted(named)],
        "facts": [_line(fact) for fact in order],
        "earlier": docket.earlier,
        "scene": _scene_text(first) if scene else "",
        "scene_is_judged": docket.scene_case is not None,
        "changed": [_line(fact) for fact in docket.changed],
        "branches": [
            {"id": name, "text": docket.source(name), "effects": _declared(case)}
            for name, case in docket.branches.items()
        ],
        "effects": _declared(docket.scene_case) if docket.scene_case else "",
        "suspicions": [
            f'[{name}] in {text}: {_one_line(issue.message)} Read from: "{_one_line(issue.quote)}"'
            for name, (text, issue) in docket.suspicions.items()
        ],
    }
    return render("judge", variables, seed=vote, schema=Judgement, settings=settings)


def _line(fact: Statement) -> str:
    # On one line each, or a fact could have another one in it.
    return f"[{fact.id}] {_one_line(fact.text)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _declared(case: Case) -> str:
    """The declared effects in a few words: `dies corin; moves mira peak`."""
    rows: list[Mapping[str, Any]] = [e.model_dump(exclude={"quote"}) for e in case.effects]
    return "; ".join(" ".join(str(v) for v in row.values() if v is not None) for row in rows)


def _count(docket: Docket, name: str, ballots: Sequence[Judgement]) -> Opinion:
    """What the votes say about one text, as far as they prove it."""
    source = docket.source(name)
    ungrounded = 0
    groups: list[list[Contradiction]] = []
    told: dict[tuple[str, ...], list[Told]] = defaultdict(list)
    cleared: dict[str, list[str]] = defaultdict(list)
    for ballot in ballots:
        mine = [claim for claim in ballot.contradictions if _is(claim.text, name, docket)]
        good = [c for c in mine if proven(c, source, docket.against(name, c.fact_id), docket)]
        ungrounded += len(mine) - len(good)
        _gather(groups, good)
        for piece in _claims(ballot, name, docket):
            told[(piece.kind, piece.who, piece.whom, piece.what, piece.when)].append(piece)
        for clear in {c.id.strip("[] "): c.reason for c in ballot.cleared if c.reason}.items():
            cleared[clear[0]].append(clear[1])
    shares = [len(claims) / len(ballots) for claims in groups]
    agreement = [max(share, 1 - share) for share in shares]
    return Opinion(
        [
            _issue(claims[0], share, _confidence(claims, len(ballots)))
            for claims, share in zip(groups, shares, strict=True)
        ],
        "asked",
        ungrounded,
        sum(agreement) / len(agreement) if agreement else 1.0,
        docket.ids,
        _scores(ballots, name, docket),
        [
            (pieces[0], min(ALONE, len(pieces) / len(ballots)))
            for pieces in told.values()
            if len(pieces) / len(ballots) > HEARD
        ],
        {
            finding_id(issue): cleared[number][0][:500]
            for number, (text, issue) in docket.suspicions.items()
            if text == name and len(cleared[number]) / len(ballots) > HEARD
        },
    )


def _is(said: str, name: str, docket: Docket) -> bool:
    """Whether a text's id is meant; where there is one text only, it always is."""
    said = said.strip("[] ").casefold()
    return said == name or (len(docket.texts) == 1 and said not in docket.texts)


def proven(claim: Contradiction, source: str, fact: Statement | None, docket: Docket) -> bool:
    """Whether both quotations stand where they are said to and say something: the text's words in
    the text, the other side's in the fact that is cited; and whether they are two."""
    if fact is None or _overlap(
        claim.quote, claim.fact_quote, source, same_text=fact.text == source
    ):
        return False
    if not proves(claim.quote, source):
        return False
    return says(claim.fact_quote, fact, docket)


def _overlap(quote: str, other: str, source: str, *, same_text: bool) -> bool:
    """Whether two quotations are one, or have words in common where they stand in one text."""
    one, two = fold(quote), fold(other)
    if one == two or not same_text:
        return one == two
    text = fold(source)
    first, second = text.find(one), text.find(two)
    apart = first + len(one) <= second or second + len(two) <= first
    return one in two or two in one or not (first < 0 or second < 0 or apart)


def says(quote: str, fact: Statement, docket: Docket) -> bool:
    """Whether words of a fact say what the fact says, and not only whom it is about. "Corin Hale"
    does not say that Corin Hale is dead."""
    if fact.quote and proves(quote, fact.quote):
        return True
    if fact.id in (SCENE, EARLIER, *docket.texts):
        return proves(quote, fact.text)
    if not grounded(quote, fact.text):
        return False
    names = _names(fact, docket.cases[0])
    said, whole = content(quote), content(fact.text)
    others = whole - set().union(*names)
    if others:
        return bool(said & others) and (len(said) > 1 or len(whole) == 1)
    return all(said & some for some in names)


def _names(fact: Statement, case: Case) -> list[set[str]]:
    """The words of the names of whom and what a fact is about."""
    return [content(case.name(one)) for one in fact.about if case.name(one) != one]


def _gather(groups: list[list[Contradiction]], ballot: Sequence[Contradiction]) -> None:
    """Add one vote's contradictions to those of other votes that are about the same thing."""
    before = [list(group) for group in groups]
    for claim in ballot:
        same = next((n for n, group in enumerate(before) if _about_the_same(claim, group)), None)
        if same is None:
            if not any(_about_the_same(claim, group) for group in groups[len(before) :]):
                groups.append([claim])
        elif len(groups[same]) == len(before[same]):
            groups[same].append(claim)


def _about_the_same(claim: Contradiction, group: Sequence[Contradiction]) -> bool:
    return any(
        _overlap(claim.quote, other.quote, "", same_text=True)
        or (claim.fact_id == other.fact_id and content(claim.quote) & content(other.quote))
        for other in group
    )


def _claims(ballot: Judgement, name: str, docket: Docket) -> list[Told]:
    """What one vote read in a text, each thing once, as far as its quotations stand there."""
    case, source = docket.texts[name], docket.source(name)
    found: dict[tuple[str, ...], Told] = {}
    for piece in ballot.claims:
        if _is(piece.text, name, docket) and proves(piece.quote, source):
            known = named_by_id(case, piece)
            if known:
                key = (known.kind, known.who, known.whom, known.what, known.when)
                found.setdefault(key, known)
    return list(found.values())


def _confidence(claims: Sequence[Contradiction], votes: int) -> float:
    """The share of votes, where a vote that is not sure counts less."""
    weight = sum(1.0 if claim.sure >= SURE else max(0, claim.sure) / 10 for claim in claims)
    return min(ALONE, weight) if votes == 1 else weight / votes


def _scores(ballots: Sequence[Judgement], name: str, docket: Docket) -> dict[Category, float]:
    """The mean answers to the four questions about one text, 0 to 1."""
    rows = [s for ballot in ballots for s in ballot.scores if _is(s.text, name, docket)]
    questions: tuple[Category, ...] = ("timeline", "character", "world_rules", "coherence")
    if not rows:
        return {}
    return {
        q: sum(min(10, max(0, getattr(row, q))) for row in rows) / (10 * len(rows))
        for q in questions
    }


def _issue(claim: Contradiction, share: float, confidence: float) -> Issue:
    kind, _, _ = claim.fact_id.strip("[] ").removeprefix("after:").partition(":")
    return Issue(
        check="L2",
        name="the judge objects",
        category=_CATEGORY.get(kind, "coherence"),
        severity=Severity.ERROR if share >= HEARD else Severity.INFO,
        message=(claim.why or "The two quotations cannot both hold.")[:500],
        quote=claim.quote[:500],
        fact=claim.fact_quote[:500],
        source=claim.fact_id.strip("[] "),
        suggested_fix=claim.fix[:500]
        or "Change the words quoted so that they agree with the fact.",
        found_by="judge",
        confidence=confidence,
    )


_CATEGORY: dict[str, Category] = {
    **dict.fromkeys(("clock", "place", "item", "road", "within", "date", "pending", "event",
                     "born", "open"), "timeline"),
    **dict.fromkeys(("life", "trait", "kin", "met", "cast", "knows", "secret", "feels", "promise"),
                    "character"),
    **dict.fromkeys(("rule", "boundary", "fact", "about"), "world_rules"),
}  # fmt: skip
"""What a contradicted statement is about, by how its id begins; the texts are coherence."""
