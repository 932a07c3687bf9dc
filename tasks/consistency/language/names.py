"""Finding a world's characters, places and items in prose, by their names and aliases."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.consistency.language.english import words
from tasks.story.world import World

Kind = Literal["character", "place", "item", "stranger"]
_ARTICLE = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)
_TITLES = words("words", "titles")
_NOT_IT = r"(?!['\u2019]?\s+(?:of|that|which|he|she|they|i|you|we)\b)(?!(?-i:\s+[A-Z]))"
"""'the coat Corin left' and 'the coat that hangs here' are other coats."""
_PLAIN = str.maketrans("\u2019\u2018\u02bc\u2010\u2011\u00a0\u202f", "'''--  ")
"""Marks that are written in more than one way, one for one, so that offsets stay."""
_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
"""An accented letter may be one character or two."""
_CAPITAL = re.compile(r"\b[A-Z][\w'\u2019-]+")
_WITHIN = re.compile(
    r"(?<=[a-z,;] )([A-Z][a-z]{2,})(?![\w'\u2019]|\s+[A-Z]?[a-z]*\s?(?:Street|Road|Square))"
)
"""A word with a capital that does not begin a sentence."""
_QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")
_NO_NAMES = words("words", "no_names")
_DETERMINER = r"(?:the|your|my|our|this|that)"


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a text, by offsets."""

    start: int
    end: int
    kind: Kind
    id: str
    whole: bool
    """By its name or alias, not by a part of it."""


class Names:
    """The names of one world, ready to be found."""

    def __init__(self, world: World) -> None:
        self.ids: dict[str, tuple[Kind, str, bool]] = {}
        self.clashes: list[tuple[str, str, str]] = []
        self.pronouns = {
            c.id: f"*{c.pronouns.split('/')[0].strip().lower()}*" for c in world.characters
        }
        """'*he*', '*she*' or '*they*' of every character."""
        exact: list[str] = []
        folded: list[str] = []
        self._add(world, exact, folded)
        heads = self._heads(world)
        self._exact = _alternation(exact, 0)
        self._folded = _alternation(folded, re.IGNORECASE)
        self._heads_pattern = (
            re.compile(
                rf"\b{_DETERMINER}\s+({'|'.join(map(re.escape, heads))})\b{_NOT_IT}", re.IGNORECASE
            )
            if heads
            else None
        )
        self._head_ids = heads
        self._kin = _kinship(world)
        self._world_words = {w.lower() for w in _CAPITAL.findall(world.model_dump_json())}

    def strangers(self, texts: Sequence[str]) -> frozenset[str]:
        """Words with a capital within sentences that nothing in the world accounts for."""
        found = set()
        for text in texts:
            plain = _QUOTED.sub('"', text.translate(_PLAIN))
            known = {n for m in self.find(plain) for n in range(m.start, m.end)}
            for match in _WITHIN.finditer(plain):
                if match.start(1) not in known and self._strange(match[1]):
                    found.add(match[1])
        return frozenset(found)

    def _strange(self, word: str) -> bool:
        low = word.lower()
        return not (
            low in self._world_words or low in _NO_NAMES or low in _TITLES
            or low.endswith(("ish", "ese", "ean", "ian", "day"))
        )  # fmt: skip

    def with_strangers(self, text: str, strangers: frozenset[str]) -> "list[Mention]":
        """Every mention, those of strangers too."""
        found = self.find(text)
        if not strangers:
            return found
        taken = {n for m in found for n in range(m.start, m.end)}
        words = "|".join(map(re.escape, sorted(strangers)))
        for match in re.finditer(rf"\b(?:{words})(?:\s+(?:{words}))*\b", text):
            before = text[: match.start()].split()[-1:]
            if {match.start() - 2, match.end() + 1} & taken:
                # Part of a longer name.
                continue
            of_kind = [w.lower() for w in before] in (["the"], ["a"], ["an"], ["this"], ["that"])
            if not of_kind and not taken & set(range(match.start(), match.end())):
                found.append(
                    Mention(match.start(), match.end(), "stranger", "?" + match.group(), True)
                )
        return sorted(found, key=lambda m: m.start)

    def kin(self, whose: str, noun: str) -> str:
        """The id of somebody's father, wife or friend, if the world has just one."""
        found = self._kin.get((whose, noun), set())
        return next(iter(found)) if len(found) == 1 else ""

    def relatives(self, whose: str, noun: str) -> frozenset[str]:
        """The ids of somebody's sisters, sons or friends."""
        return frozenset(self._kin.get((whose, noun), ()))

    def _add(self, world: World, exact: list[str], folded: list[str]) -> None:
        named: list[tuple[Kind, str, str]] = []
        for c in world.characters:
            named += [("character", c.id, n) for n in (c.name, *c.aliases)]
        for p in world.places:
            named += [("place", p.id, n) for n in (p.name, *p.aliases)]
        for i in world.items:
            named += [("item", i.id, n) for n in (i.name, *i.aliases)]
        for kind, one, name in named:
            self._put(kind, one, name, True, exact, folded)
        # Parts of a person's name, where only one person has them.
        parts = Counter(part for c in world.characters for part in {*_parts(c.name)})
        for c in world.characters:
            for part in _parts(c.name):
                if parts[part] == 1 and part.lower() not in self.ids:
                    self._put("character", c.id, part, False, exact, folded)

    def _put(
        self, kind: Kind, one: str, name: str, whole: bool, exact: list[str], folded: list[str]
    ) -> None:
        bare = _ARTICLE.sub("", name.translate(_PLAIN)).strip()
        known = self.ids.get(bare.lower())
        if known and known[1] != one:
            self.clashes.append((bare, known[1], one))
            return
        # 'Rose' is somebody, 'rose' a flower; 'the ferryman' and items may begin a sentence.
        proper = kind == "character" and bare[:1].isupper() and bare == name.translate(_PLAIN)
        for form in _FORMS:
            written = unicodedata.normalize(form, bare)
            self.ids[written.lower()] = (kind, one, whole)
            (exact if proper else folded).append(written)

    def _heads(self, world: World) -> dict[str, tuple[Kind, str]]:
        """Last words of the names of items and places that mean only one of them."""
        found: dict[str, tuple[Kind, str]] = {}
        named: list[tuple[Kind, str, str]] = [("item", i.id, i.name) for i in world.items]
        named += [("place", p.id, p.name) for p in world.places]
        nouns = Counter(_head(name) for _, _, name in named)
        taken = {word for name in self.ids for word in name.split() if " " not in name}
        for kind, one, name in named:
            head = _head(name)
            if nouns[head] == 1 and len(head) > 2 and head not in taken and head in name.lower():
                found[head] = (kind, one)
        return found

    def find(self, text: str) -> list[Mention]:
        """Every mention, in order, none overlapping; the longest name wins."""
        text = text.translate(_PLAIN)
        found: list[Mention] = []
        for pattern in (self._exact, self._folded):
            for match in pattern.finditer(text) if pattern else ():
                # A few letters, such as 'İ', match others than their lower case.
                if known := self.ids.get(match.group().lower()):
                    found.append(Mention(match.start(), match.end(), *known))
        for match in self._heads_pattern.finditer(text) if self._heads_pattern else ():
            if head := self._head_ids.get(match.group(1).lower()):
                found.append(Mention(match.start(1), match.end(1), *head, False))
        found.sort(key=lambda m: (m.start, -m.end))
        kept: list[Mention] = []
        for mention in found:
            if (not kept or mention.start >= kept[-1].end) and not _namesake(text, mention):
                kept.append(mention)
        return kept


_ANSWERS = {"father": "child", "mother": "child", "son": "parent", "daughter": "parent",
            "child": "parent", "brother": "sibling", "sister": "sibling", "twin": "sibling",
            "husband": "spouse", "wife": "spouse", "uncle": "nibling", "aunt": "nibling",
            "nephew": "pibling", "niece": "pibling", "grandfather": "grandchild",
            "grandmother": "grandchild", "grandson": "grandparent",
            "granddaughter": "grandparent"}  # fmt: skip
_BY_PRONOUN = {"child": ("son", "daughter"), "parent": ("father", "mother"),
               "sibling": ("brother", "sister"), "spouse": ("husband", "wife"),
               "nibling": ("nephew", "niece"), "pibling": ("uncle", "aunt"),
               "grandchild": ("grandson", "granddaughter"),
               "grandparent": ("grandfather", "grandmother")}  # fmt: skip


def _misfits(kin: str, pronoun: str) -> bool:
    """Whether nobody of a pronoun is that: a 'she' is no brother."""
    sexes = {
        name: sex for pair in _BY_PRONOUN.values() for name, sex in zip(pair, _SEXES, strict=True)
    }
    return pronoun in _SEXES and sexes.get(kin, pronoun) != pronoun


_SEXES = ("he", "she")


def _kinship(world: World) -> dict[tuple[str, str], set[str]]:
    """Whose what somebody is: `("dana", "father")` is Harold. A world says that Harold is Dana's
    father, or that Dana is Harold's daughter, or both."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    pronouns = {c.id: c.pronouns.lower().partition("/")[0] for c in world.characters}
    for one in world.characters:
        for tie in one.relationships:
            kind = tie.kind.lower()
            if tie.whom not in pronouns:
                continue
            for word in kind.split():
                if word in _ANSWERS and "-" not in kind:
                    kin, other = one.id, tie.whom
                    if _misfits(word, pronouns[kin]) and not _misfits(word, pronouns[other]):
                        # 'Mira: Corin, brother' says what he is to her.
                        kin, other = other, kin
                    found[other, word].add(kin)
                    pair = _BY_PRONOUN[_ANSWERS[word]]
                    for name in pair:
                        if pronouns[other] in ("he", "she") and not _misfits(name, pronouns[other]):
                            found[kin, name].add(other)
    return found


def _parts(name: str) -> list[str]:
    words = name.split()
    if len(words) == 1:
        return []
    return [w for w in words if w.lower() not in _TITLES and len(w) > 2 and w[0].isupper()]


def _head(name: str) -> str:
    bare = re.split(r"\s+(?:of|from|in|at|on|with|for)\s+", _ARTICLE.sub("", name).lower())[0]
    return bare.split()[-1]


def _alternation(names: list[str], flags: int) -> re.Pattern[str] | None:
    if not names:
        return None
    ordered = sorted(set(names), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, ordered))})(?![\w-])", flags)


def _namesake(text: str, mention: Mention) -> bool:
    """'the Corin' is a ship, 'Corin Street' a street, 'another Corin' somebody else."""
    before = text[max(0, mention.start - 12) : mention.start].split()
    if before and before[-1].lower() in {"another", "a", "an", "no", "any", "every", "some"}:
        return True
    if mention.kind != "character":
        return False
    after = re.match(r"\s+([A-Z][a-z]+)\b", text[mention.end :])
    return bool(
        after
        and after.group(1)
        in {"Street", "Road", "Lane", "Square", "Hall", "House", "Bridge", "Rock", "Point", "Inn"}
    )
