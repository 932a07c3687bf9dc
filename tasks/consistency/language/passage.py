"""A text, read: its sentences as words, and its clauses with who acts in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from tasks.consistency.language import clauses as tree
from tasks.consistency.language.clauses import Mode
from tasks.consistency.language.english import pattern
from tasks.consistency.language.english import words as english
from tasks.consistency.language.names import Mention, Names
from tasks.consistency.language.parser import parse
from tasks.consistency.language.tokens import Sentence, sentences
from tasks.consistency.language.tree import Word, Written, words, written
from tasks.consistency.language.verbs import LEGACY, SPEAK, WORKS

YOU = "*you*"
"""Stands for the protagonist where the prose says 'you', 'I' or 'we'."""
_YOU = frozenset({"you", "i", "we", "me", "us", "yourself", "myself", "ourselves", "your", "my",
                  "our"})  # fmt: skip
_PRONOUNS = {"he": "*he*", "him": "*he*", "himself": "*he*", "his": "*he*", "she": "*she*",
             "her": "*she*", "herself": "*she*", "hers": "*she*"}  # fmt: skip
_SOMEBODY = "*somebody*"
"""A person of the text whom the world does not have: 'the sailor'."""
_PARTS = english("words", "body_parts")
_FIGURES = english("words", "figures")
_PERSONS = english("words", "persons")
_PERSON_ENDS = ("man", "woman", "boy", "girl", "ist", "eer", "ess")
_NAMES_TOO = english("words", "names_too")
_DREAM_VERBS = english("frames", "dream_verbs")
_REMEMBER = english("frames", "remember_verbs")
_MEMORY = 3
"""Sentences a pronoun looks back."""


@dataclass(slots=True, eq=False)
class Clause:
    """Somebody or something does something."""

    subjects: tuple[str, ...]
    verb: str
    mode: Mode
    sentence: Sentence
    node: tree.Clause
    firm: bool = True
    """Its subject is named, 'you', or the only one a pronoun can mean."""
    pronoun: bool = False
    left: bool = False
    """It may tell what people leave behind: 'Corin built this stair.'"""
    agents: tuple[str, ...] = ()

    @property
    def understood(self) -> bool:
        """Whether it is known whose doing it is."""
        if self.subjects or self.agents:
            return True
        return bool(self.node.subjects) and not self.pronoun

    @property
    def speaks(self) -> bool:
        """Whether it tells who speaks the sentence's direct speech."""
        return bool(self.sentence.speech) and self.verb in SPEAK and self.node.main

    @property
    def passive(self) -> bool:
        """Whether its subject suffers it."""
        return self.node.passive


class _Part(NamedTuple):
    sentence: Sentence
    words: list[Word]


class Passage:
    """One text, read. `before` is the text it follows, whose people and whose dream, memory or
    tale go on in it; `orders`: it is a choice, whose verbs without subject are the player's."""

    def __init__(
        self, parts: Sequence[_Part], names: Names, lead: str, orders: bool,
        before: "Passage | None", tense: str = "",
    ) -> None:  # fmt: skip
        self.names = names
        self.lead = lead
        self.sentences = [part.sentence for part in parts]
        self.words: list[list[Word]] = [part.words for part in parts]
        self.clauses: list[Clause] = []
        self.frames: list[Mode | None] = []
        """The dream, memory or tale that an earlier sentence opened, for each sentence."""
        self.frame: Mode | None = before.frame if before else None
        self.tense: str = before.tense if before and before.tense else tense
        self._people: list[list[tuple[str, Word]]] = before._people[-1:] if before else []
        self.reads = False
        """Whether somebody reads a letter, or plays a recording."""
        self.person: bool = any(w.low in _YOU for row in self.words for w in row) or (
            before is not None and before.person
        )
        """Whether the prose speaks of 'you' or 'I'."""
        for part in parts:
            self._read(part, orders)
        if not orders:
            self._settle_tense()
        self._doubt_names()
        self._set_apart(before)

    def _set_apart(self, before: "Passage | None") -> None:
        """'Name the mare Corin': here Corin is a mare. Who wrote a letter that is read speaks in
        it, not here."""
        reads: bool = before.reads if before else False
        self.namesakes: set[str] = set(before.namesakes) if before else set()
        for clause in self.clauses:
            if clause.verb in _NAMING:
                given = [*clause.node.objects, *clause.node.receivers]
                given += [c for o in given for c in o.kids("appos", "oprd")]
                people = {o.ref.id for o in given if o.ref and o.ref.kind == "character"}
                self.namesakes |= people if len(given) > len(people) else set()
            if clause.verb in _OPENED:
                reads = reads or any(tree.frame_noun(o) == "depicted" for o in clause.node.around)
            if clause.mode != "asserted":
                continue
            namesake = self.namesakes & set(clause.subjects) and clause.verb not in SPEAK
            if namesake or (reads and clause.verb in _WRITES and clause.sentence.speech):
                clause.mode = "depicted"
        self.reads = reads

    def _settle_tense(self) -> None:
        """In a text told in the present, what a part of a sentence tells in the simple past was
        before."""
        told = [c for c in self.clauses if c.node.main and c.mode == "asserted"]
        present = sum(c.node.tense == "present" for c in told)
        past = sum(c.node.tense == "past" and (c.verb not in LEGACY or c.speaks) for c in told)
        self.tense = "past" if past > present else "present" if present else self.tense
        for clause in self.clauses:
            if clause.mode != "asserted" or clause.node.tense != "past":
                continue
            works = LEGACY if self.tense != "past" else WORKS
            clause.left = clause.node.aside or (clause.verb in works and not clause.speaks)
            if self.tense != "past" and not clause.node.main:
                clause.mode = "past"

    def _read(self, part: _Part, orders: bool) -> None:
        found = tree.clauses(part.words, orders=orders)
        if self.frame and pattern("frame_ends").search(part.sentence.plain):
            self.frame = None
        if self.clauses and pattern("unmakes").search(part.sentence.plain):
            for clause in self.clauses:
                clause.mode = "dreamt" if clause.mode == "asserted" else clause.mode
        self.frames.append(self.frame)
        self._people.append([])
        for word in part.words:
            if word.ref and word.ref.kind == "character":
                # Whom a picture shows is not there to be 'he'.
                one = _SOMEBODY if tree.framing(word) else word.ref.id
                self._people[-1].append((one, word))
            elif _is_person(word):
                self._people[-1].append((_SOMEBODY, word))
        for told in found:
            self.clauses.append(self._clause(told, part.sentence, orders))
        self.frame = self.frame or _opens(found, self)

    def _clause(self, found: tree.Clause, sentence: Sentence, orders: bool) -> Clause:
        firm, pronoun = True, False
        ids: list[str] = []
        for noun in found.subjects:
            one, sure = self.resolve(noun)
            firm = firm and sure
            pronoun = pronoun or noun.low in _PRONOUNS
            ids += [one] if one and one != _SOMEBODY else []
        if orders and not found.subjects and _commands(found.verb):
            ids = [YOU]
        mode = found.mode
        if mode == "asserted" and self.frames[-1]:
            mode = self.frames[-1]
        agents = [self.resolve(noun)[0] for noun in found.agents]
        return Clause(
            tuple(dict.fromkeys(ids)), found.lemma, mode, sentence, found, firm, pronoun,
            agents=tuple(one for one in agents if one and one != _SOMEBODY),
        )  # fmt: skip

    def resolve(self, noun: Word) -> tuple[str, bool]:
        """The id of who or what a noun stands for, empty if nobody knows; and whether that is
        sure."""
        if noun.ref:
            # 'Corin's comes last': something of his.
            return ("", False) if noun.owns else (noun.ref.id, True)
        if noun.low in _YOU:
            return YOU, True
        if noun.low in _PRONOUNS:
            return self._pronoun(noun)
        for other in noun.kids("appos"):
            if other.ref and other.ref.kind == "character":
                return other.ref.id, True
        owner = noun.kid("poss")
        if owner is not None:
            whose, sure = (owner.ref.id, True) if owner.ref else self._owner(owner)
            if noun.lemma in _PARTS:
                return whose, sure
            if whose and (kin := self.names.kin(self.lead if whose == YOU else whose, noun.lemma)):
                return kin, sure
        if noun.lemma in _FIGURES or noun.lemma in _PARTS:
            for prep in noun.kids("prep"):
                inner = prep.kid("pobj")
                if prep.low == "of" and inner is not None and inner.ref:
                    return inner.ref.id, True
        for other in noun.kids("compound", "nmod"):
            if other.ref and other.ref.kind == "character" and noun.tag in ("NNP", "NNPS"):
                return other.ref.id, False
        return (_SOMEBODY, False) if _is_person(noun) else ("", False)

    def _owner(self, word: Word) -> tuple[str, bool]:
        if word.low in _YOU:
            return YOU, True
        return self._pronoun(word) if word.low in _PRONOUNS else self.resolve(word)

    def _pronoun(self, word: Word) -> tuple[str, bool]:
        """'He' is the one man named before it, if there is one, or else who acted last."""
        kind = _PRONOUNS[word.low]
        fits: list[tuple[str, Word]] = []
        for row in self._people[-_MEMORY:]:
            for one, at in row:
                if row is self._people[-1] and (at.at >= word.at or _same_clause(at, word)):
                    continue
                if one == _SOMEBODY or self.names.pronouns.get(one) == kind:
                    fits.append((one, at))
        ids = {one for one, _ in fits}
        if not ids:
            leads = self.names.pronouns.get(self.lead) == kind and not self.person
            return (self.lead, True) if leads else ("", False)
        named = ids - {_SOMEBODY}
        if len(named) == 1 and not (ids - named):
            return named.pop(), True
        # Who acted last, though not surely.
        acting = [one for one, at in fits if at.dep in ("nsubj", "nsubjpass")] or [fits[-1][0]]
        return ("", False) if acting[-1] == _SOMEBODY else (acting[-1], False)

    def _doubt_names(self) -> None:
        """'Dawn breaks' need not be about Dawn, unless the passage names her elsewhere than at
        the beginning of a sentence, where every word has a capital."""
        rows = [row for row in self.words if row]
        named = {w.ref.id for row in rows for w in row[1:] if w.ref}
        named |= {row[0].ref.id for row in rows if row[0].ref and row[0].low not in _NAMES_TOO}
        first = {row[0].ref.id for row in rows if row[0].ref and row[0].ref.kind == "character"}
        for clause in self.clauses:
            if clause.subjects and clause.subjects[0] in first - named:
                clause.firm = False

    def mode_at(self, start: int, end: int) -> Mode:
        """The mode of the clause that the words from one offset to another tell."""
        for n, sentence in enumerate(self.sentences):
            low, high = sentence.start, sentence.start + len(sentence.text)
            if not low <= start < high:
                continue
            if any(q[0] + low <= start < q[1] + low for q in _quoted(sentence)):
                return self.frames[n] or "asserted"
            inside = [
                c for c in self.clauses
                if c.sentence is sentence and start - low <= c.node.verb.at < end - low
            ]  # fmt: skip
            verbs = {c.node.verb for c in inside}
            for clause in inside:
                if not verbs & set(clause.node.verb.above()):
                    return clause.mode
            words = [w for w in self.words[n] if w.at >= start - low]
            return self.mode_of(n, words[0]) if words else "asserted"
        return "asserted"

    def mode_of(self, n: int, word: Word) -> Mode:
        """The mode in which the nth sentence says a word."""
        if framed := tree.framing(word):
            return framed
        verb = tree.verb_of(word)
        mode = next((c.mode for c in self.clauses if c.node.verb is verb), None)
        return mode or self.frames[n] or "asserted"

    def _main(self, n: int) -> set[Mode]:
        """The modes of the nth sentence's main clauses."""
        own = [c for c in self.clauses if c.sentence is self.sentences[n]]
        framed = self.frames[n]
        return {c.mode for c in own if c.node.main} | ({framed} if framed else set())

    def plainly(self, n: int, *, past: bool = False) -> bool:
        """Whether the nth sentence says how things are, or (`past`) have been."""
        return self._main(n) <= ({"asserted", "negated"} | ({"past"} if past else set()))

    def happens(self, n: int) -> bool:
        """Whether all of the nth sentence tells what happens."""
        own = {c.mode for c in self.clauses if c.sentence is self.sentences[n]}
        return self._main(n) == {"asserted"} and own <= {"asserted", "hypothetical", "negated"}

    def word_at(self, n: int, at: int) -> Word | None:
        """The word of the nth sentence at an offset in it."""
        return next((w for w in reversed(self.words[n]) if w.at <= at), None)


def _quoted(sentence: Sentence) -> Iterator[tuple[int, int]]:
    at = 0
    for speech in sentence.speech:
        at = sentence.text.find(speech, at)
        yield at, at + len(speech)
        at += len(speech)


_NAMING = frozenset({"name", "call", "christen", "baptise", "baptize", "dub"})
_OPENED = frozenset({"read", "open", "unfold", "unseal", "find", "play", "hear"})
_WRITES = frozenset({"begin", "write", "say", "go", "continue", "end", "close", "conclude", "sign"})


def _same_clause(one: Word, other: Word) -> bool:
    """Whether two words hang on one verb: 'beside Mira she waits' is about somebody else."""
    verb = tree.verb_of(one)
    return other.dep in ("nsubj", "nsubjpass") and verb is not None and verb is other.head


def _is_person(word: Word) -> bool:
    return (
        word.ref is None
        and word.tag in ("NN", "NNS")
        and (word.lemma in _PERSONS or word.lemma.endswith(_PERSON_ENDS))
    )


def _commands(verb: Word) -> bool:
    """Whether a verb without subject is an order, or hangs on one."""
    if verb.dep in ("conj", "ccomp", "advcl", "xcomp") and verb.head is not verb:
        return verb.tag in ("VB", "VBP", "VBG", "NN") and _commands(verb.head)
    return verb.dep == "ROOT" and verb.tag in ("VB", "VBP", "NN", "NNP", "VBG", "VBN", "VBD")


def _opens(found: Sequence[tree.Clause], passage: Passage) -> Mode | None:
    """The dream, memory or tale a sentence begins that the next ones belong to."""
    for clause in found:
        if not clause.main:
            continue
        if clause.mode == "dreamt":
            return "dreamt"
        who = {passage.resolve(s)[0] for s in clause.subjects}
        if clause.mode == "asserted" and who & {YOU, passage.lead}:
            if clause.lemma in _DREAM_VERBS:
                return "dreamt"
            if clause.lemma in _REMEMBER:
                return "past"
        if clause.lemma in _BEGINS:
            for noun in (*clause.subjects, *clause.objects):
                if noun.ref is None and (framed := tree.frame_noun(noun)):
                    return framed
    return None


_BEGINS = frozenset({"be", "begin", "start", "come", "return", "show", "run", "flicker", "open",
                     "play"})  # fmt: skip


def known(language: str) -> bool:
    """Whether prose in a language can be read."""
    return language.strip().lower().startswith("english")


@lru_cache(4_000)
def _given(
    text: str, names: Names, strangers: frozenset[str]
) -> tuple[tuple[Sentence, list[Mention], Written], ...]:
    found = []
    for sentence in sentences(text):
        mentions = names.with_strangers(sentence.plain, strangers)
        found.append((sentence, mentions, written(sentence.plain, mentions, names)))
    return tuple(found)


def to_parse(texts: Sequence[str], names: Names) -> list[str]:
    """The sentences of texts that follow each other, as the parser is given them."""
    strangers = names.strangers(texts)
    return [w.text for text in texts for _, _, w in _given(text, names, strangers)]


@lru_cache(2_000)
def read(
    texts: tuple[str, ...],
    names: Names,
    lead: str = "",
    orders: tuple[bool, ...] = (),
    tense: str = "",
) -> tuple[Passage, ...]:
    """Texts that follow each other, read; `tense` is that of what comes before them. A text is
    read once, though it may be checked on many ways and with many branches."""
    trees = iter(parse(to_parse(texts, names)))
    passages: list[Passage] = []
    strangers = names.strangers(texts)
    for n, text in enumerate(texts):
        parts = [
            _Part(s, words(s.plain, w, next(trees), m))
            for s, m, w in _given(text, names, strangers)
        ]
        before = passages[-1] if passages else None
        passages.append(Passage(parts, names, lead, bool(orders and orders[n]), before, tense))
    return tuple(passages)
