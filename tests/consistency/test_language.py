"""What the reader makes of letters, names, numbers and sentences."""

import pytest

from tasks.consistency.language.durations import number, span
from tasks.consistency.language.names import Names
from tasks.consistency.language.passage import read
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
    ("name", "text", "firm"),
    [
        ("Dawn", "Dawn breaks over the harbour.", False),
        ("Hope", "Hope fills you.", False),
        ("Frost", "Frost covers the panes and bites your fingers.", False),
        ("Captain Grey", "Grey clouds gather.", False),
        ("Fox", "Fox tracks cross the snow.", False),
        ("Winter", "Winter grips the harbour.", False),
        ("Dawn", "You nod to Dawn. Dawn opens the door.", True),
        ("Captain Grey", "Captain Grey opens the door. Grey grins.", True),
        ("Corin", "Corin opens the door.", True),
        ("Will", "Will nods to you.", True),
        ("Hunter", "Hunter grabs your arm.", True),
    ],
)
def test_a_name_that_is_a_word(name: str, text: str, firm: bool) -> None:
    people = [WORLD.characters[0].model_copy(update={"id": "x", "name": name, "aliases": []})]
    (passage,) = read((text,), Names(WORLD.model_copy(update={"characters": people})))
    assert {c.firm for c in passage.clauses if "x" in c.subjects} <= {firm}
    assert firm is False or any("x" in c.subjects for c in passage.clauses)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ka'el", "Ka\u2019el"),
        ("Ka\u2019el", "Ka'el"),
        ("Zo\u00eb", "Zoe\u0308"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("Jean-Luc", "Jean\u2011Luc"),
        ("Mira Vane", "Mira\u00a0Vane"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, written: str) -> None:
    people = [WORLD.characters[0].model_copy(update={"id": "x", "name": name, "aliases": []})]
    found = Names(WORLD.model_copy(update={"characters": people})).find(f"You see {written}.")
    assert [(m.id, m.start, m.end) for m in found] == [("x", 8, 8 + len(written))]


@pytest.mark.parametrize(
    ("word", "value"), [("12", 12), ("forty-two", 42), ("²", None), ("①", None), ("١٢", 12)]
)
def test_numbers(word: str, value: int | None) -> None:
    assert number(word) == value


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("A quarter of an hour later you stand on the peak.", 15),
        ("Three quarters of an hour later you stand there.", 45),
        ("Half an hour later you stand there.", 30),
        ("A fortnight went by.", 20160),
        ("There is ten minutes' recess.", 10),
        ("They set out at eight and arrive well before nine.", 60),
        ("She leaves at half past eight and is back by a quarter to ten.", 75),
        ("They are at ease with the nine of them.", None),
    ],
)
def test_durations(text: str, minutes: int | None) -> None:
    assert span(text).minutes == minutes
