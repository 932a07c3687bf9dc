"""Where the beats of an outline are found in the prose."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scoring.beats import told_in
from tasks.story.scene import Beat

PROSE = """Juno winds the tape back. “Listen,” she says, and the harbour hums.

The light goes out."""


def beats(*quotes: str) -> list[Beat]:
    return [Beat(text="Something happens.", quote=quote) for quote in quotes]


@pytest.mark.parametrize(
    ("quotes", "found"),
    [
        (["Juno winds the tape", "the harbour hums", "The light goes out."], [0, 1, 2]),
        (["juno  WINDS the tape", '"Listen," she says', "light goes out"], [0, 1, 2]),
        (["back. “Listen,” she says, and", "hums. The light"], [0, 1]),
        (["the harbour hums", "Juno winds the tape", "The light goes out."], [1, None, 2]),
        (["Juno winds the tape", "Juno winds the tape", "The light goes out."], [0, None, 2]),
        (["Juno winds the tape", "winds the tape back"], [0, None]),
        (["The boat comes in late.", "The light goes out."], [None, 2]),
        (["The light goes out.", "Juno winds the tape", "the harbour hums"], [2, None, 1]),
        (["Juno", "harbour hums", "", "..."], [None, None, None, None]),
        ([], []),
    ],
)
def test_a_beat_is_told_after_the_one_before_it(quotes: list[str], found: list[int | None]) -> None:
    assert told_in(beats(*quotes), PROSE) == found


SENTENCES = [f"The {name} stands before the {name} door." for name in "abcdefghijklmnop"]


@given(st.permutations(SENTENCES), st.sets(st.sampled_from(range(len(SENTENCES))), min_size=2))
def test_any_sentences_are_beats_in_their_order_and_in_no_other(
    told: Sequence[str], chosen: set[int]
) -> None:
    outline = [told[place] for place in sorted(chosen)]
    assert told_in(beats(*outline), " ".join(told)) == sorted(chosen)
    assert None in told_in(beats(*outline[::-1]), " ".join(told))
    backwards = told_in(beats(*outline), " ".join(reversed(told)))
    assert backwards[1:] == [None] * (len(chosen) - 1)


@given(st.lists(st.text(max_size=40), max_size=6), st.text(max_size=400))
def test_nothing_a_model_writes_stops_the_search(quotes: list[str], text: str) -> None:
    assert len(told_in(beats(*quotes), text)) == len(quotes)
