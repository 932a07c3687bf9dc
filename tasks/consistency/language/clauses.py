"""Who does what to whom in a sentence, and in which mode: small rules over its tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.consistency.language.english import words as english
from tasks.consistency.language.tree import Word

Mode = Literal["asserted", "said", "dreamt", "hypothetical", "negated", "past", "depicted"]
Tense = Literal["present", "past", "none"]

_VERBS = frozenset({"VB", "VBD", "VBZ", "VBP", "VBG", "VBN"})
_UNSEEN = frozenset({"NN", "NNS", "NNP", "MD", "JJ", "RB", "IN"})
_NO_CLAUSE = frozenset({"aux", "auxpass", "amod", "compound", "punct", "det", "case"})
_COMPLEMENTS = frozenset({"ccomp", "xcomp", "csubj", "csubjpass", "acomp", "dep", "parataxis"})
_OPENING = frozenset({"prep", "advmod", "expl", "prt", "intj"})
_SCENE = frozenset({"in", "during", "through", "from", "on", "out", "inside"})
_MAYBE = frozenset({"perhaps", "maybe", "almost", "nearly", "supposedly", "reportedly",
                    "allegedly"})  # fmt: skip
_SUBJECT = ("nsubj", "nsubjpass", "csubj", "expl")
_WH = frozenset({"who", "that", "which", "whom", "whose"})
_NEVER = frozenset({"never", "hardly", "scarcely", "barely", "nowhere", "neither", "nor"})
_NO = frozenset({"no", "neither", "nor"})
_NOBODY = frozenset({"nobody", "none", "nothing", "neither", "noone"})
_UNREAL = frozenset({"if", "unless", "lest", "whether", "until", "till", "before", "though", "like",
                     "than", "suppose"})  # fmt: skip
_DREAMS = english("frames", "dreams")
_MEMORIES = english("frames", "memories")
_TALES = english("frames", "tales")
_IMAGES = english("frames", "images")
_WRITTEN = english("frames", "written")
_DREAM_VERBS = english("frames", "dream_verbs")
_REMEMBER = english("frames", "remember_verbs")
_BELIEVE = english("verbs", "believe")
_SPEAK = english("verbs", "speak")
_SAYING = _SPEAK | english("verbs", "utter")
_TELLS = _SAYING | english("frames", "claim_verbs")
_INTEND = english("frames", "intend_verbs")
_UNDONE = english("frames", "undone_verbs")
_CONTROL = english("frames", "control_verbs")
_PAST_WORDS = english("frames", "past_words")
_LONGING = frozenset({"wish", "hope", "long", "pray", "yearn", "wait", "ask", "beg", "search"})


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A verb with its subject, as the tree has it."""

    verb: Word
    lemma: str
    subjects: tuple[Word, ...]
    """Who acts; in a passive, who suffers it."""
    agents: tuple[Word, ...]
    """Of a passive: by whom."""
    objects: tuple[Word, ...]
    receivers: tuple[Word, ...]
    passive: bool
    mode: Mode
    tense: Tense
    own_subject: bool
    main: bool
    """No other clause governs it."""
    around: tuple[Word, ...]
    """Objects, and what follows prepositions."""
    aside: bool
    """It says which thing is meant: 'the rope that Corin tied'."""


def clauses(row: Sequence[Word], *, orders: bool = False) -> list[Clause]:
    """The clauses of a sentence, in the order of their verbs."""
    found = []
    for word in row:
        if _is_verb(word):
            found.append(_clause(word, orders))
    return found


def _is_verb(word: Word) -> bool:
    if word.dep in _NO_CLAUSE or word.ref is not None:
        return False
    if word.tag in _VERBS:
        return True
    # A noun that has a subject is a verb the tagger did not see.
    return word.tag in _UNSEEN and word.kid("nsubj", "nsubjpass") is not None


def _clause(verb: Word, orders: bool) -> Clause:
    subjects, own = subject_of(verb, orders)
    passive = is_passive(verb)
    objects = [*verb.kids("dobj", "attr", "oprd")]
    if any(s in objects for s in subjects):
        objects = [o for o in objects if o not in subjects]
    for inner in verb.kids("ccomp"):
        # 'You find the key, still warm': the tree takes it for a clause.
        if inner.tag in ("VBN", "VBG", "JJ") and inner.kid("aux", "mark") is None:
            objects += [s for s in inner.kids("nsubj") if s.at > verb.at]
    receivers = [*verb.kids("dative")]
    if len([o for o in objects if o.dep == "dobj"]) > 1 and not receivers:
        receivers, objects = [objects[0]], objects[1:]
    spread: list[Word] = []
    for one in receivers:
        spread += [*one.kids("pobj")] if one.tag == "IN" else [one]
    return Clause(
        verb=verb,
        lemma=verb.lemma,
        subjects=tuple(joined(subjects)),
        agents=tuple(joined(p for a in verb.kids("agent") for p in a.kids("pobj"))),
        objects=tuple(joined(objects)),
        receivers=tuple(joined(spread)),
        passive=passive,
        mode=mode_of(verb),
        tense=tense_of(verb),
        own_subject=own,
        around=(*joined(objects), *(n for one in (verb, *objects) for n in _beside(one))),
        main=_main(verb),
        aside=verb.dep == "relcl" and bool(own) and subjects != [verb.head],
    )


def joined(nouns: "Iterator[Word] | Sequence[Word]") -> Iterator[Word]:
    """Nouns with those that 'and' joins to them."""
    for noun in nouns:
        yield noun
        yield from joined([c for c in noun.kids("conj") if not c.verbal])


def is_passive(verb: Word) -> bool:
    """Whether its subject suffers it."""
    if verb.kid("auxpass", "nsubjpass") is not None:
        return True
    if verb.tag == "VBN" and verb.kid("agent") is not None and verb.kid("aux") is None:
        return True
    if verb.dep in ("acl", "acomp") and verb.tag == "VBN":
        return True
    if verb.dep == "conj" and verb.tag == "VBN" and verb.kid("aux", *_SUBJECT) is None:
        return verb.head is not verb and is_passive(verb.head)
    return False


def subject_of(verb: Word, orders: bool = False) -> tuple[list[Word], bool]:
    """Whose doing it is, and whether the verb has its own subject."""
    if said := _speaker(verb):
        return [said], True
    own = [c for c in verb.kids("nsubj", "nsubjpass") if c.low not in _WH or verb.dep != "relcl"]
    if own:
        return own[-1:], True
    if verb.kid("nsubj", "nsubjpass") and verb.dep == "relcl":
        return [verb.head], True
    if late := _inverted(verb):
        return [late], True
    if near := _just_before(verb):
        return [near], True
    head = verb.head
    if (previous := _serial(verb)) is not None:
        return subject_of(previous, orders)[0], False
    if head is verb:
        return [], False
    if verb.dep in ("relcl",):
        return ([head], True) if verb.kid("nsubj") is None else ([], False)
    if verb.dep == "acl":
        return ([head], False) if verb.tag in ("VBG", "VBN") else ([], False)
    if verb.dep == "conj" and (_is_verb(head) or head.dep in ("aux",)):
        return subject_of(head, orders)[0], False
    if verb.dep in ("xcomp", "ccomp") and _is_verb(head):
        inner = next((o for o in head.kids("dobj", "dative") if o.tag[:1] in "NP"), None)
        if inner is not None and verb.dep == "xcomp" and head.lemma not in ("promise",):
            return [inner], False
        if verb.kid("mark") is None:
            return subject_of(head, orders)[0], False
    if verb.dep in ("advcl", "dep", "parataxis", "acomp") and _is_verb(head):
        return subject_of(head, orders)[0], False
    if verb.dep == "pcomp" and head.dep == "prep" and _is_verb(head.head):
        return subject_of(head.head, orders)[0], False
    return [], False


def _speaker(verb: Word) -> Word | None:
    """'..., said Mrs Corin': who is named right after a verb of speaking that opens a clause."""
    fresh = verb.before is None or verb.before.dep == "punct" or verb.before.low == "yes"
    if not fresh or verb.tag not in ("VBD", "VBZ", "VBN", "NNS") or verb.lemma not in _SAYING:
        return None
    word = verb.after
    while word is not None and word.ref is None and (word.tag == "NNP" or word.dep == "det"):
        word = word.after
    return word if word is not None and _person(word) and not word.owns else None


def _person(word: Word) -> bool:
    return word.ref is not None and word.ref.kind in ("character", "stranger")


def _just_before(verb: Word) -> Word | None:
    """'In the third Corin scored': a name right before a finite verb that has no subject."""
    near = verb.before
    if near is None or verb.tag not in ("VBD", "VBZ") or not _person(near) or near.owns:
        return None
    return near if verb.kid("nsubj", "nsubjpass", "aux") is None and near.dep != "conj" else None


def _serial(verb: Word) -> Word | None:
    """'She licks a finger, turns the page': the verb before, where the tree joins them wrongly."""
    if verb.dep not in ("ROOT", "parataxis", "dep") or verb.tag not in ("VBZ", "VBD"):
        return None
    near = verb.before
    while near is not None and near.tag == "RB":
        near = near.before
    if near is None or near.low not in (",", "and", "then"):
        return None
    inner = next((c for c in verb.kids("ccomp", "advcl") if c.at < verb.at), None)
    return inner if inner is not None and inner.tag == verb.tag else None


def _inverted(verb: Word) -> Word | None:
    """'In walks Corin', 'There stands Corin', 'says Corin': a subject after a finite verb."""
    if verb.tag not in ("VBZ", "VBD", "VBP") or verb.kid("aux", "nsubj", "csubj") is not None:
        return None
    if verb.dep not in ("ROOT", "conj", "ccomp", "pobj", "parataxis"):
        return None
    if verb.dep == "conj" and _is_verb(verb.head) and subject_of(verb.head)[0]:
        return None
    before = [c for c in verb.children if c.at < verb.at and c.dep in _OPENING]
    if not before and verb.dep != "pobj":
        return None
    return next((c for c in verb.kids("dobj", "attr", "npadvmod", "dep") if c.at > verb.at), None)


def tense_of(verb: Word) -> Tense:
    """Of the finite verb or its auxiliary."""
    helpers = [*verb.kids("aux", "auxpass")]
    if verb.tag == "VBN" and not helpers and verb.kid("nsubj") is not None:
        return "past"
    for one in (*helpers, verb):
        if one.tag == "VBD":
            return "past"
        if one.tag in ("VBZ", "VBP", "MD"):
            return "present"
    if verb.dep == "conj" and _is_verb(verb.head):
        return tense_of(verb.head)
    return "none"


def _main(verb: Word) -> bool:
    while verb.dep in ("conj", "parataxis") and _is_verb(verb.head):
        verb = verb.head
    if verb.dep == "ccomp" and verb.head.lemma in _SPEAK and verb.at < verb.head.at:
        return False
    return verb.dep in ("ROOT", "ccomp") and (verb.dep == "ROOT" or verb.at < verb.head.at)


def negated(verb: Word) -> bool:
    """Whether a verb's own clause is denied."""
    for child in verb.children:
        if child.dep == "neg":
            return True
        if child.low in _NEVER and child.dep in ("advmod", "preconj", "cc"):
            return True
        if child.dep in ("nsubj", "nsubjpass", "dobj", "attr") and _none(child):
            return True
        if child.low == "longer" and any(c.low == "no" for c in child.children):
            return True
    return False


def _none(noun: Word) -> bool:
    if noun.low in _NOBODY or (noun.low == "one" and any(c.low == "no" for c in noun.children)):
        return True
    return any(c.low in _NO and c.dep in ("det", "preconj", "cc", "neg") for c in noun.children)


def _shares(verb: Word) -> bool:
    """Whether a joined verb shares the auxiliary of the first: 'could climb and cross'."""
    own = verb.kid("aux", "auxpass", "nsubj", "nsubjpass")
    return own is None and verb.tag in ("VB", "VBN", "VBG")


def _own_mode(verb: Word) -> Mode:
    if negated(verb):
        return "negated"
    for one in verb.kids("aux"):
        if one.tag == "MD":
            return "hypothetical"
    if _counterfactual(verb) or any(c.low in _MAYBE for c in verb.kids("advmod")):
        return "hypothetical"
    have = next((c for c in verb.kids("aux") if c.lemma == "have" or c.low in ("'d", "'ve")), None)
    if have is not None and verb.tag == "VBN":
        return "past"
    return "asserted"


def mode_of(verb: Word) -> Mode:
    """In which mode a verb's clause is told: its own words first, then what governs it."""
    own = _own_mode(verb)
    if own != "asserted":
        return own
    if framed := _adverbials(verb, verb.at):
        return framed
    return _governed(verb)


def _governed(verb: Word) -> Mode:
    head, dep = verb.head, verb.dep
    if _announced(verb):
        return "said"
    if head is verb:
        return "asserted"
    if dep == "conj" and (_is_verb(head) or head.verbal):
        if _shares(verb):
            return mode_of(head)
        if any(c.tag in ("WRB", "WP", "WDT") and c.at < verb.at for c in verb.children):
            return _complement(verb, head)
        # The second of two has the first one's frame, not its auxiliary.
        return _adverbials(head, head.at) or _governed(head)
    if dep in _COMPLEMENTS and (head.verbal or _is_verb(head)):
        return _complement(verb, head)
    if dep == "xcomp" and _infinitive(verb):
        return "hypothetical"
    if dep == "advcl":
        marks = {c.low for c in verb.kids("mark", "advmod")}
        if marks & _UNREAL or _infinitive(verb):
            return "hypothetical"
        return _inherited(head)
    if dep in ("relcl", "acl"):
        if dep == "acl" and (_infinitive(verb) or head.lemma in _TALES | _BELIEVE):
            return frame_noun(head) or "hypothetical"
        if framed := frame_noun(head) if dep == "acl" else None:
            return framed
        return _inherited(head)
    if dep == "pcomp":
        return _prepositional(verb, head)
    if dep in ("pobj", "dobj", "nsubj", "appos", "attr", "conj", "prep"):
        return _inherited(head)
    return "asserted"


def _announced(verb: Word) -> bool:
    """'Hob tells you: Corin sold it.' What stands after the colon is said."""
    word = verb.before
    while word is not None and word.low != ":":
        word = word.before
    if word is None:
        return False
    while (word := word.before) is not None:
        if word.verbal and word.lemma in _TELLS:
            return True
    return False


def _infinitive(verb: Word) -> bool:
    return any(c.low == "to" for c in verb.kids("aux")) and verb.tag == "VB"


def _counterfactual(verb: Word) -> bool:
    """'Had Corin come, ...', 'Were he alive, ...'"""
    subject = verb.kid("nsubj", "nsubjpass")
    first = verb.kid("aux", "auxpass")
    lead = first if first is not None else verb
    marked = verb.kid("mark") or next((c for c in verb.kids("advmod") if c.tag == "WRB"), None)
    return bool(
        subject
        and marked is None
        and lead.at < subject.at
        and lead.low in ("had", "were", "should")
    )


def _complement(verb: Word, head: Word) -> Mode:
    lemma = head.lemma
    if lemma in _DREAM_VERBS:
        return "dreamt"
    if lemma in _REMEMBER:
        return "past"
    if verb.dep in ("ccomp", "parataxis", "conj"):
        if lemma in _TELLS:
            return "said"
        if lemma in _BELIEVE:
            return "hypothetical"
        if verb.at < head.at and head.lemma not in ("be",):
            return "asserted"
        if any(c.low in ("if", "whether", "that") for c in verb.kids("mark")) and lemma in (
            "be",
            "seem",
        ):
            return "hypothetical"
    if verb.dep == "xcomp":
        if lemma in _UNDONE:
            return "negated"
        if lemma in _INTEND or (lemma in _CONTROL and _infinitive(verb)):
            return "hypothetical"
        if lemma == "use" and head.tag in ("VBD", "VBN"):
            return "past"
    if verb.dep == "acomp":
        return mode_of(head)
    return mode_of(head)


def _prepositional(verb: Word, prep: Word) -> Mode:
    if prep.low in ("without", "of") and (prep.low == "without" or prep.head.low in ("instead",)):
        return "negated"
    if prep.low in ("before", "like", "as", "than", "for", "from", "against"):
        return "hypothetical"
    noun = prep.head
    if prep.low in ("of", "about") and not noun.verbal:
        return frame_noun(noun) or "hypothetical"
    if prep.low in ("of", "about") and noun.lemma in _BELIEVE | _SPEAK | _DREAM_VERBS:
        return "dreamt" if noun.lemma in _DREAM_VERBS else "said"
    return _inherited(noun)


def _inherited(word: Word) -> Mode:
    """The mode of the clause a word stands in, its denial aside."""
    node = word
    while not _is_verb(node):
        if node.head is node:
            return "asserted"
        if node.dep == "pobj" and node.head.low == "of" and (framed := frame_noun(node.head.head)):
            return framed
        node = node.head
    own = _own_mode(node)
    if own == "hypothetical":
        return own
    return _adverbials(node, node.at) or _governed(node)


def framing(word: Word) -> Mode | None:
    """The picture, dream or tale of which a word is told: 'the portrait of Corin'."""
    while not _is_verb(word) and word.head is not word:
        if word.dep == "pobj" and word.head.low == "of" and (framed := frame_noun(word.head.head)):
            return framed
        if word.dep == "pobj" and word.head.low == "for" and word.head.head.lemma in _LONGING:
            return "hypothetical"
        word = word.head
    return None


def verb_of(word: Word) -> Word | None:
    """The verb of the clause a word stands in."""
    while not _is_verb(word):
        if word.head is word:
            return None
        word = word.head
    return word


def frame_noun(noun: Word) -> Mode | None:
    """Which dream, memory, tale or picture a noun is, if it is one."""
    lemma = noun.lemma
    if lemma in _DREAMS:
        return "dreamt"
    if lemma in _MEMORIES:
        return "past"
    if lemma in _TALES:
        return "said"
    if lemma in _IMAGES | _WRITTEN:
        return "depicted"
    return None


def _adverbials(verb: Word, at: int) -> Mode | None:
    """'In her dream', 'in the portrait', 'years ago': what sets a clause's scene."""
    for child in verb.children:
        if child.dep == "prep" and (framed := _scene(child, before=child.at < verb.at)):
            return framed
        if child.dep in ("advmod", "npadvmod", "advcl") and _long_ago(child, verb):
            return "past"
    return None


def _scene(prep: Word, *, before: bool) -> Mode | None:
    if prep.low == "according":
        return "said"
    if prep.low not in _SCENE:
        return None
    for noun in _pobjs(prep):
        if noun.low == "stage" and prep.low == "on":
            return "depicted"
        # Holding a letter is not being in it: only what the clause stands in.
        inside = before or noun.lemma in _DREAMS | _MEMORIES | _IMAGES
        if inside and noun.ref is None and (framed := frame_noun(noun)):
            return framed
    return None


def _long_ago(adverb: Word, verb: Word) -> bool:
    within = [*adverb.children]
    if adverb.low in _PAST_WORDS or any(c.low == "ago" for c in within):
        return True
    if adverb.low in ("ago", "before", "earlier"):
        return adverb.low == "ago" or any(c.dep == "npadvmod" for c in within)
    if adverb.low == "once":
        return adverb.dep == "advmod" and verb.kid("advmod") is adverb and not within
    return adverb.dep == "npadvmod" and any(c.low == "last" for c in within)


def _beside(word: Word) -> Iterator[Word]:
    for prep in word.kids("prep", "prt"):
        yield from _pobjs(prep)


def _pobjs(prep: Word) -> Iterator[Word]:
    for child in prep.children:
        if child.dep == "pobj":
            yield from joined([child])
        elif child.dep == "prep":
            yield from _pobjs(child)
