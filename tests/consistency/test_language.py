"""What the reader makes of letters, names, numbers and sentences."""

import pytest

from tasks.consistency.language.durations import number
from tasks.consistency.language.names import Names
from tests.consistency.worlds import WORLD


def names(*known: str) -> Names:
    """The names of a world with these places."""
    places = [
        WORLD.places[0].model_copy(update={"id": f"p{n}", "name": name})
        for n, name in enumerate(known)
    ]
    return Names(WORLD.model_copy(update={"places": places}))


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ("İstanbul", "You walk into istanbul."),
        ("the istanbul gate", "You walk into the \u0131stanbul gate."),
        ("the sister ship", "You walk onto the \u017fister \u017fhip."),
        ("the µ lab", "You enter the μ lab."),
        ("the old ship", "You board the \u017fhip."),
    ],
)
def test_letters_with_an_odd_lower_case_are_read(known: str, text: str) -> None:
    names(known).find(text)


@pytest.mark.parametrize(
    ("word", "value"), [("12", 12), ("forty-two", 42), ("²", None), ("①", None), ("١٢", 12)]
)
def test_numbers(word: str, value: int | None) -> None:
    assert number(word) == value
