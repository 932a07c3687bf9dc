"""Who does what in a passage: clauses with a subject, a verb, what follows, and their mode.

A shallow reader for narrative English. It knows the world's names and the verbs of `verbs`; where
a sentence is more than it can follow it finds nothing, which is what a checker should do.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

from tasks.consistency.language.english import words as english
from tasks.consistency.language.modes import (
    AFTER_ONLY,
    Mode,
    cues,
    ends_frame,
    opens_frame,
    unmakes,
)
from tasks.consistency.language.names import Mention, Names
from tasks.consistency.language.tokens import WORD, Sentence, sentences
from tasks.consistency.language.verbs import (
    ACT,
    BELIEVE,
    GIVE,
    INTERACT,
    LEGACY,
    LET,
    NO_CONTACT,
    PERCEIVE,
    SPEAK,
    Form,
    forms,
    guess,
    lexicon,
)

YOU = "*you*"
"""Stands for the protagonist where the prose says 'you', 'I' or 'we'."""

_SUBJECTS = {"you": YOU, "i": YOU, "we": YOU, "you'll": YOU, "i'll": YOU, "we'll": YOU}
_OTHERS = frozenset(
    {"he", "she", "they", "it", "nobody", "everyone", "someone", "somebody", "nothing"}
)
PRONOUNS = {"he": "*he*", "she": "*she*"}
"""Stand for a character until the passage says whom."""
_OPENERS = english("words", "openers")
_JOINS = frozenset({",", ";", ".", "and", "but", "then"})
# What comes with these may be the one 'he' means.
_COMPANY = _OPENERS | {",", "to", "with", "from", "by", "beside", "behind", "for", "of"}
_NAMES_TOO = english("words", "names_too")
_DEALS = ACT | GIVE | INTERACT
_ABSENT = BELIEVE | (NO_CONTACT - PERCEIVE)
_UNREAL: dict[str, Mode] = {"until": "hypothetical", "till": "hypothetical",
                            "before": "hypothetical",
           "like": "depicted", "than": "hypothetical"}  # fmt: skip
_PREPOSITIONS = english("words", "prepositions")
_TIMES = english("words", "times")
_ADVERBS = english("words", "adverbs")
_HEARERS = frozenset({"you", "me", "him", "her", "them", "us", "to", "himself", "herself"})
_OBJECT = frozenset({"the", "your", "my", "his", "her", "their", "it"})
_BE = frozenset({"is", "are", "am", "was", "were", "'s", "be", "being", "been"})
_HAVE = {"has": "past", "have": "past", "had": "past"}
_DO = frozenset({"do", "does", "did"})
_NOT = english("words", "negations")
_MODAL = english("words", "modals")
_NO_VERB = _PREPOSITIONS | _NOT | _MODAL | _BE | _OPENERS | _HAVE.keys() | {"do", "will"}
SPEAK_FORMS = frozenset(word for verb in SPEAK for word in forms(verb))


class Word(NamedTuple):
    """A word or mark, or a whole name."""

    text: str
    low: str
    at: int
    ref: Mention | None = None
    owns: bool = False
    """A name in the possessive: 'Corin's'."""


class Clause(NamedTuple):
    """Somebody or something does something. `tail` is what follows, to the next clause."""

    subjects: tuple[str, ...]
    verb: str
    form: Form
    tail: tuple[Word, ...]
    mode: Mode
    sentence: Sentence
    passive: bool = False
    firm: bool = True
    """Read from a plain subject and verb; otherwise from a looser construction."""
    past: bool = False
    thing: bool = False
    """The subject is a place or an item."""
    about: tuple[Word, ...] = ()
    """The words of the sentence before the verb."""


class Passage:
    """One text, read: sentences with their words, and clauses with their modes."""

    def __init__(
        self, text: str, names: Names, *, orders: bool = False, frame: Mode | None = None
    ) -> None:
        """`orders`: the text is a choice, whose verbs without subject are the player's.
        `frame`: the dream, memory or tale that the text before it opened."""
        self.text = text
        self.clauses: list[Clause] = []
        self.sentences: list[Sentence] = []
        self.words: list[list[Word]] = []
        self.modes: list[list[tuple[int, Mode]]] = []
        for sentence in sentences(text):
            found = _words(sentence.plain, names)
            # A cue inside a name ('the Old Theatre') is none.
            names_at = {n for w in found if w.ref for n in range(w.at, w.at + len(w.text))}
            marks = [mark for mark in cues(sentence.plain) if mark[0] not in names_at]
            if frame and ends_frame(sentence.plain):
                frame = None
            clauses = list(_Reader(sentence, found, marks, frame, orders).clauses())
            if self.clauses and unmakes(sentence.plain):
                self.clauses = [_unreal(c) for c in self.clauses]
            self.sentences.append(sentence)
            self.words.append(found)
            self.modes.append([*marks, (-1, frame)] if frame else marks)
            for clause in clauses:
                self.clauses.append(self._resolve(clause, names))
            if marks and opens_frame(sentence.plain):
                framing = [mode for _, mode in marks if mode not in AFTER_ONLY]
                frame = framing[0] if framing else "hypothetical"
        self.frame = frame
        self._settle_tense(orders)
        self._doubt_names()

    def _resolve(self, clause: Clause, names: Names) -> Clause:
        """'He' is the one man named before it in this passage, if there is one."""
        if not clause.subjects or clause.subjects[0] not in PRONOUNS.values():
            return clause
        said = [w for row in self.words for w in row if w.ref and w.ref.kind == "character"]
        named = {w.ref.id for w in said if w.ref}
        fits = [who for who in named if names.pronouns.get(who) == clause.subjects[0]]
        if len(fits) != 1:
            return clause._replace(subjects=(), firm=False)
        firm = _lively(clause) and self._plainly(fits[0], clause)
        return clause._replace(subjects=(fits[0],), firm=firm)

    def _plainly(self, who: str, clause: Clause) -> bool:
        """Whether 'he' can only be who was named just before: 'You kiss Corin, and he ...'."""
        at = next((n for n, w in enumerate(clause.about) if w.low in PRONOUNS), 0)
        last = -1 if at else -2
        if len(self.sentences) < -last or any(self.modes[last:]):
            return False
        start = self.sentences[last].start
        before = [c for c in self.clauses if c.sentence.start == start]
        known = all(
            c.mode == "asserted" and set(c.subjects) <= {YOU, who} and c.verb not in _ABSENT
            for c in before
        )
        row = clause.about[:at] if at else self.words[last]
        return bool(before) and known and _names_one(row, at_end=bool(at))

    def _doubt_names(self) -> None:
        """'Dawn breaks' need not be about Dawn, unless the passage names her elsewhere than at
        the beginning of a sentence, where every word has a capital."""
        rows = [row for row in self.words if row]
        named = {w.ref.id for row in rows for w in row[1:] if w.ref}
        named |= {row[0].ref.id for row in rows if row[0].ref and row[0].low not in _NAMES_TOO}
        doubted = {
            row[0].ref.id for row in rows if row[0].ref and row[0].ref.kind == "character"
        } - named
        self.clauses = [
            c._replace(firm=False) if c.subjects and c.subjects[0] in doubted else c
            for c in self.clauses
        ]

    def _settle_tense(self, orders: bool) -> None:
        """In a text told in the present, the simple past tells of before."""
        if orders:
            return
        present = any(not c.past and c.form in ("base", "third") for c in self.clauses)
        told_past = not present and any(c.past and c.verb not in LEGACY for c in self.clauses)
        self.clauses = [
            c._replace(mode="past") if c.past and c.mode == "asserted" and not told_past else c
            for c in self.clauses
        ]


def _names_one(row: Sequence[Word], at_end: bool) -> bool:
    """Whether words name one person, as subject or object of a clause without company."""
    words = list(row)
    while words and words[-1].low in _JOINS:
        words.pop()
    at = [n for n, w in enumerate(words) if w.ref and w.ref.kind == "character"]
    if len(at) != 1 or words[at[0]].owns or any(w.low in _COMPANY for w in words):
        return False
    return (not at_end or at[0] == len(words) - 1) and (words[0].low in _SUBJECTS or at[0] == 0)


def _lively(clause: Clause) -> bool:
    """Whether only the living do this: they speak, deal with 'you', or are said to be alive."""
    after = {w.low for w in clause.tail[:3]}
    if clause.verb == "be":
        return bool(after & {"alive", "awake", "unharmed"})
    return clause.verb in SPEAK or (clause.verb in _DEALS and bool(after & {"you", "me"}))


def _unreal(clause: Clause) -> Clause:
    return clause._replace(mode="dreamt") if clause.mode == "asserted" else clause


def _words(text: str, names: Names) -> list[Word]:
    """The words of a sentence, each name as one."""
    low = text.lower().replace("\u2019", "'")
    if len(low) != len(text):  # A few letters are longer in lower case.
        low = text
    found: list[Word] = []
    mentions = names.find(text)
    position = 0
    for mention in mentions:
        found += _plain_words(text, low, position, mention.start)
        after = low[mention.end : mention.end + 2]
        owns = after == "'s" or (after[:1] == "'" and low[mention.end - 1] == "s")
        name = slice(mention.start, mention.end)
        found.append(Word(text[name], low[name], mention.start, mention, owns))
        position = mention.end + (2 if owns else 0)
    return found + _plain_words(text, low, position, len(text))


def _plain_words(text: str, low: str, start: int, end: int) -> list[Word]:
    return [
        Word(match[0], low[match.start() : match.end()], match.start())
        for match in WORD.finditer(text, start, end)
    ]


class _Reader:
    """Reads one sentence from left to right."""

    def __init__(
        self,
        sentence: Sentence,
        found: list[Word],
        marks: list[tuple[int, Mode]],
        frame: Mode | None,
        orders: bool,
    ) -> None:
        self.sentence = sentence
        self.words = found
        self.marks = marks
        self.orders = orders
        self.verbs = lexicon()
        framing = [mode for _, mode in marks if mode not in AFTER_ONLY]
        self.whole: Mode = frame or (framing[0] if framing else "asserted")
        self.subject: tuple[str, ...] = (YOU,) if orders else ()
        self.thing = False
        self.embedded: Mode | None = None
        self.plural = orders

    def clauses(self) -> Iterator[Clause]:
        """The clauses of the sentence."""
        found = list(self._scan())
        for n, (at, clause) in enumerate(found):
            end = found[n + 1][0] if n + 1 < len(found) else len(self.words)
            # The next clause's own subject is not part of this one.
            yield clause._replace(
                tail=tuple(self.words[at + 1 : end]), about=tuple(self.words[:at])
            )

    def _scan(self) -> Iterator[tuple[int, Clause]]:
        i, fresh = 0, True
        while i < len(self.words):
            word = self.words[i]
            if word.low in {",", ";", ":", "-", "—", '"', "(", ")", "."}:
                fresh = True
                if word.low in ";:." or (word.low == "," and self.embedded == "depicted"):
                    self.embedded = None
            elif word.low in _OPENERS and not word.ref:
                fresh = True
                self.embedded = _UNREAL.get(word.low, self.embedded)
                if word.low == "but":
                    self.embedded = None
            elif fresh or self._fronted(i):
                step = yield from self._clause_at(i, fresh)
                if step:
                    i = step
                    fresh = self.words[i].low in _OPENERS if i < len(self.words) else False
                    continue
                fresh = fresh and (word.low in _ADVERBS or word.low.endswith("ly"))
            i += 1

    def _fronted(self, i: int) -> bool:
        """'At the gate Corin waits': the clause began with a preposition."""
        word = self.words[i]
        if not (word.ref or word.low in _SUBJECTS):
            return False
        start = i
        while start and self.words[start - 1].low not in {",", ";", ":", '"', "and", "but"}:
            start -= 1
        inside = self.words[start:i]
        led = word.low in _SUBJECTS or any(
            w.low in _PREPOSITIONS or w.low in _TIMES or w.low == "halfway"
            for w in inside[:1] + inside[-1:]
        )
        if len(inside) < 2 or not led or inside[-1].low in _PREPOSITIONS - {"after", "before"}:
            return False
        if any(w.low in _BE or w.low in _HAVE for w in inside):
            return False
        if word.low in _SUBJECTS and inside[0].low in _PREPOSITIONS | {"halfway"}:
            return True
        return not any(w.low in self.verbs and not w.ref for w in inside[1:])

    def _clause_at(self, i: int, fresh: bool) -> Generator[tuple[int, Clause], None, int | None]:
        """The clauses that begin at i, and where reading goes on; None if none does."""
        word = self.words[i]
        subjects, after = self._subject(i)
        if subjects is not None:
            verb = self._verb(after) or self._guessed(after, subjects)
            if verb:
                last = self.words[after - 1].ref
                self.subject = subjects
                self.thing = bool(last and last.kind != "character" and last.id in subjects)
                self.plural = len(subjects) > 1 or subjects == (YOU,)
                yield from self._emit(verb, True)
                return verb[0] + 1
            if word.low in _OTHERS:
                self.subject, self.thing = (), False
            return None
        if fresh and word.low in SPEAK_FORMS and i and self.words[i - 1].low == '"':
            speaker, _ = self._subject(i + 1) if i + 1 < len(self.words) else (None, 0)
            if speaker:
                base, form = self.verbs[word.low]
                self.subject, self.thing, self.plural = speaker, False, speaker == (YOU,)
                yield from self._emit((i, base, form, "asserted", form == "past", False), True)
                return i + 2
        if fresh and self.subject and word.low in self.verbs and not word.ref:
            base, form = self.verbs[word.low]
            agrees = form in ("past", "ing") or (form == "base") == self.plural
            if form == "participle" or not agrees:
                return None
            past = form == "past" and not (self.orders and base == word.low)
            yield from self._emit((i, base, form, "asserted", past, False), form != "ing")
            return i + 1
        return None

    def _guessed(
        self, i: int, subjects: tuple[str, ...]
    ) -> tuple[int, str, Form, Mode, bool, bool] | None:
        """A verb by its place and ending only, right after a named subject or 'you'."""
        while i < len(self.words) and (
            self.words[i].low in _ADVERBS or self.words[i].low.endswith("ly")
        ):
            i += 1
        if i >= len(self.words) or self.words[i].ref or not subjects:
            return None
        low = self.words[i].low
        helped = False
        if low in {"is", "are", "am", "was", "were"} and i + 1 < len(self.words):
            low, helped, i = self.words[i + 1].low, True, i + 1
            if low.endswith("ing") and len(low) > 5:
                past = self.words[i - 1].low in {"was", "were"}
                return i, low[:-3], "ing", "asserted", past, False
            return None
        found = guess(low, len(subjects) > 1 or subjects == (YOU,))
        after = self.words[i + 1].low if i + 1 < len(self.words) else ""
        # After 'you' comes a verb, if an object follows it.
        if found is None and subjects == (YOU,) and after in _OBJECT and low not in _NO_VERB:
            found = low, "base"
        if found is None or helped:
            return None
        return i, found[0], found[1], "asserted", found[1] == "past", False

    def _subject(self, i: int) -> tuple[tuple[str, ...] | None, int]:
        """Ids at i that may be a subject, and the index after them."""
        word = self.words[i]
        if word.low in {"the", "old", "young", "poor", "dear"} and i + 1 < len(self.words):
            return self._subject(i + 1) if self.words[i + 1].ref else (None, i)
        if word.low in _SUBJECTS and not word.ref:
            ids: tuple[str, ...] = (YOU,)
        elif word.ref and not word.owns:
            ids = (word.ref.id,)
        elif word.low == "they":
            # The player's party, as far as the prose says.
            ids = (YOU, YOU)
        elif word.low in _OTHERS:
            ids = (PRONOUNS[word.low],) if word.low in PRONOUNS else ()
        elif word.ref and word.owns and self._part_of_body(i + 1):
            return (word.ref.id,), i + 2
        else:
            return None, i
        i += 1
        while i + 1 < len(self.words) and self.words[i].low in {"and", "&"}:
            other = self.words[i + 1]
            if other.ref and other.ref.kind == "character" and not other.owns:
                ids = (*ids, other.ref.id)
            elif other.low in _SUBJECTS:
                ids = (*ids, YOU)
            else:
                break
            i += 2
        return ids, i

    def _part_of_body(self, i: int) -> bool:
        return i < len(self.words) and self.words[i].low in {
            "hand", "hands", "fingers", "arm", "arms", "fist", "grip",
        }  # fmt: skip

    def _verb(self, i: int) -> tuple[int, str, Form, Mode, bool, bool] | None:
        """The finite verb whose subject ends before i: index, base, form, mode, past, passive."""
        mode: Mode = "asserted"
        past = passive = helped = False
        if i < len(self.words) and self.words[i].low == "," and (close := self._appositive(i)):
            i = close
        while i < len(self.words):
            word = self.words[i]
            low = word.low
            if word.ref and low not in self.verbs:
                break
            nxt = self.words[i + 1].low if i + 1 < len(self.words) else ""
            if low in _NOT:
                mode = "negated"
            elif low in _MODAL:
                mode, helped = "hypothetical", True
            elif low in {"will", "shall", "'ll"} or low.endswith("'ll"):
                helped = True
            elif low in _BE:
                after = self.verbs.get(nxt if nxt not in _NOT | _ADVERBS else "")
                if (
                    not after
                    and nxt not in _NOT
                    and nxt not in _ADVERBS | {"being"}
                    and not nxt.endswith("ly")
                ):
                    return i, "be", "third", mode, low in {"was", "were"} or past, False
                past = past or low in {"was", "were"}
                passive = bool(after and after[1] in ("past", "participle"))
                if nxt in _ADVERBS or nxt in _NOT:
                    follow = self.words[i + 2].low if i + 2 < len(self.words) else ""
                    if follow not in self.verbs:
                        if nxt in _NOT:
                            mode = "negated"
                        return i, "be", "third", mode, past, False
                helped = True
            elif low in _HAVE:
                after = self.verbs.get(nxt if nxt not in _ADVERBS | _NOT else "")
                more = self.words[i + 2].low if i + 2 < len(self.words) else ""
                if (
                    not (after and after[1] in ("past", "participle"))
                    and more not in self.verbs
                    and nxt != "been"
                ):
                    return i, "have", "third", mode, low == "had", False
                helped = True
                past = past or low != "have"
                if low != "have" and mode == "asserted":
                    mode = "past"
            elif low in _DO:
                past, helped = past or low == "did", True
            elif low == "used" and nxt == "to" and i + 2 < len(self.words):
                base, form = self.verbs.get(self.words[i + 2].low, ("be", "base"))
                return i + 2, base, form, "past", True, False
            elif low in self.verbs:
                base, form = self.verbs[low]
                if form == "ing" and not helped:
                    return None
                if form == "participle" and not helped:
                    return None
                past = past or (form == "past" and base != low and not helped)
                return i, base, form, mode, past, passive
            elif low not in _ADVERBS and not low.endswith("ly") and low != "who":
                break
            i += 1
        return None

    def _appositive(self, i: int) -> int | None:
        """The index after `, the old keeper,` or `, smiling,`; or of what follows `, who`."""
        if i + 1 < len(self.words) and self.words[i + 1].low == "who":
            return i + 1
        for j in range(i + 1, min(i + 10, len(self.words))):
            if self.words[j].low == ",":
                return j + 1
            if self.words[j].low in {".", ";", '"'}:
                return None
        return None

    def _mode(self, at: int, own: Mode) -> Mode:
        if own != "asserted":
            return own
        if self.embedded:
            return self.embedded
        if self.whole != "asserted":
            return self.whole
        offset = self.words[at].at
        # A negation belongs to its own verb, which `_verb` has seen; the others reach on.
        before = [m for where, m in self.marks if where < offset and m in ("hypothetical", "said")]
        return before[-1] if before else "asserted"

    def _emit(
        self, verb: tuple[int, str, Form, Mode, bool, bool], firm: bool
    ) -> Iterator[tuple[int, Clause]]:
        at, base, form, own, past, passive = verb
        subjects = self.subject
        yield (
            at,
            Clause(
                subjects=subjects,
                verb=base,
                form=form,
                tail=(),
                mode=self._mode(at, own),
                sentence=self.sentence,
                passive=passive,
                firm=firm,
                past=past,
                thing=self.thing,
            ),
        )
        if base in SPEAK or base in BELIEVE:
            self._embed(at, base)
        if base in PERCEIVE or base in LET:
            yield from self._perceived(at, past)

    def _embed(self, at: int, base: str) -> None:
        """'says that Corin ...', 'tells you Corin ...': what follows is said or thought."""
        i = at + 1
        while i < len(self.words) and (
            self.words[i].low in _HEARERS
            or (self.words[i].ref and i == at + 1 and i + 1 < len(self.words)
                and self.words[i + 1].low in {"that", "how", "of", "about"})
        ):  # fmt: skip
            i += 1
        if i >= len(self.words):
            return
        clause = self.words[i].low in {
            "that",
            "how",
            "of",
            "about",
            "whether",
            "if",
            "what",
            "where",
        }
        subject, after = self._subject(i)
        direct = subject is not None and self._verb(after) is not None
        if clause or direct:
            self.embedded = "said" if base in SPEAK else "hypothetical"

    def _perceived(self, at: int, past: bool) -> Iterator[tuple[int, Clause]]:
        """'You find Corin waiting', 'let Corin lead': the second does something too."""
        i = at + 1
        while i < len(self.words) and self.words[i].low in {"the", "old", "young"}:
            i += 1
        if i + 1 >= len(self.words):
            return
        who = self.words[i].ref
        j = i + 1
        while j < len(self.words) and (
            self.words[j].low in _ADVERBS or self.words[j].low.endswith("ly")
        ):
            j += 1
        found = self.verbs.get(self.words[j].low) if j < len(self.words) else None
        if who and who.kind == "character" and not self.words[i].owns and found:
            if found[1] not in ("ing", "base"):
                return
            yield (
                j,
                Clause(
                    subjects=(who.id,),
                    verb=found[0],
                    form=found[1],
                    tail=(),
                    mode=self._mode(j, "asserted"),
                    sentence=self.sentence,
                    past=past,
                ),
            )
