"""The same verdict in every tense and person, and with a neutral clause beside it."""

import pytest

from tasks.consistency import check_branch
from tasks.story.scene import BranchDraft
from tasks.story.state import PathState
from tests.consistency.worlds import WORLD, branch, errors, scene, state

ACTORS = {
    ("You", "present"): "{0}",
    ("I", "present"): "{0}",
    ("Mira", "present"): "{1}",
    ("You", "past"): "{2}",
    ("I", "past"): "{2}",
    ("Mira", "past"): "{2}",
}
NEUTRAL = (
    "",
    " while a dog lies asleep in the corner",
    ", like somebody in a story",
    ", and it rains",
)
AROUND = ("", "You could hear the sea. ", "A broken cup lies by the door. ")
FOUND: list[tuple[str, PathState, tuple[str, str, str], str]] = [
    ("D4", state("loses mira lamp"), ("raise", "raises", "raised"), "the brass lamp"),
    ("D4c", state("destroys map"), ("unfold", "unfolds", "unfolded"), "the tide map"),
    ("D4b", state(), ("find", "finds", "found"), "the silver key under a stone"),
    ("D5", state("destroys bridge"), ("cross", "crosses", "crossed"), "the Iron Bridge"),
    ("D5b", state(), ("walk", "walks", "walked"), "into the Archive"),
    ("D10", state(), ("speak", "speaks", "spoke"), "the spell"),
]
OTHERS = [
    ("D2", state("dies corin"), "Corin {opens|opened} the hatch"),
    ("D2", state("dies corin"), "Corin's voice {answers|answered}"),
    ("D2b", state("departs hob"), "Hob {opens|opened} the hatch"),
    ("D1d", state(), "Ask for Nemo Pike. Nemo {grins|grinned}"),
]
CLEAN: list[tuple[PathState, tuple[str, str, str], str]] = [
    (state("loses mira lamp"), ("miss", "misses", "missed"), "the brass lamp"),
    (state("destroys bridge"), ("look", "looks", "looked"), "at the ruins of the Iron Bridge"),
    (state("dies corin"), ("dream", "dreams", "dreamt"), "that Corin opens the hatch"),
    (state("dies corin"), ("lay", "lays", "laid"), "flowers on Corin's grave"),
]


def told(before: PathState, text: str) -> set[str]:
    draft: BranchDraft = branch(text)
    return errors(check_branch(WORLD, None, before, scene(), draft))


@pytest.mark.parametrize("actor", ACTORS, ids=" ".join)
@pytest.mark.parametrize(("check", "before", "verb", "rest"), FOUND)
def test_what_contradicts_does_so_in_every_tense_and_person(
    check: str,
    before: PathState,
    verb: tuple[str, str, str],
    rest: str,
    actor: tuple[str, str],
) -> None:
    plain = f"{actor[0]} {ACTORS[actor].format(*verb)} {rest}"
    for neutral in NEUTRAL:
        for around in AROUND:
            assert check in told(before, f"{around}{plain}{neutral}."), (around, neutral)


@pytest.mark.parametrize(("check", "before", "text"), OTHERS)
def test_others_are_read_in_every_tense(check: str, before: PathState, text: str) -> None:
    head, _, tail = text.partition("{")
    both, _, rest = tail.partition("}")
    for verb in both.split("|"):
        for neutral in NEUTRAL:
            assert check in told(before, f"{head}{verb}{rest}{neutral}."), (verb, neutral)


@pytest.mark.parametrize("actor", ACTORS, ids=" ".join)
@pytest.mark.parametrize(("before", "verb", "rest"), CLEAN)
def test_what_agrees_does_so_in_every_tense_and_person(
    before: PathState, verb: tuple[str, str, str], rest: str, actor: tuple[str, str]
) -> None:
    plain = f"{actor[0]} {ACTORS[actor].format(*verb)} {rest}"
    for neutral in NEUTRAL:
        for around in AROUND:
            assert told(before, f"{around}{plain}{neutral}.") == set(), (around, neutral)
