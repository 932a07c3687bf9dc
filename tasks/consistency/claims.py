"""What a passage claims, as far as it can be read without a model.

A claim has the shape of an effect ('moves', 'gains', 'dies' ...) or says that somebody acts,
speaks, is spoken to or is somewhere. `firm` claims come from a plain subject, verb and object.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tasks.consistency.language import verbs as v
from tasks.consistency.language.clauses import Mode, joined, negated
from tasks.consistency.language.english import words
from tasks.consistency.language.passage import YOU, Clause, Passage
from tasks.consistency.language.tree import Word

ClaimKind = Literal[
    "acts", "speaks", "addressed", "touched", "lives", "is_at", "beside", "enters", "stands",
    "holds", "moves", "gains", "loses", "uses", "dies", "departs", "returns", "meets", "destroys",
    "closes", "opens",
]  # fmt: skip

_INTO = frozenset({"into", "inside", "in", "through", "within", "onto", "aboard"})
_AT = frozenset({"at", "on", "across", "over", "under", "beneath", "down", "up", "along",
                 "back", "out"}) | _INTO  # fmt: skip
_TO = _AT | {"to", "for", "towards", "toward"}
_WITHIN = frozenset({"in", "inside", "within", "through", "aboard"})
_NEAR = frozenset({"beside", "near", "behind", "opposite", "from", "with", "next"})
_UPON = frozenset({"be", "stand", "sit", "kneel", "lie", "wait", "lean"})
_POCKETS = words("words", "pockets")
_ABOUT = frozenset({"about", "around", "round", "over", "upon", "on"})
_HANDS = frozenset({"hand", "finger", "fist", "palm", "glove"})
_STANDING = frozenset({"warm", "full", "open", "busy", "bright", "crowded", "packed", "lit"})
_WRITING = words("words", "writing")
_READING = words("words", "reading")
_PARTS = words("words", "parts")
_RUINED = words("words", "ruined")
_RUINS = words("words", "ruins")
_TO_THE_DEAD = words("words", "to_the_dead")
"""What people also do to the dead, or to an image of them."""
_STAND = words("words", "standing")
_TALK = (v.SPEAK | v.BELIEVE) - {"snap"}
_DEALS = v.ACT | v.GIVE | v.INTERACT
_ME = frozenset({"you", "your", "me", "my", "us", "yours"})
_ALIVE = frozenset({"alive", "here", "back", "awake", "unharmed", "well"})
_NEW = frozenset({"another", "a", "an", "new", "spare", "second", "borrowed", "no", "any", "some",
                  "similar", "one", "other"})  # fmt: skip


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
    word: int = 0
    """Offset of the verb in the text."""

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
    readings = (_Reading(passage, clause, protagonist, start) for clause in passage.clauses)
    return [claim for reading in readings for claim in reading.claims()]


def calls_ruin(passage: Passage, place: str) -> bool:
    """Whether a passage calls a place what is left of it: 'its remains', 'the ruined bridge'."""
    for row in passage.words:
        for word in row:
            if word.ref and word.ref.id == place and _ruin(word):
                return True
            if word.ref is None and word.lemma in _RUINS and word.tag[:1] == "N":
                owner = word.kid("poss")
                of = next((p.kid("pobj") for p in word.kids("prep") if p.low == "of"), None)
                if (owner is not None and owner.low in ("its", "their")) or (
                    owner is None and (of is None or of.low in ("it", "them"))
                ):
                    return True
    return False


def _ruin(place: Word) -> bool:
    """'the ruins of the bridge', 'the burnt bridge', 'the bridge's remains', 'where it stood'."""
    if any(c.lemma in _RUINED or c.low in _RUINED for c in place.kids("amod", "compound", "nmod")):
        return True
    head = place.head
    if place.dep in ("poss", "compound", "nmod") and head.lemma in _RUINS:
        return True
    if place.dep == "pobj" and head.low == "of":
        return head.head.lemma in _RUINS or head.head.low in ("left", "used")
    near = [*head.children, *(w for w in (place.before, place.before and place.before.before) if w)]
    where = any(w.low in ("where", "once") for w in near)
    return place.dep == "nsubj" and where and head.tag in ("VBD", "VBN")


class _Reading:
    """The claims of one clause."""

    def __init__(self, passage: Passage, clause: Clause, protagonist: str, start: int) -> None:
        self.passage = passage
        self.clause = clause
        self.node = clause.node
        self.start = start
        self.lead = protagonist
        self.verb = clause.verb
        self.things = [s for s in self.node.subjects if s.ref and s.ref.kind in ("place", "item")]
        named = {s.ref.id for s in self.things if s.ref}
        self.people = [self._one(s) for s in clause.subjects if s not in named and s[0] != "?"]

    def _one(self, one: str) -> str:
        return self.lead if one == YOU else one

    def claims(self) -> Iterator[Claim]:
        yield from self._of_things()
        if self.clause.passive:
            yield from self._suffered()
            return
        for who in dict.fromkeys(self.people):
            yield from self._of(who)

    def make(self, kind: ClaimKind, who: str, **more: object) -> Claim:
        c = self.clause
        base = self.start + c.sentence.start
        values: dict[str, object] = {"firm": c.firm, "verb": self.verb, **more}
        return Claim(
            kind, who, c.mode, c.sentence.text, base,
            word=base + self.node.verb.at, **values,  # type: ignore[arg-type]
        )  # fmt: skip

    def person(self, noun: Word) -> str:
        """The character a noun is, not whose it is; empty if it is none."""
        one, _ = self.passage.resolve(noun)
        if one == YOU:
            return self.lead
        return one if one in self.passage.names.pronouns else ""

    def around(self) -> Iterator[tuple[str, Word]]:
        """What follows prepositions of the verb: ('into', the hall)."""
        yield from _prepositions(self.node.verb)
        for noun in self.node.objects:
            for prep, inner in _prepositions(noun):
                if prep in ("from", "to", "off", "out", "in", "into", "inside", "at", "on"):
                    yield prep, inner

    def _places(self) -> Iterator[tuple[str, str, Word]]:
        """(preposition, place id, the place's word) of what stands around the verb."""
        for prep, noun in self.around():
            for word, inner in _place_words(noun):
                if word.ref:
                    yield ("in" if inner and prep in _AT else prep), word.ref.id, word
        for noun in self.node.objects:
            if noun.ref and noun.ref.kind == "place":
                yield "", noun.ref.id, noun

    def _of(self, who: str) -> Iterator[Claim]:
        verb = self.verb
        if verb == "be":
            yield from self._is(who)
        elif verb != "have":
            kind: ClaimKind = "speaks" if verb in v.SPEAK else "acts"
            quiet = verb in v.WEAK or verb in v.BELIEVE or verb in v.QUIET or self.clause.left
            dim = self.clause.pronoun and not self._lively()
            touches = any(w.low in _ME for w in self._near_words())
            yield self.make(
                kind, who, sure=not quiet and not dim, whom=self.lead if touches else ""
            )
            yield from self._toward(who)
            yield from self._moving(who)
            if verb in v.DIE:
                yield self.make("dies", who)
            if verb in v.KILL:
                for noun in self.node.objects:
                    if (whom := self.person(noun)) and noun.dep == "dobj":
                        yield self.make("dies", whom, whom=who)
        yield from self._things(who)
        yield from self._located(who)

    def _near_words(self) -> Iterator[Word]:
        for noun in (*self.node.objects, *self.node.receivers):
            yield noun
            yield from noun.kids("poss")
        for _, noun in self.around():
            yield noun
            yield from (inner for prep, inner in _prepositions(noun) if prep == "of")

    def _lively(self) -> bool:
        """Whether only the living do this: they speak, or deal with somebody or something."""
        if self.verb in v.SPEAK:
            return True
        return self.verb in _DEALS and bool(self.node.objects or self.node.receivers)

    def _is(self, who: str) -> Iterator[Claim]:
        said = [*self.node.verb.kids("acomp", "attr", "advmod", "prt", "prep")]
        if any(w.low in _ALIVE and not negated(w) for w in said):
            yield self.make("lives", who)
        for prep, noun in self.around():
            if prep in ("with", "among") and noun.low in ("you", "us", "them"):
                yield self.make("lives", who)
            if prep == "on" and noun.low == "feet":
                yield self.make("acts", who)
        if any(w.low == "dead" for w in said):
            yield self.make("dies", who, sure=False)

    def _toward(self, who: str) -> Iterator[Claim]:
        """Somebody is met, asked, followed: they have to be there and able to answer."""
        for noun in (*self.node.objects, *self.node.receivers):
            whom = self.person(noun)
            if not whom or noun.low in _ME:
                continue
            if self.verb in v.INTERACT:
                yield self.make("addressed", whom, whom=who, sure=self.verb not in _TO_THE_DEAD)
            elif self.verb not in v.NO_CONTACT and who == self.lead:
                yield self.make("touched", whom, whom=who)
            if self.verb == "meet":
                yield self.make("meets", who, whom=whom)
        if self.verb in {"speak", "talk", "whisper", "bargain"}:
            for prep, noun in self.around():
                whom = self.person(noun)
                if whom and prep in ("to", "with"):
                    sure = self.verb not in _TO_THE_DEAD
                    yield self.make("addressed", whom, whom=who, sure=sure)

    def _moving(self, who: str) -> Iterator[Claim]:
        if self.verb in v.CARRYING and any(o.low in ("you", "me", "us") for o in self.node.objects):
            for prep, place, word in self._places():
                if prep in _INTO and not _ruin(word):
                    yield self.make("enters", self.lead, what=place)
        if self.verb not in v.MOVE and self.verb not in {"take", "bring", "carry", "head", "file"}:
            return
        back = any(w.low == "back" for w in self.node.verb.kids("advmod", "prt", "prep"))
        if self.verb == "return" or (self.verb == "come" and back):
            yield self.make("returns", who)
        for prep, place, word in self._places():
            crosses = prep in {"", "up", "over"} and self.verb in {"cross", "climb"}
            enters = (self.verb == "enter" and prep == "") or prep in _INTO or crosses
            reaches = self.verb in {"reach", "leave"} and prep == ""
            if self.verb == "leave" and prep == "":
                continue
            arrives = enters or reaches or prep in _AT - {"up", "down", "out"}
            if arrives and not _ruin(word):
                yield self.make("enters", who, what=place, sure=enters)
            if (prep in _TO and prep) or reaches or enters or crosses:
                yield self.make("moves", who, what=place)

    def _located(self, who: str) -> Iterator[Claim]:
        """Whatever they do, they do it somewhere."""
        if self.verb in v.MOVE or self.verb in v.SPEAK or self.verb in v.BELIEVE:
            return
        for prep, place, word in self._places():
            if _ruin(word) or word.owns:
                continue
            if prep in _WITHIN or (prep == "across" and word.at < self.node.verb.at):
                yield self.make("is_at", who, what=place, sure=self.verb != "be")
            elif prep in {"on", "at", "atop", "by"} and self.verb in _UPON:
                yield self.make("is_at", who, what=place, sure=False)
        for prep, noun in self.around():
            whom = self.person(noun)
            if whom and whom != who and prep in _NEAR and self.verb != "have":
                yield self.make("beside", who, whom=whom)

    def _things(self, who: str) -> Iterator[Claim]:
        verb = self.verb
        around = list(self.around())
        givers = [p for prep, n in around if prep in ("from", "off") and (p := self.person(n))]
        pocketed = any(
            n.lemma in _POCKETS and any(c.low in _OWN for c in n.children)
            for prep, n in around if prep in ("from", "in", "out", "of")
        )  # fmt: skip
        for noun in self.node.objects:
            if noun.ref is None or _another(noun):
                continue
            one = noun.ref.id
            if noun.ref.kind == "place":
                yield from self._to_place(who, one)
            if noun.ref.kind != "item" or noun.owns or verb in _TALK:
                continue
            sure = (verb, noun.low) not in _IDIOMS
            if verb in v.GIVE and (whom := self._receiver(around)):
                yield self.make("loses", who, what=one, whom=whom, sure=sure)
                yield self.make("gains", whom, what=one, whom=who, sure=sure)
            elif verb in v.DROP:
                yield self.make(
                    "loses", who, what=one, sure=sure and verb not in {"leave", "forget"}
                )
            elif verb in v.GAIN and not pocketed:
                yield self.make("gains", who, what=one, whom=givers[0] if givers else "", sure=sure)
            elif verb == "have":
                yield self.make("holds", who, what=one, sure=sure)
            else:
                handled = verb not in v.NO_CONTACT or pocketed or verb in v.USE
                yield self.make("uses", who, what=one, sure=sure and handled)
            if verb in v.RUIN:
                yield self.make("destroys", who, what=one, sure=sure)
        for prep, noun in around:
            by = (
                prep == "with"
                or (prep == "on" and verb in _WRITING)
                or (prep in ("in", "from", "through") and verb in _READING)
            )
            if by and noun.ref and noun.ref.kind == "item" and not noun.owns and not _another(noun):
                yield self.make("uses", who, what=noun.ref.id)

    def _to_place(self, who: str, place: str) -> Iterator[Claim]:
        if self.verb in v.RUIN:
            yield self.make("destroys", who, what=place)
        elif self.verb in v.SHUT:
            yield self.make("closes", who, what=place, sure=self.verb == "seal")
        elif self.verb in v.UNSHUT:
            yield self.make("opens", who, what=place)

    def _receiver(self, around: list[tuple[str, Word]]) -> str:
        """Who is given something: 'hands you the lamp', 'hands the lamp to Mira'."""
        for noun in self.node.receivers:
            if whom := self.person(noun):
                return whom
        return next((p for prep, n in around if prep == "to" and (p := self.person(n))), "")

    def _of_things(self) -> Iterator[Claim]:
        for noun in self.things:
            if noun.ref is None or noun.owns:
                continue
            what = noun.ref.id
            if self.verb in v.RUIN or (self.verb in {"fall", "sink"} and noun.ref.kind == "place"):
                yield self.make(
                    "destroys", "", what=what, sure=noun.ref.whole and self.verb in v.RUIN
                )
            elif (self.verb in _STAND and not self.clause.passive) or (
                self.verb == "be" and any(c.low in _STANDING for c in self.node.verb.kids("acomp"))
            ):
                yield self.make("stands", "", what=what, sure=False)
            elif self.verb in v.SHUT and self.clause.passive:
                yield self.make("closes", "", what=what, sure=False)
            elif self.verb in v.UNSHUT:
                yield self.make("opens", "", what=what, sure=False)
            for prep, inner in self.around():
                mine = any(c.low in ("your", "my") for c in inner.children)
                if prep in ("in", "on", "around", "at") and mine and inner.lemma in _POCKETS:
                    yield self.make("holds", self.lead, what=what)

    def _suffered(self) -> Iterator[Claim]:
        for who in self.people:
            if self.verb in v.KILL:
                yield self.make("dies", who)
        for agent in self.clause.agents:
            who = self._one(agent)
            if who not in self.passage.names.pronouns:
                continue
            kind: ClaimKind = "speaks" if self.verb in v.SPEAK else "acts"
            quiet = self.verb in v.WEAK or self.verb in v.BELIEVE or self.verb in v.QUIET
            touches = self.lead in self.people
            yield self.make(kind, who, sure=not quiet and self.verb not in _LASTING,
                            whom=self.lead if touches else "")  # fmt: skip


_IDIOMS = frozenset({("turn", "key"), ("turn", "page"), ("hold", "line")})
"""What need not be about the thing: the key of the lock at hand."""
_OWN = frozenset({"your", "his", "her", "their", "my", "own"})
_LASTING = v.LEGACY | {"haunt", "surround", "inspire", "know", "love", "sign", "design", "bless"}


_ADVERBIAL = ("prep", "prt", "advmod", "dative", "acomp", "npadvmod")


def _prepositions(word: Word) -> Iterator[tuple[str, Word]]:
    for child in word.children:
        if child.dep in _ADVERBIAL and child.ref is None:
            for noun in child.kids("pobj"):
                for one in joined([noun]):
                    yield child.low, one
            if child.dep != "acomp" or child.tag in ("IN", "RB", "RP", "JJ"):
                yield from _prepositions(child)


def _place_words(noun: Word) -> Iterator[tuple[Word, bool]]:
    """The places a noun names, and whether it names a part of one: 'the middle of the bridge'."""
    if noun.ref and noun.ref.kind == "place":
        yield noun, False
        return
    if noun.ref:
        return
    for child in noun.kids("compound", "nmod"):
        if child.ref and child.ref.kind == "place" and noun.lemma not in _OUTSIDE:
            yield child, False
    for prep in noun.kids("prep"):
        inner = prep.kid("pobj")
        if inner is not None and inner.ref and inner.ref.kind == "place":
            ruined = any(c.low in _RUINED for c in noun.kids("amod"))
            if prep.low == "of" and noun.lemma not in _OUTSIDE | _RUINS and not ruined:
                yield inner, noun.lemma in _PARTS
            elif prep.low in ("in", "inside", "at", "on"):
                yield inner, prep.low in _WITHIN


_OUTSIDE = frozenset({"door", "gate", "wall", "window", "road", "key", "picture", "map", "view",
                      "sight", "outside", "front", "direction", "plan", "model"})  # fmt: skip


def _another(noun: Word) -> bool:
    """'another lamp', 'a new lamp': not the one the world knows."""
    return any(c.low in _NEW for c in noun.children)
