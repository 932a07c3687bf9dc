"""Single-valued facts keep their value: eyes do not change colour, towers do not multiply."""

from collections.abc import Iterator

from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language.durations import number
from tasks.consistency.language.english import section, words
from tasks.consistency.language.tokens import stem
from tasks.consistency.language.tree import Word
from tasks.story.verdict import Severity
from tasks.story.world import Fact

_SORTS = tuple(frozenset(sort.split()) for sort in section("values").values())
_EMPTY = words("words", "empty_attributes")


def changed(case: Case) -> Iterator[Finding]:
    """An attribute with one value is not given another."""
    for fact in case.world.facts:
        if not (fact.about and fact.attribute and fact.value) or not _touched(case, fact):
            continue
        for passage in case.passages:
            for n, (sentence, row) in enumerate(zip(passage.sentences, passage.words, strict=True)):
                if not passage.plainly(n):
                    continue
                other = _other_value(case, fact, row, passage.words)
                if other:
                    yield Finding(
                        f"{fact.attribute} of {case.name(fact.about or '')} is {fact.value}, "
                        f"not {other}.",
                        quote=sentence.text,
                        fact=fact.text,
                        source=fact.id,
                        fix=f"Write {fact.value}.",
                        found_by="inferred",
                        confidence=0.9,
                        key=fact.id,
                    )


def _touched(case: Case, fact: Fact) -> bool:
    """Whether the text may speak of an attribute at all."""
    low = case.text.lower()
    nouns = [w for w in (fact.attribute or "").lower().split() if w not in _EMPTY]
    return not nouns or any(stem(noun)[:4] in low for noun in nouns)


def _other_value(case: Case, fact: Fact, row: list[Word], rows: list[list[Word]]) -> str | None:
    """Another value of the same sort, said of this attribute of its owner."""
    values = set((fact.value or "").lower().replace("-", " ").split())
    sort = next((c for c in _SORTS if c & values), None)
    count = next((number(v) for v in values if number(v) is not None), None)
    if sort is None and count is None:
        return None
    nouns = {stem(w) for w in (fact.attribute or "").lower().split() if w not in _EMPTY}
    material = not nouns
    if not nouns <= {stem(w.low) for w in row}:
        return None
    heads = [n for n, w in enumerate(row) if not w.ref and stem(w.low) in nouns]
    if material:
        heads = [n for n, w in enumerate(row) if w.ref and w.ref.id == fact.about]
    for at in heads:
        if not material and not _owned(case, fact.about or "", row, at, rows):
            continue
        for n in _describing(row, at):
            low = row[n].low
            if low in values or (number(low) is not None and number(low) == count):
                break
            if sort and any(part in sort for part in low.split("-")) and low not in values:
                return low
            if count is not None and number(low) not in (None, count):
                return low
    return None


def _describing(row: list[Word], at: int) -> Iterator[int]:
    """Words that describe the noun at an index: up to three before it, or after 'is'."""
    for n in range(at - 1, max(-1, at - 4), -1):
        if row[n].low in {",", ";", "and", "with", "of", "from"} and n != at - 2:
            break
        yield n
    if at + 2 < len(row) and row[at + 1].low in {
        "is",
        "are",
        "was",
        "were",
        "turn",
        "shine",
        "gleam",
    }:
        negated = row[at + 2].low in {"not", "no", "never", "like"}
        if not negated:
            yield from range(at + 2, min(len(row), at + 5))


def _owned(case: Case, about: str, row: list[Word], at: int, rows: list[list[Word]]) -> bool:
    """Whether the noun at an index belongs to the one the fact is about."""
    people = case.atlas.characters
    before = row[max(0, at - 6) : at]
    owners = [w.ref.id for w in before if w.ref and w.owns]
    if owners:
        return owners[-1] == about
    possessives = [w.low for w in before if w.low in {"your", "my", "his", "her", "their", "its"}]
    if about in people:
        if possessives and possessives[-1] in {"your", "my"}:
            return case.lead == about
        said = {w.ref.id for r in rows for w in r if w.ref and w.ref.kind == "character"}
        if possessives and possessives[-1] in {"his", "her"}:
            wanted = "*he*" if possessives[-1] == "his" else "*she*"
            fits = [who for who in said if case.atlas.names.pronouns.get(who) == wanted]
            return fits == [about]
        near = {w.ref.id for w in row if w.ref and w.ref.kind == "character"}
        return near == {about} and any(w.low in {"has", "have", "with", "of"} for w in row)
    return any(w.ref and w.ref.id == about for w in row)


CHECKS = (
    Check(
        "D8",
        "a fixed fact changes",
        "coherence",
        Severity.ERROR,
        changed,
        "Mira's eyes are grey. 'Mira's green eyes narrow.'",
        "Mira's eyes are grey. 'In the portrait her eyes are green.'",
        lambda case: any(f.attribute and f.value for f in case.world.facts),
    ),
)
