"""A parsed sentence with the world's names in it: each name is one word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tasks.consistency.language.names import Mention, Names
from tasks.consistency.language.parser import Token, Tree

_FIRST = {
    "*he*": ("John", "Peter", "James", "Thomas"),
    "*she*": ("Mary", "Anna", "Sarah", "Alice"),
}
"""What the parser reads in place of the cast's names, which may be words or rare."""
_SPEECH = "Yes"


@dataclass(slots=True, eq=False)
class Word:
    """A word of a sentence, or a whole name, with what hangs on it in the tree."""

    text: str
    low: str
    at: int
    """Offset in the sentence's plain text."""
    lemma: str
    tag: str
    dep: str
    ref: Mention | None = None
    head: "Word" = field(init=False, repr=False)
    before: "Word | None" = field(default=None, repr=False)
    after: "Word | None" = field(default=None, repr=False)
    children: list["Word"] = field(default_factory=list, repr=False)

    @property
    def owns(self) -> bool:
        """A name in the possessive: 'Corin's'."""
        return self.dep == "poss" or any(c.dep == "case" for c in self.children)

    def kids(self, *deps: str) -> Iterator["Word"]:
        """The words that hang on it in one of these ways."""
        return (c for c in self.children if c.dep in deps)

    def kid(self, *deps: str) -> "Word | None":
        """The first of them."""
        return next(self.kids(*deps), None)

    def above(self) -> "Iterator[Word]":
        """The words it hangs on, up to the root."""
        word = self
        while word.head is not word:
            word = word.head
            yield word

    @property
    def verbal(self) -> bool:
        """Whether it is a verb."""
        return self.tag[:1] == "V" or self.tag == "MD"


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence as the parser is given it; `spans` are (start, end, start, end) of what was put
    in place of something, there and in the plain text."""

    text: str
    spans: tuple[tuple[int, int, int, int], ...]

    def back(self, at: int) -> int:
        """The offset in the plain text of an offset in this one."""
        shift = 0
        for start, end, first, last in self.spans:
            if at < start:
                break
            if at < end:
                return first
            shift = last - end
        return at + shift


def written(plain: str, mentions: Sequence[Mention], names: Names) -> Written:
    """A sentence with plain first names for the cast's, and a word for direct speech."""
    cuts: list[tuple[int, int, str]] = []
    used: dict[str, int] = {}
    for mention in mentions:
        if mention.kind in ("character", "stranger") and plain[mention.start].isupper():
            kind = names.pronouns.get(mention.id, "")
            choice = _FIRST.get(kind, ("Robin", "Alex", "Chris", "Kim"))
            nth = used.setdefault(mention.id, len(used))
            cuts.append((mention.start, mention.end, choice[nth % len(choice)]))
    for match in re.finditer('"', plain):
        first = not plain[: match.start()].strip()
        more = plain[match.end() :].strip()
        stand = f"{_SPEECH}," if first and more else _SPEECH.lower()
        cuts.append((match.start(), match.end(), stand))
    parts: list[str] = []
    spans: list[tuple[int, int, int, int]] = []
    done = length = 0
    for start, end, stand in sorted(cuts):
        if start < done:
            continue
        parts += [plain[done:start], stand]
        length += start - done
        spans.append((length, length + len(stand), start, end))
        length += len(stand)
        done = end
    parts.append(plain[done:])
    return Written("".join(parts), tuple(spans))


def words(plain: str, given: Written, tree: Tree, mentions: Sequence[Mention]) -> list[Word]:
    """The words of a sentence, in order, linked to each other."""
    places = [given.back(token.at) for token in tree]
    owner = [
        next((m for m in mentions if m.start <= at < m.end), None) if tree[n].text.strip() else None
        for n, at in enumerate(places)
    ]
    stand: list[int] = []
    for n, mention in enumerate(owner):
        inside = [i for i, other in enumerate(owner) if mention is not None and other is mention]
        stand.append(_head(inside, tree) if inside else n)
    made: dict[int, Word] = {}
    for n in sorted({*stand}):
        if not tree[n].text.strip():
            continue
        token, mention = tree[n], owner[n]
        at = mention.start if mention else places[n]
        text = plain[mention.start : mention.end] if mention else token.text
        made[n] = Word(
            text, text.lower().replace("\u2019", "'"), at, token.lemma.lower(), token.tag,
            token.dep, mention,
        )  # fmt: skip
    for word in made.values():
        word.head = word
    for n, word in made.items():
        # What hung on another part of a name hangs on the name, unless the name hangs on it.
        head = made.get(stand[tree[n].head], word)
        if word not in (head, *head.above()):
            word.head = head
        if word.head is not word:
            word.head.children.append(word)
    row = list(made.values())
    for one, other in pairwise(row):
        one.after, other.before = other, one
    return row


def _head(inside: Sequence[int], tree: Sequence[Token]) -> int:
    """The word of a name on which the others hang."""
    return next((n for n in inside if tree[n].head not in inside or tree[n].head == n), inside[-1])
