"""What does not hold together in a world or a brief is named."""

from pathlib import Path

import pytest

from tasks.core.errors import InputError
from tasks.core.validation import MOST_PROBLEMS
from tasks.world.load import load_brief, load_world
from tests.world.worlds import SOUND, line_of, refusal, written

SLIPS = [
    # (what stands there, what is put there, the field named, words of the message)
    ("place: ferry-quay", "place: fery-quay", "characters[0].place", "did you mean 'ferry-quay'"),
    ("items: [brass-key,", "items: [bras-key,", "characters[0].items[0]", "no item 'bras-key'"),
    ("[light-automatic,", "[nothing,", "characters[0].knowledge[0]", "no fact or event"),
    ("whom: anselm, kind: niece", "whom: anselmo, kind: niece",
     "characters[0].relationships[0].whom", "did you mean 'anselm'"),
    ("whom: anselm, kind: niece", "whom: ines, kind: niece",
     "characters[0].relationships[0].whom", "itself"),
    ("whom: varley, kind: family friend", "whom: anselm, kind: family friend",
     "characters[0].relationships[1].whom", "already"),
    ("id: anselm\n", "id: ines\n", "characters[1].id", "id of characters[0] already"),
    ("id: night-ferry", "id: ferry-quay", "places[1].id", "places[0]"),
    ("id: light-automatic", "id: brass-key", "facts[0].id", "items[0]"),
    ("id: the-dead-stay-dead", "id: no-ghosts", "rules[1].id", "rules[0]"),
    ("[old Anselm, Anselm,", "[old Anselm, INES,", "characters[1].aliases[1]", "of 'ines' too"),
    ("name: the bird observatory", "name: Museum", "places[7].name", "of 'lamp-museum' too"),
    ("within: lighthouse", "within: lighthose", "places[11].within", "did you mean 'lighthouse'"),
    ("within: lighthouse", "within: lamp-room", "places[11].within", "lamp-room -> lamp-room"),
    ("[ferry-quay, night-ferry]", "[ferry-quay, ferry]", "roads[0].between[1]", "no place"),
    ("[ferry-quay, night-ferry]", "[ferry-quay, ferry-quay]", "roads[0].between", "to itself"),
    ("place: keepers-cottage", "place: cottage", "items[2].place", "no place 'cottage'"),
    ("items: [thermos]", "items: [brass-key]", "characters[5].items[0]", "held by 'ines'"),
    ("items: [thermos]", "items: [logbook]", "items[2].place", "'pippa' holds it"),
    ("about: brass-key", "about: brass-kay", "facts[2].about", "did you mean 'brass-key'"),
    ("    value: eleven\n", "", "facts[1].value", "is missing"),
    ("form: {kind: forbid_effect, effect: returns, who: [anselm]}",
     "form: {kind: forbid_effect, effect: returns, who: [anslem]}",
     "rules[1].form.who[0]", "did you mean 'anselm'"),
    ("what: [brass-key]", "what: [brass]", "rules[2].form.what[0]", "no item, place, fact or"),
    ("except_who: [ines,", "except_who: [inez,", "rules[2].form.except_who[0]", "'ines'"),
    ("who: [stroud], what: [lamp-room]}", "who: [stroud], at: [lamp]}",
     "rules[5].form.at[0]", "no place 'lamp'"),
    ("what: [flare-pistol]", "what: [flare]", "rules[3].form.what[0]", "no item"),
    ("    who: [anselm]\n    where: lighthouse\n    causes", "    who: [anselma]\n    causes",
     "timeline[1].who[0]", "did you mean 'anselm'"),
    ("where: lighthouse", "where: light", "timeline[0].where", "no place"),
    ("causes: [deed-signed]", "causes: [deed-singed]", "timeline[1].causes[0]", "'deed-signed'"),
    ("causes: [deed-signed]", "causes: [light-fails]", "timeline[1].causes[0]", "is later"),
    ("causes: [deed-signed]", "causes: [anselm-begins]", "timeline[1].causes",
     "anselm-begins -> anselm-begins"),
    ("    when: 1861-05-01T10:00:00\n", "", "timeline[1].causes[0]", "needs a `when`"),
    ("when: 1861-05-01T10:00:00", "when: 1861", "timeline[0].when", "a date and a time"),
    ("when: 1861-05-01T10:00:00", "when: 1861-05-01T10:00:00Z", "timeline[0].when", "time zone"),
    ("born: 1991-02-11", "born: 1991", "characters[0].born", "must be a date"),
    ("kind: forbid_terms", "kind: forbid", "rules[0].form.kind", "is not one of"),
    ("kind: forbid_terms\n", "", "rules[0].form.kind", "is missing"),
    ("value: 0.8}", "value: 8}", "characters[0].relationships[0].value", "less than or equal to 1"),
    ("id: ines\n", "id: Ines C\n", "characters[0].id", "a-z"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "put", "field", "words"), SLIPS)
def test_a_slip(there: str, put: str, field: str, words: str, tmp_path: Path) -> None:
    assert there in SOUND
    text = SOUND.replace(there, put, 1)
    error = refusal(tmp_path, text)
    named = {one.field: one for one in (error, *error.also)}
    assert field in named
    assert words in str(named[field])
    if put.strip():
        near = line_of(SOUND, there)
        line = named[field].line
        assert line
        elsewhere = {"items[2].place", "timeline[1].causes"}
        assert field in elsewhere or near - 1 <= line <= near + put.count("\n") + 1


def test_a_cycle_of_causes_is_spelled_out(tmp_path: Path) -> None:
    text = SOUND.replace(
        "    text: Tobias Renn comes home.\n    who: [tobias]\n    causes: [tobias-goes]",
        "    text: Tobias Renn comes home.\n    who: [tobias]\n    causes: [relay-found]",
    ).replace("where: generator-shed\n    causes: [relay-fitted]", "causes: [tobias-returns]")
    error = refusal(tmp_path, text)
    assert "cause each other" in str(error)
    assert "tobias-returns -> relay-found -> tobias-returns" in str(error) or (
        "relay-found -> tobias-returns -> relay-found" in str(error)
    )
    assert error.field.startswith("timeline[")


def test_places_within_each_other(tmp_path: Path) -> None:
    text = SOUND.replace(
        "name: the Gannet Light\n", "name: the Gannet Light\n    within: lamp-room\n"
    )
    assert "places within each other" in str(refusal(tmp_path, text))


def test_several_faults_are_named_at_once_in_order(tmp_path: Path) -> None:
    text = SOUND.replace("place: net-loft", "place: loft").replace("where: causeway", "where: sea")
    error = refusal(tmp_path, text)
    every = [error, *error.also]
    assert len(every) == len(str(error).splitlines()) == 1 + text.count("where: sea")
    lines = [one.line or 0 for one in every]
    assert lines == sorted(lines)


def test_a_thousand_faults_do_not_flood_the_terminal(tmp_path: Path) -> None:
    many = "".join(f"  - {{id: i{n}, name: thing {n}, place: nowhere}}\n" for n in range(1000))
    error = refusal(
        tmp_path, SOUND.replace("items:\n  - id: brass-key", f"items:\n{many}  - id: brass-key")
    )
    assert len(str(error).splitlines()) == MOST_PROBLEMS + 1
    assert "there is more" in str(error)


BRIEF_SLIPS = [
    ("protagonist: ines", "protagonist: innes", "protagonist", "did you mean 'ines'"),
    ("protagonist: ines", "protagonist: anselm", "protagonist", "is dead"),
    ("protagonist: ines", "protagonist: tobias", "protagonist", "is absent"),
    ("place: ferry-quay", "place: quay", "place", "no place 'quay'"),
    ("cast: [okafor,", "cast: [okafour,", "cast[0]", "did you mean 'okafor'"),
    ("code: true", "code: 'yes'", "code", "true or false"),
    ("words_per_scene: 200", "words_per_scene: 2", "words_per_scene", "greater than or equal"),
    ("tone:", "tune:", "tune", "did you mean 'tone'"),
    ("discovery,", "comedy,", "endings[1]", "'comedy' is not one of"),
]


@pytest.mark.parametrize(("there", "put", "field", "words"), BRIEF_SLIPS)
def test_a_slip_in_a_brief(there: str, put: str, field: str, words: str, tmp_path: Path) -> None:
    from examples import worlds

    sound = (worlds()["the-lighthouse"].parent / "briefs" / "last-ferry.yaml").read_text("utf-8")
    file = tmp_path / "brief.yaml"
    text = sound.replace(there, put, 1)
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load_brief(file, load_world("the-lighthouse"))
    assert caught.value.field == field
    assert caught.value.line == line_of(text, put)
    assert words in str(caught.value)


def test_a_brief_in_place_of_a_world_is_told_apart() -> None:
    from examples import worlds

    world = worlds()["the-lighthouse"]
    brief = world.parent / "briefs" / "last-ferry.yaml"
    with pytest.raises(InputError, match=r"last-ferry.yaml:1: .*a brief; a world is wanted"):
        load_world(brief)
    with pytest.raises(InputError, match="a world; a brief is wanted"):
        load_brief(world, load_world(world))


def test_a_world_without_a_brief_names_the_folder_for_it(tmp_path: Path) -> None:
    world = load_world(written(tmp_path, SOUND.encode()))
    with pytest.raises(InputError) as caught:
        load_brief("", world, tmp_path / "world.yaml")
    assert str(tmp_path / "briefs") in str(caught.value)
