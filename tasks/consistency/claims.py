"""What a passage claims, as far as it can be read without a model.

A claim has the shape of an effect ('moves', 'gains', 'dies' ...) or says that somebody acts,
speaks, is spoken to or is somewhere. `firm` claims come from a plain subject, verb and object.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tasks.consistency.language import verbs as v
from tasks.consistency.language.english import pattern, words
from tasks.consistency.language.modes import Mode
from tasks.consistency.language.reader import YOU, Clause, Passage, Word

ClaimKind = Literal[
    "acts", "speaks", "addressed", "touched", "lives", "is_at", "enters", "stands", "holds",
    "moves", "gains", "loses", "uses", "dies", "departs", "returns", "meets", "destroys",
    "closes", "opens",
]  # fmt: skip

_INTO = frozenset({"into", "inside", "in", "through", "within", "onto", "aboard"})
_AT = frozenset({"at", "in", "inside", "on", "across", "through", "into", "onto", "within", "over",
                 "aboard", "under", "beneath", "down", "up", "along"})  # fmt: skip
_TO = _AT | {"to", "back"}
_BEFORE_NAMES = _TO | words("words", "links")
_FROM_POCKET = words("words", "pockets")
_STAND = words("words", "standing")


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing the prose says."""

    kind: ClaimKind
    who: str
    mode: Mode
    quote: str
    at: int
    """Offset of the sentence in the text."""
    firm: bool = True
    what: str = ""
    """Item or place."""
    whom: str = ""
    verb: str = ""
    sure: bool = True
    """Within the words of the verb: a 'weak' verb, such as 'lies', is not evidence by itself."""

    @property
    def asserted(self) -> bool:
        """Whether it can contradict anything."""
        return self.mode == "asserted"

    @property
    def strong(self) -> bool:
        """Whether it can condemn: asserted, plainly read, of an unmistakable verb."""
        return self.asserted and self.firm and self.sure


def claims(passage: Passage, protagonist: str, start: int = 0) -> list[Claim]:
    """Every claim of a passage that begins at an offset, in order; 'you' and 'I' are the
    protagonist."""
    readings = (_Reading(clause, protagonist, start) for clause in passage.clauses)
    return [claim for reading in readings for claim in reading.claims()]


class _Reading:
    """The claims of one clause."""

    def __init__(self, clause: Clause, protagonist: str, start: int) -> None:
        self.clause = clause
        self.start = start
        self.lead = protagonist
        people = (protagonist if s == YOU else s for s in clause.subjects)
        self.people = list(dict.fromkeys(people))
        self.verb = clause.verb
        self.tail = clause.tail
        self.named = any(w.ref for w in self.tail)
        self.near = self._object() if self.named else None

    def claims(self) -> Iterator[Claim]:
        if self.clause.thing:
            yield from self._of_thing()
            return
        if self.clause.passive:
            yield from self._suffered()
            return
        for who in self.people:
            yield from self._of(who)

    def make(self, kind: ClaimKind, who: str, **more: object) -> Claim:
        c = self.clause
        return Claim(
            kind,
            who,
            c.mode,
            c.sentence.text,
            self.start + c.sentence.start,
            c.firm,
            verb=self.verb,
            **more,  # type: ignore[arg-type]
        )

    def _object(self) -> Word | None:
        """The first name after the verb, if nothing separates them."""
        for n, word in enumerate(self.tail[:7]):
            if word.ref:
                return word
            if word.low in {",", ";", ".", ":", "and", "but", '"', "that"} and n:
                return None
        return None

    def refs(self, kind: str) -> Iterator[tuple[str, Word, str]]:
        """Named things after the verb: (preposition before it, the word, the word after)."""
        if not self.named:
            return
        before = ""
        for n, word in enumerate(self.tail):
            if word.ref and word.ref.kind == kind:
                after = self.tail[n + 1].low if n + 1 < len(self.tail) else ""
                yield before, word, after
            if word.low in _BEFORE_NAMES:
                before = word.low
            elif word.low in {",", "and", ";"} or word.ref:
                before = ""

    def _of(self, who: str) -> Iterator[Claim]:
        verb = self.verb
        if verb in ("be", "have"):
            yield from self._is(who)
        else:
            kind: ClaimKind = "speaks" if verb in v.SPEAK else "acts"
            quiet = verb in v.WEAK or verb in v.BELIEVE or verb in v.QUIET
            touches = any(w.low in _ME for w in self.tail[:4])
            yield self.make(kind, who, sure=not quiet, whom=self.lead if touches else "")
            yield from self._toward(who)
            yield from self._moving(who)
            if verb in v.DIE:
                yield self.make("dies", who)
            if verb in v.KILL and self.near and self._direct(self.near):
                yield self.make("dies", self._id(self.near), whom=who)
        yield from self._things(who)
        yield from self._located(who)

    def _id(self, word: Word) -> str:
        return word.ref.id if word.ref else ""

    def _direct(self, word: Word) -> bool:
        """Whether a character is the object itself: no preposition, no possessive."""
        if not word.ref or word.ref.kind != "character" or word.owns:
            return False
        before = [w.low for w in self.tail[: self.tail.index(word)]]
        return all(w in {"the", "old", "poor", "dear", "young"} for w in before)

    def _is(self, who: str) -> Iterator[Claim]:
        lows = [w.low for w in self.tail[:5]]
        if self.verb == "have" or not lows:
            return
        first, second = [*(w for w in lows if w not in _DEGREES), "", ""][:2]
        if first in {"alive", "here", "back", "waiting", "awake", "unharmed", "well", "beside"}:
            yield self.make("lives", who)
        if first in {"with", "among"} and second in {"you", "us", "them"}:
            yield self.make("lives", who)
        if first == "dead" or (first in {"gone"} and len(lows) == 1):
            yield self.make("dies", who, sure=False)

    def _toward(self, who: str) -> Iterator[Claim]:
        """Somebody is met, asked, followed: they have to be there and able to answer."""
        for before, word, after in self.refs("character"):
            if word.owns or after in {"'s"}:
                continue
            direct = self._direct(word) and self.verb in v.INTERACT
            talk = before in {"to", "with"} and self.verb in {"speak", "talk", "whisper", "bargain"}
            if direct or talk:
                yield self.make(
                    "addressed", self._id(word), whom=who, sure=self.verb not in _TO_THE_DEAD
                )
            elif self._direct(word) and self.verb not in v.NO_CONTACT and who == self.lead:
                yield self.make("touched", self._id(word), whom=who)
            if self.verb == "meet" and direct:
                yield self.make("meets", who, whom=self._id(word))

    def _moving(self, who: str) -> Iterator[Claim]:
        taken = self.tail and self.tail[0].low in {"you", "me", "us"}
        if self.verb in v.CARRYING and taken:
            for before, word, after in self.refs("place"):
                if before in _INTO and not self._ruined(word, after):
                    yield self.make("enters", self.lead, what=self._id(word))
        if self.verb not in v.MOVE and self.verb not in {"take", "bring", "carry", "head"}:
            return
        if self.verb in {"return"} or (self.verb == "come" and self._has("back")):
            yield self.make("returns", who)
        for before, word, after in self.refs("place"):
            before = self._within(word) or before
            enters = self.verb == "enter" or before in _INTO
            through = self.verb in {"cross", "climb"} and before in {"", "up", "over"}
            arrives = enters or through or before in _AT - {"up", "down"} or self.verb == "reach"
            if arrives and before not in _AWAY and not self._ruined(word, after):
                yield self.make("enters", who, what=self._id(word), sure=enters or through)
            if before in _TO or self.verb in {"reach", "enter", "cross", "climb"}:
                yield self.make("moves", who, what=self._id(word))

    def _within(self, place: Word) -> str:
        """'in the middle of the bridge' is on it."""
        at = self.tail.index(place)
        lows = [w.low for w in self.tail[max(0, at - 5) : at]]
        return "in" if "of" in lows and _PARTS & set(lows) else ""

    def _has(self, low: str) -> bool:
        return any(w.low == low for w in self.tail[:3])

    def _located(self, who: str) -> Iterator[Claim]:
        """Whatever they do, they do it somewhere."""
        if self.verb in v.MOVE or self.verb in v.SPEAK or self.verb in v.BELIEVE:
            return
        fronted = self._fronted()
        if fronted and not self._ruined(fronted, ""):
            yield self.make("is_at", who, what=self._id(fronted))
        for before, word, after in self.refs("place"):
            before = self._within(word) or before
            inside = before in {"in", "inside", "within", "through", "aboard"}
            if inside and not self._ruined(word, after):
                yield self.make("is_at", who, what=self._id(word), sure=self.verb != "be")
            elif before in {"on", "atop"} and self.verb in _UPON and not self._ruined(word, after):
                yield self.make("is_at", who, what=self._id(word), sure=False)

    def _fronted(self) -> Word | None:
        """'Halfway across the bridge you stop': the place before the subject."""
        about = self.clause.about
        for n, word in enumerate(about):
            if word.ref and word.ref.kind == "place" and not word.owns:
                lows = [w.low for w in about[max(0, n - 4) : n]]
                if {"across", "inside", "in", "within"} & set(lows) and n <= 6:
                    return word
        return None

    def _ruined(self, word: Word, after: str) -> bool:
        return (
            word.owns
            or after in {"ruins", "ruin", "site", "rubble", "remains"}
            or bool(pattern("ruined").search(self.clause.sentence.plain))
        )

    def _things(self, who: str) -> Iterator[Claim]:
        verb = self.verb
        givers = [self._id(w) for p, w, _ in self.refs("character") if p in {"from", "off"}]
        first = True
        for before, word, _ in self.refs("item"):
            item = self._id(word)
            if word.owns or _another(self.tail, word):
                continue
            pocketed = self._out_of_pocket(word)
            direct = first and before == "" and self._reaches(word) and verb not in _TALK
            first = False
            if direct and verb in v.GIVE and self._receiver(word):
                yield self.make("loses", who, what=item, whom=self._receiver(word))
                yield self.make("gains", self._receiver(word), what=item, whom=who)
            elif direct and verb in v.DROP:
                yield self.make("loses", who, what=item, sure=verb not in {"leave", "forget"})
            elif direct and verb in v.GAIN and not pocketed:
                yield self.make("gains", who, what=item, whom=givers[0] if givers else "")
            elif direct and verb == "have":
                yield self.make("holds", who, what=item)
            elif before in {"in", "from", "through"} and verb in _READING:
                yield self.make("uses", who, what=item)
            elif direct or before == "with":
                handled = verb not in v.NO_CONTACT or pocketed or verb in v.USE or before == "with"
                yield self.make("uses", who, what=item, sure=handled)
            if direct and verb in v.RUIN:
                yield self.make("destroys", who, what=item)
        for before, word, _ in self.refs("place"):
            if before == "" and not word.owns:
                if verb in v.RUIN:
                    yield self.make("destroys", who, what=self._id(word))
                elif verb in v.SHUT:
                    yield self.make("closes", who, what=self._id(word), sure=verb == "seal")
                elif verb in v.UNSHUT:
                    yield self.make("opens", who, what=self._id(word))

    def _reaches(self, word: Word) -> bool:
        """Whether nothing stands between the verb and its object."""
        return not any(w.low in _BARRIERS for w in self.tail[: self.tail.index(word)])

    def _receiver(self, item: Word) -> str:
        """Who is given the item: 'hands you the lamp', 'hands the lamp to Mira'."""
        for n, word in enumerate(self.tail):
            if word.low == "you" or (word.low in {"me", "us"} and not word.ref):
                return self.lead
            person = word.ref is not None and word.ref.kind == "character" and not word.owns
            if person and (n == 0 or self.tail[n - 1].low == "to"):
                return self._id(word)
        return ""

    def _out_of_pocket(self, item: Word) -> bool:
        """'takes the lamp from her pocket': it was in the taker's own hands before."""
        at = self.tail.index(item)
        rest = [w.low for w in self.tail[at + 1 : at + 6]]
        return any(w in {"from", "in", "out"} for w in rest) and any(
            own in rest for own in ("your", "his", "her", "their", "my")
        ) and any(w in _FROM_POCKET for w in rest)  # fmt: skip

    def _of_thing(self) -> Iterator[Claim]:
        for what in self.clause.subjects:
            if self.verb in v.RUIN or (self.verb in {"fall", "sink"} and self.clause.passive):
                yield self.make("destroys", "", what=what)
            elif self.verb in _STAND and not self.clause.passive:
                yield self.make("stands", "", what=what, sure=False)
            elif self.verb in v.SHUT and self.clause.passive:
                yield self.make("closes", "", what=what, sure=False)
            elif self.verb in v.UNSHUT:
                yield self.make("opens", "", what=what, sure=False)
            if any(w.low in {"your", "my"} for w in self.tail[:6]) and any(
                w.low in _FROM_POCKET for w in self.tail[:7]
            ):
                yield self.make("holds", self.lead, what=what)

    def _suffered(self) -> Iterator[Claim]:
        for who in self.people:
            if self.verb in v.KILL:
                yield self.make("dies", who)


def _another(tail: tuple[Word, ...], word: Word) -> bool:
    """'another lamp', 'a new lamp': not the one the world knows."""
    at = tail.index(word)
    return any(w.low in {"another", "a", "an", "new", "spare", "second", "borrowed", "no", "any",
                         "some", "similar", "one"} for w in tail[max(0, at - 2) : at])  # fmt: skip


_DEGREES = frozenset({"very", "still", "quite", "now"})
_TALK = (v.SPEAK | v.BELIEVE) - {"snap"}
_BARRIERS = frozenset({"that", "how", "where", "whether", "what", ",", ";", ":", "but"})
_AWAY = frozenset({"from", "off", "past", "near"})
_ME = frozenset({"you", "your", "me", "my", "us", "yours"})
_UPON = frozenset({"be", "stand", "sit", "kneel", "lie", "wait"})
_READING = words("words", "reading")
_PARTS = words("words", "parts")
_TO_THE_DEAD = words("words", "to_the_dead")
"""What people also do to the dead, or to an image of them."""

_KNOWN = (
    frozenset(
        verb
        for group in (v.ACT, v.SPEAK, v.MOVE, v.GIVE, v.GAIN, v.INTERACT, v.DROP, v.USE)
        for verb in group
    )
    | v.WEAK
)
