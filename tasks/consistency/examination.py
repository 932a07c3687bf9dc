"""One scene or branch under examination, with everything the checks look at."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from tasks.consistency.claims import Claim, claims
from tasks.consistency.language.clauses import Mode
from tasks.consistency.language.durations import Span, span
from tasks.consistency.language.english import pattern
from tasks.consistency.language.parser import parse_ahead
from tasks.consistency.language.passage import Passage, known, read, to_parse
from tasks.consistency.world_index import Atlas, atlas
from tasks.core.cache_by_identity import cache_by_identity
from tasks.story.brief import Brief
from tasks.story.effects import Effect
from tasks.story.scene import BranchDraft, DialogueLine, SceneText
from tasks.story.state import Evidence, PathState, Whereabouts
from tasks.story.verdict import Category, Issue, Severity
from tasks.story.world import World


@dataclass(frozen=True, slots=True)
class Step:
    """A declared effect, with the state it met and where its quote stands in the text."""

    state: PathState
    effect: Effect
    at: int
    """Offset of the quote; -1 if the text does not contain it."""
    mode: Mode


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, before it becomes an issue."""

    message: str
    quote: str = ""
    fact: str = ""
    source: str = "world"
    fix: str = ""
    severity: Severity | None = None
    found_by: Literal["rule", "inferred"] = "rule"
    confidence: float = 1.0
    key: str = ""
    """Two findings of one check with the same key and severity are the same."""


@dataclass(frozen=True)
class Case:
    """A text to check: a scene, or a branch at the end of one."""

    world: World
    brief: Brief | None
    before: PathState
    text: str
    effects: Sequence[Effect]
    scene: SceneText | None = None
    branch: BranchDraft | None = None
    after_scene: SceneText | None = None
    """The scene a branch stands at the end of."""
    siblings: Sequence[BranchDraft] = ()
    parts: Sequence[tuple[str, bool]] = ()
    """The text in pieces; True for a choice, whose verbs are the player's."""
    speech: Sequence[DialogueLine] = ()

    @cached_property
    def atlas(self) -> Atlas:
        """The world, ready to be looked up."""
        return atlas(self.world)

    @property
    def lead(self) -> str:
        """The protagonist's id."""
        return self.before.protagonist

    @cached_property
    def passages(self) -> list[Passage]:
        """The text, read; nothing in a language the reader does not know."""
        if not known(self.world.language):
            return []
        texts, orders = zip(*self.parts, strict=True) if self.parts else ((), ())
        names, tense = self.atlas.names, ""
        if self.after_scene:
            tense = read((self.after_scene.narrative_text,), names, self.lead, (False,))[-1].tense
        return list(read(texts, names, self.lead, orders, tense))

    @property
    def clauses_read(self) -> tuple[int, int]:
        """In how many clauses of the prose it is known who acts, and how many there are."""
        clauses = [clause for passage in self.passages for clause in passage.clauses]
        return sum(clause.understood for clause in clauses), len(clauses)

    @cached_property
    def claims(self) -> list[Claim]:
        """What the prose says, in order."""
        read = zip(self._starts, self.passages, strict=False)
        return [claim for at, passage in read for claim in claims(passage, self.lead, at)]

    @cached_property
    def steps(self) -> list[Step]:
        """The declared effects, each with the state it met."""
        found = []
        state = self.before
        for effect in self.effects:
            at = locate(effect.quote, self.text)
            found.append(Step(state, effect, at, self.mode_at(at, at + len(effect.quote))))
            state = state.after([effect])
        return found

    @cached_property
    def as_told(self) -> "Case":
        """The same with its effects in the order of the text, if that is another one: they are
        listed as they come to mind."""
        told: list[tuple[int, bool]] = []
        for step in self.steps:
            # Without a quote in the text an effect stays behind the one listed before it.
            at = step.at if step.at >= 0 or not told else told[-1][0]
            told.append((at, step.effect.kind not in _OPENS_THE_WAY))
        order = sorted(range(len(told)), key=told.__getitem__)
        if order == list(range(len(told))):
            return self
        return replace(self, effects=[self.effects[n] for n in order])

    @cached_property
    def after(self) -> PathState:
        """The state once the declared effects have happened."""
        last = self.steps[-1] if self.steps else None
        return last.state.after([last.effect]) if last else self.before

    @cached_property
    def span(self) -> Span:
        """How much time the prose says goes by."""
        return span(self.text)

    @cached_property
    def declared_minutes(self) -> int | None:
        """Minutes the declared effects let go by; None if they say nothing."""
        steps = [e.minutes for e in self.effects if e.kind == "time_passes"]
        return sum(steps) if steps else None

    def grave(self, at: int) -> bool:
        """Whether the text deals with a body or a grave about an offset."""
        return pattern("grave").search(self._about(at)) is not None

    def remote(self, at: int) -> bool:
        """Whether somebody may be heard without being there about an offset: a letter, a
        telephone."""
        return pattern("remote").search(self._about(at)) is not None

    def _about(self, at: int) -> str:
        """The sentence at an offset with the one before it; what is nowhere, everywhere."""
        before = ""
        for start, passage in zip(self._starts, self.passages, strict=False):
            for sentence in passage.sentences:
                first = start + sentence.start
                if first <= at < first + len(sentence.text):
                    return f"{before} {sentence.text}"
                before = sentence.text
        return self.text

    @cached_property
    def framed(self) -> bool:
        """Whether the text is a dream, a memory or a tale, or ends in one."""
        told = [c.mode in ("dreamt", "past", "depicted") for p in self.passages for c in p.clauses]
        if any(p.frame for p in self.passages):
            return True
        return any(told) and sum(told) * 2 >= len(told)

    @cached_property
    def _starts(self) -> list[int]:
        """Offsets of the parts in the text."""
        found: list[int] = []
        offset = 0
        for text, _ in self.parts:
            found.append(self.text.find(text, offset))
            offset = found[-1] + len(text)
        return found

    def mode_at(self, start: int, end: int) -> Mode:
        """The mode of the clause that the words from one offset to another tell."""
        for base, passage in zip(self._starts, self.passages, strict=False):
            last = passage.sentences[-1] if passage.sentences else None
            if last and base <= start < base + last.start + len(last.text):
                return passage.mode_at(start - base, end - base)
        return "asserted"

    @cached_property
    def _seats(self) -> frozenset[str]:
        """Who a scene shows at its place and moves nowhere."""
        moved = {e.who for e in self.effects if e.kind in ("moves", "returns", "departs")}
        known = self.scene is not None and self.scene.place in self.before.places
        return frozenset(self.scene.present) - moved if self.scene and known else frozenset()

    def place_of(self, state: PathState, who: str) -> str | None:
        """Where somebody acts: where the scene is that shows them, or where they were last."""
        return self.scene.place if self.scene and who in self._seats else state.place_of(who)

    def name(self, one: str) -> str:
        """The name the prose uses for an id."""
        return self.atlas.name(one)

    def declares(self, *kinds: str, **fields: str) -> bool:
        """Whether an effect of one of these kinds with these fields is declared."""
        return any(
            e.kind in kinds and all(getattr(e, f, None) == v for f, v in fields.items())
            for e in self.effects
        )

    def mentions(self, who: str) -> bool:
        """Whether the prose names somebody."""
        return any(w.ref and w.ref.id == who for p in self.passages for row in p.words for w in row)


_OPENS_THE_WAY = frozenset({"opens", "returns", "gains", "promises"})
"""What rests on the same words as what it makes possible comes first."""


def sentence(text: str) -> str:
    """Text that may begin with a name as a sentence: 'The archive is closed.'"""
    return text[:1].upper() + text[1:]


def field_of(effect: Effect, *names: str) -> str:
    """The first of these fields that an effect has, or nothing. (`getattr` with a default is slow
    on pydantic models.)"""
    values = vars(effect)
    return next((values[name] for name in names if values.get(name)), "")


def locate(quote: str, text: str) -> int:
    """Offset of a quote in a text, quote marks, case and spaces aside; -1 if it is not there."""
    at = text.find(quote) if quote else -1
    if at >= 0 or not quote.strip():
        return at
    pattern = r"\s+".join(re.escape(word) for word in _fold(quote).split())
    match = re.search(pattern, _fold(text), re.IGNORECASE)
    return match.start() if match else -1


_MARKS = str.maketrans("\u2019\u2018“”\u2013—\u00a0", "''\"\"-- ")


def _fold(text: str) -> str:
    """Quote marks and dashes made plain, one for one, so that offsets stay."""
    return text.translate(_MARKS)


def of_scene(world: World, brief: Brief | None, state: PathState, scene: SceneText) -> Case:
    """A scene to check against the state before it."""
    prose = (scene.setting_description, scene.narrative_text)
    text = "\n".join([scene.title, *prose, *(line.text for line in scene.dialogue)])
    return Case(
        world,
        brief,
        state,
        text,
        scene.effects,
        scene=scene,
        parts=[(part, False) for part in prose],
        speech=scene.dialogue,
    )


def of_branch(
    world: World,
    brief: Brief | None,
    state: PathState,
    scene: SceneText | None,
    branch: BranchDraft,
    siblings: Sequence[BranchDraft] = (),
) -> Case:
    """A branch to check against the state after its scene."""
    return Case(
        world,
        brief,
        _seated(state, scene) if scene else state,
        f"{branch.choice}\n{branch.consequence}",
        branch.effects,
        branch=branch,
        after_scene=scene,
        siblings=siblings,
        parts=[(branch.choice, True), (branch.consequence, False)],
    )


async def read_ahead(world: World, *texts: SceneText | BranchDraft) -> None:
    """Read scenes and branches in the worker process, so that checking them need not wait."""
    if not known(world.language):
        return
    given: list[str] = []
    for text in texts:
        if isinstance(text, SceneText):
            prose = [text.setting_description, text.narrative_text]
        else:
            prose = [text.choice, text.consequence]
        given += to_parse(prose, atlas(world).names)
    await parse_ahead(given)


@cache_by_identity(32)
def _seated(state: PathState, scene: SceneText) -> PathState:
    """Everybody the scene shows is where it happens, now, unless it moved them. Made once for all
    branches of a scene."""
    moved = {e.who for e in scene.effects if e.kind in ("moves", "returns", "departs")}
    now = Evidence.model_construct(source="scene", quote=scene.setting_description, at=state.clock)
    seats = dict(state.whereabouts)
    for who in scene.present:
        if who in seats and state.status(who) == "alive" and scene.place in state.places:
            place = state.place_of(who) if who in moved else scene.place
            seats[who] = Whereabouts.model_construct(place=place, since=now)
    return state.model_copy(update={"whereabouts": seats})


@dataclass(frozen=True)
class Check:
    """One check, with what it is about in the docs."""

    id: str
    name: str
    category: Category
    severity: Severity
    find: Callable[[Case], Iterator[Finding]]
    example: str
    counter_example: str
    eligible: Callable[[Case], bool] = field(default=lambda case: True)

    def issues(self, case: Case) -> Iterator[Issue]:
        """What it finds in a case, each thing once: what is wrong in the order of the list and in
        that of the text."""
        seen: set[tuple[str, Severity | None]] = set()
        told = case.as_told
        wrong = None if told is case else {_same(found) for found in self.find(told)}
        for found in self.find(case):
            if _same(found) in seen or (wrong is not None and _same(found) not in wrong):
                continue
            seen.add(_same(found))
            yield Issue(
                check=self.id,
                name=self.name,
                category=self.category,
                severity=found.severity or self.severity,
                message=sentence(found.message),
                quote=found.quote[:500],
                fact=found.fact,
                source=found.source,
                suggested_fix=found.fix,
                found_by=found.found_by,
                confidence=found.confidence,
                key=found.key,
            )


def _same(found: Finding) -> tuple[str, Severity | None]:
    return found.key or found.message, found.severity
