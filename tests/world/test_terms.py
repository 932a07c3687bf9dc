"""Terms are found in earnest: inflected and disguised, but not denied, in an idiom or in a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.world.terms import find_terms

TERMS = ("die", "kill", "knife", "blood", "stab", "rat", "slit her throat", "shoot", "wound", "bet")


def words(text: str) -> list[str]:
    return [hit.words for hit in find_terms(TERMS, text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He drew a knife.", "knife"),
        ("He drew two KNIVES.", "KNIVES"),
        ("They stabbed him.", "stabbed"),
        ("The killer's hat.", "killer"),
        ("She was dying.", "dying"),
        ("His sleeve was bloody.", "bloody"),
        ("He slit her throat.", "slit her throat"),
        ("She shot him.", "shot"),
        ("Not a moment later he killed him.", "killed"),
        ("No sooner had he killed the guard than it rained.", "killed"),
        ("Not only killed, but eaten.", "killed"),
        ("Nobody died until dawn.", "died"),
        ("No one died except the cook.", "died"),
        ("Nobody stopped the killing.", "killing"),
        ("The kn\u200bife shone.", "kn\u200bife"),
        ("The k-n-i-f-e shone.", "k-n-i-f-e"),
        ("The \u043anife shone.", "\u043anife"),
        ("The \uff4b\uff4eife shone.", "\uff4b\uff4eife"),
        ("The knífe shone.", "knífe"),
    ],
)
def test_found(text: str, found: str) -> None:
    assert words(text) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "No one died.",
        "Nobody had been killed.",
        "Without a knife he is nobody.",
        "She didn't kill it.",
        "There was no trace of blood.",
        "None of them died.",
        "She killed the lights.",
        "He killed an hour at the bar.",
        "A blood orange rolled off the table.",
        "The wind died down.",
        "The light had died.",
        "He put the butter knife away.",
        "A shooting star fell.",
        "He took a stab at it.",
        "The path wound up the hill.",
        "A rating of ten.",
        "That is a better skill.",
        "The diet of Worms.",
    ],
)
def test_passed(text: str) -> None:
    assert words(text) == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_hit_is_quoted_as_it_stands(before: str, after: str) -> None:
    text = f"{before} knife {after}"
    for hit in find_terms(TERMS, text):
        assert hit.words in text
        assert hit.sentence in text
        assert hit.words in hit.sentence or "\n" in hit.words


@given(st.sampled_from(TERMS), st.text(alphabet="\u200b\u00ad\u0301", min_size=1, max_size=3))
def test_what_cannot_be_seen_hides_nothing(term: str, invisible: str) -> None:
    assert words(f"x {term[0]}{invisible}{term[1:]} x")
