from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.story.effects import Effect
from tasks.story.state import PathState
from tests.bench.consistency.cases import effect
from tests.consistency.worlds import WORLD, effects, state

PEOPLE = [c.id for c in WORLD.characters] + ["nobody"]
PLACES = [p.id for p in WORLD.places] + ["nowhere"]
ITEMS = [i.id for i in WORLD.items] + ["nothing"]


def _lines() -> st.SearchStrategy[str]:
    who, place, item = map(st.sampled_from, (PEOPLE, PLACES, ITEMS))
    fact, promise = st.sampled_from(["arson", "trial", "x"]), st.sampled_from(["p", "q"])
    shapes = [
        st.builds("moves {} {}".format, who, place),
        st.builds("gains {} {}".format, who, item),
        st.builds("loses {} {}".format, who, item),
        st.builds("uses {} {}".format, who, item),
        st.builds("dies {}".format, who),
        st.builds("departs {}".format, who),
        st.builds("returns {} {}".format, who, place),
        st.builds("learns {} {}".format, who, fact),
        st.builds("tells {} {} {}".format, who, who, fact),
        st.builds("meets {} {}".format, who, who),
        st.builds("feels {} {} {}".format, who, who, st.floats(-2, 2)),
        st.builds("promises {} {} {}".format, who, who, promise),
        st.builds("keeps {} {}".format, who, promise),
        st.builds("breaks {} {}".format, who, promise),
        st.builds("destroys {}".format, st.one_of(place, item)),
        st.builds("closes {}".format, place),
        st.builds("opens {}".format, place),
        st.builds("time_passes {}".format, st.integers(0, 52_560_000)),
        st.builds("happens {}".format, st.sampled_from(["arrest", "trial", "no"])),
    ]
    return st.one_of(shapes)


EFFECTS = st.lists(_lines().map(lambda line: effect(line, "words")), max_size=30)


@given(st.lists(EFFECTS, max_size=4))
def test_no_effects_break_what_must_hold(path: list[list[Effect]]) -> None:
    now = PathState.opening(WORLD)
    for number, step in enumerate(path):
        after = now.after(step, f"1.{number}")
        assert after.clock >= now.clock
        for item in after.items.values():
            assert not (item.holder and item.place), "in a hand and on the ground"
            assert not (item.destroyed and (item.holder or item.place))
        held = [one for who in after.life for one in after.held_by(who)]
        assert len(held) == len(set(held)), "one item in two hands"
        assert all(life.value in ("alive", "dead", "absent") for life in after.life.values())
        assert all(-1 <= f.value <= 1 for row in after.feelings.values() for f in row.values())
        for who, row in after.met.items():
            assert all(who in after.met[other] for other in row if other != who)
        for thing, before in now.items.items():
            assert not before.destroyed or after.items[thing].destroyed, "destroyed for good"
        for place, was in now.places.items():
            assert was.value != "destroyed" or after.places[place].value == "destroyed"
        assert after.after([]) == after
        now = after


@given(EFFECTS, EFFECTS)
def test_folding_at_once_or_in_steps_is_the_same(one: list[Effect], two: list[Effect]) -> None:
    opening = PathState.opening(WORLD)
    assert opening.after([*one, *two], "1") == opening.after(one, "1").after(two, "1")


@given(EFFECTS)
def test_a_fork_leaves_its_origin_alone(step: list[Effect]) -> None:
    opening = PathState.opening(WORLD)
    before = opening.model_dump_json()
    opening.after(step, "1")
    assert opening.model_dump_json() == before
    assert opening.after(step, "1") == PathState.opening(WORLD).after(step, "1")


def test_a_fork_shares_what_it_did_not_change() -> None:
    opening = PathState.opening(WORLD)
    after = opening.after(effects("dies corin"), "1.2")
    assert after.items is opening.items
    assert after.places is opening.places


def test_every_fact_says_who_made_it_so() -> None:
    after = PathState.opening(WORLD).after(
        [effect("dies corin", "The sea takes Corin."), effect("time_passes 30", "Half an hour.")],
        "1.2",
    )
    since = after.life["corin"].since
    assert (since.source, since.quote, since.at) == ("1.2", "The sea takes Corin.", WORLD.opens_at)
    assert after.clock == WORLD.opens_at + timedelta(minutes=30)
    assert after.life["mira"].since.source == "world"


def test_sentences_say_what_matters_first() -> None:
    told = state("dies corin", "gains mira bell", "destroys bridge").sentences(WORLD)
    assert told[0] == "It is Monday 14 March 1887, 21:30."
    assert "Mira Vane is at the Long Pier." in told[:5]
    assert "Corin Hale is dead." in told[:8]
    assert "The Iron Bridge is destroyed." in told
    assert "Mira Vane has the bell." in told
    assert len(told) == len(set(told))
    assert state().sentences(WORLD, limit=3) == state().sentences(WORLD)[:3]


def test_what_was_told_is_remembered_with_its_source() -> None:
    after = state("tells isolde mira arson")
    assert after.knows_fact("mira", "arson")
    assert after.knows["mira"]["arson"].told_by == "isolde"
    assert after.have_met("mira", "isolde")
