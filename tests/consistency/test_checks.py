"""Every check: a case it finds and one it passes over."""

import re
from datetime import timedelta

import pytest

from tasks.consistency import check_branch, check_scene
from tasks.consistency.checks import CHECKS
from tasks.consistency.examination import Check
from tasks.story.scene import BranchDraft
from tasks.story.state import PathState
from tasks.story.world import Boundary, Event, ForbidEffect, ForbidTerms, Item, Rule
from tests.bench.consistency.cases import effect
from tests.consistency.worlds import WORLD, branch, effects, errors, says, scene, state, verdict

FINDS: list[tuple[str, PathState, BranchDraft]] = [
    ("D1", state(), branch("Captain Nemo bows.", "moves nemo pier")),
    ("D1d", state(), branch("You ask Nemo Pike. Nemo hands you a rope.")),
    ("D2", state("dies corin"), branch("Corin hands you a rope.")),
    *(
        ("D2", state("dies corin"), branch(text))
        for text in (
            "In walks Corin Hale.",
            "You are greeted by Corin.",
            "Corin's voice answers.",
            "Your brother comes in and sits down.",
            "Before the bell rings, Corin answers the door.",
            "Instead of waiting, Corin answers the door.",
            "Corin came in and shook your hand.",
            "Corin hands you a rope while a dog lies asleep in the corner.",
            "Like somebody in a story, Corin hands you a rope.",
        )
    ),
    *(
        ("D2", state("dies corin"), branch(text))
        for text in (
            "Corin smiles and hands you a cup of tea.",
            "Corin waits by the stove and hands you a cup of tea.",
            "Corin looks up and asks you where you have been.",
            "You find Corin at the stove. He is alive and well.",
            "You find Corin. He tells you who pushed him.",
            "You kiss Corin, and he kisses you back.",
            "Corin smiles. He hands you a cup.",
        )
    ),
    ("D2", state("dies corin"), branch("A word.", "tells corin mira arson")),
    ("D2b", state("departs hob"), branch("Hob opens the hatch and grins.")),
    ("D3", state(), branch("You climb.", "moves mira peak", "time_passes 10")),
    ("D3", state(), branch("Ten minutes later you reach Storm Peak.")),
    (
        "D3",
        state("moves corin peak", "time_passes 120"),
        branch("Corin is back.", "moves corin pier"),
    ),
    (
        "D3",
        state(),
        branch("Up and down.", "moves mira peak", "moves mira pier", "time_passes 120"),
    ),
    ("D3", state(), branch("Five minutes later you walk up to Storm Peak.", "time_passes 5")),
    ("D3", state(), branch("You walk into the hut on Storm Peak.", "time_passes 5")),
    ("D3b", state(), branch("You ask Isolde, and she points at the sea.")),
    ("D3b", state(), branch("They talk.", "meets mira isolde")),
    (
        "D3d",
        state(),
        branch("Hob waits in the hut on Storm Peak. At the same moment he sits in the Archive."),
    ),
    ("D4", state("loses mira lamp"), branch("You light the brass lamp.", "uses mira lamp")),
    *(
        ("D4", state("loses mira lamp"), branch(text, "uses mira lamp"))
        for text in (
            "You light the brass lamp while the cat lies asleep.",
            "You light the brass lamp, and somebody dreams of home.",
            "You light the brass lamp. You could hear the sea.",
        )
    ),
    ("D5", state("destroys bridge"), branch("You cross the Iron Bridge. A broken cup lies there.")),
    ("D4", state("loses mira lamp"), branch("You raise the brass lamp over your head.")),
    ("D4b", state(), branch("You find the silver key under a stone.", "gains mira key")),
    ("D4b", state(), branch("You find the silver key under a stone.")),
    ("D4c", state("destroys map"), branch("You unfold the tide map.", "uses mira map")),
    ("D4c", state("destroys map"), branch("You unfold the tide map.")),
    ("D4c", state(), branch("The map burns.", "destroys map", "uses mira map")),
    ("D4c", state("destroys map"), branch("The map is lost.", "loses mira map")),
    ("D4", state(), branch("Hob drops the lamp.", "loses hob lamp")),
    ("D5", state("destroys bridge"), branch("You cross the Iron Bridge.")),
    ("D5", state("destroys bridge"), branch("You go on.", "moves mira bridge", "time_passes 9")),
    *(
        ("D5", state("destroys bridge"), branch(text))
        for text in (
            "Corin remains silent as you cross the Iron Bridge.",
            "Lightning flashes as you cross the Iron Bridge.",
            "You are stumped, but you cross the Iron Bridge.",
        )
    ),
    ("D5b", state(), branch("You walk into the Archive.")),
    ("D5b", state(), branch("You go on.", "moves mira archive", "time_passes 9")),
    ("D6", state(), branch("Corin tells you that Hob set the fire in the old archive.")),
    ("D6", state(), branch("A whisper.", "tells corin mira arson")),
    ("D7", state(), branch("You meet Corin for the first time.", "meets mira corin")),
    ("D7", state(), branch("You have never met Corin before, and you tell him your name.")),
    ("D7b", state(), branch("She keeps it.", "keeps mira come_back")),
    ("D8", state(), branch("Your green eyes sting.")),
    ("D9", state(), branch("The bench rises.", "happens trial")),
    ("D9", state(), branch("The keeper stands trial before the year is out.")),
    ("D9b", state(), branch("It is still morning, and the gulls are loud.")),
    ("D9c", state(), branch("Mira, nineteen, laughs.")),
    ("D10", state(), branch("You speak the spell.")),
    ("D10", state("uses mira bell"), branch("You ring the bell.", "uses mira bell")),
    ("D10", state(), branch("He goes.", "moves hob bridge", "time_passes 9")),
]

PASSES: list[tuple[str, PathState, BranchDraft]] = [
    ("D1", state(), branch("You go.", "moves mira bridge", "time_passes 9")),
    ("D1d", state(), branch("You open a book by Nemo Pike. Hob steers for Antwerp.")),
    ("D1d", state(), branch("Hob says that Nemo Pike is dead.")),
    ("D2", state("dies corin"), branch("Nobody heard Corin speak.")),
    ("D2", state("dies corin"), branch("In the portrait Corin holds a rope.")),
    ("D2", state("dies corin"), branch("Hob lies that Corin is alive and talks to you.")),
    (
        "D3d",
        state(),
        branch("Hob waits in the hut on Storm Peak. Three hours later he sits on the pier."),
    ),
    ("D4", state("loses mira lamp"), branch("You bring neither the brass lamp nor the map.")),
    ("D4", state("loses mira lamp"), branch("In a dream you light the brass lamp.")),
    ("D2", state("dies corin"), branch("You remember how Corin handed you the rope.")),
    ("D2", state("dies corin"), branch("You lay flowers on Corin's grave.", "feels mira corin 0")),
    *(
        ("D2", state("dies corin"), branch(text))
        for text in (
            "You carry Corin to the boat. He slides off.",
            "You describe Corin to the sailor, and he asks you why.",
            "The sailor helps you lift Corin. He tells you to hurry.",
            "You lift Corin while the sailor watches. He tells you to hurry.",
            "You think of Corin. He told you once.",
        )
    ),
    ("D2", state("dies corin"), branch("In your dream Corin opens the door. You wake.")),
    ("D2", state("dies corin"), branch("If Corin were here he would laugh.")),
    ("D2", state("dies corin"), branch("The knot Corin taught you holds.")),
    ("D2b", state("departs hob"), branch("Hob returns.", "returns hob pier")),
    ("D3", state(), branch("You climb.", "moves mira peak", "time_passes 120")),
    ("D3", state(), branch("Three hours later you reach Storm Peak.")),
    ("D3", state("moves corin peak", "time_passes 240"), branch("Back.", "moves corin pier")),
    (
        "D3",
        state("time_passes 120", "moves corin peak", "time_passes 120"),
        branch("Back.", "moves corin pier"),
    ),
    ("D3", state(), branch("You walk up to Storm Peak.", "time_passes 130")),
    ("D3", state(), branch("You set out up Storm Peak.", "time_passes 5")),
    ("D3", state(), branch("Tomorrow you will walk up to Storm Peak.", "time_passes 5")),
    ("D3b", state(), branch("You write to Isolde and ask for advice.")),
    ("D4", state("loses mira lamp"), branch("You wish you still had the brass lamp.")),
    ("D4b", state(), branch("You remember where the silver key used to hang.")),
    ("D4b", state(), branch("You give the lamp to Corin.", "gains corin lamp")),
    (
        "D4b",
        state("departs hob", "returns hob nowhere"),
        branch("You give the lamp to Hob.", "gains hob lamp"),
    ),
    ("D4b", state("gains hob lamp"), branch("The lamp is yours.", "gains mira lamp")),
    ("D4", state(), branch("You hand Hob the lamp.", "gains hob lamp", "loses mira lamp")),
    ("D4", state(), branch("You hand Hob the lamp.", "loses mira lamp", "gains hob lamp")),
    ("D4c", state(), branch("The lamp shatters.", "destroys lamp", "loses mira lamp")),
    ("D4c", state("destroys map"), branch("You try to remember the tide map.")),
    ("D5", state("destroys bridge"), branch("You look at the ruins of the Iron Bridge.")),
    ("D5", state("destroys bridge"), branch("Its remains hold you as you cross the Iron Bridge.")),
    ("D5", state("destroys bridge"), branch("You remember crossing the Iron Bridge.")),
    ("D5b", state(), branch("You stand before the locked door of the Archive.")),
    ("D5b", state(), branch("In.", "opens archive", "moves mira archive", "time_passes 9")),
    ("D6", state(), branch("Corin asks who set the fire in the old archive.")),
    ("D6", state("learns corin arson"), branch("A whisper.", "tells corin mira arson")),
    ("D7", state(), branch("You ask Corin for your first audience with the queen.")),
    ("D7b", state("promises mira corin come_back"), branch("Back.", "keeps mira come_back")),
    ("D8", state(), branch("In the portrait your eyes are green.")),
    ("D9", state("happens arrest"), branch("The bench rises.", "happens trial")),
    ("D9", state(), branch("If the keeper stands trial, you will speak.")),
    ("D9b", state(), branch("By morning the rain has stopped.")),
    ("D9c", state(), branch("Mira is twenty-seven years old.")),
    ("D10", state(), branch("There is no magic here, only weather.")),
    ("D10", state(), branch("You ring the bell.", "uses mira bell")),
]


@pytest.mark.parametrize(("check", "before", "proposed"), FINDS)
def test_finds(check: str, before: PathState, proposed: BranchDraft) -> None:
    found = verdict(before, proposed)
    assert check in errors(found)
    assert not found.valid
    assert all(issue.suggested_fix for issue in found.issues)
    assert found.overall_score is not None
    assert found.overall_score <= 0.49


@pytest.mark.parametrize(("check", "before", "proposed"), PASSES)
def test_passes(check: str, before: PathState, proposed: BranchDraft) -> None:
    assert verdict(before, proposed).valid


@pytest.mark.parametrize(
    ("before", "text", "told"),
    [
        (
            state(),
            "You break the seal of the Archive and step in, five minutes later.",
            {"moves mira archive": "step in", "opens archive": "break the seal"},
        ),
        (
            state("loses mira lamp"),
            "You pick up the lamp and light it.",
            {"uses mira lamp": "light it", "gains mira lamp": "pick up the lamp"},
        ),
        (
            state("departs hob"),
            "Hob comes back, and you meet.",
            {"meets mira hob": "you meet", "returns hob pier": "Hob comes back"},
        ),
        (
            state(),
            "You promise Corin a song and sing it.",
            {"keeps mira song": "sing it", "promises mira corin song": "You promise Corin"},
        ),
    ],
)
@pytest.mark.parametrize("apart", [True, False])
def test_effects_count_in_the_order_of_the_text_too(
    before: PathState, text: str, told: dict[str, str], apart: bool
) -> None:
    effects = [effect(line, quote if apart else text) for line, quote in told.items()]
    draft = BranchDraft(choice="Go on", consequence=text, effects=effects)
    assert errors(verdict(before, draft)) == set()
    assert errors(verdict(before, draft.model_copy(update={"effects": effects[:1]})))


@pytest.mark.parametrize(("left_at", "decision"), [("bridge", "review"), ("pier", "accept")])
def test_what_was_left_elsewhere_is_not_found_here(left_at: str, decision: str) -> None:
    before = state(f"moves mira {left_at}", "loses mira lamp", "moves mira pier")
    draft = branch("You find the lamp under a bench.", "gains mira lamp")
    assert verdict(before, draft).decision == decision


def test_effects_in_a_right_order_stay_right() -> None:
    draft = BranchDraft(
        choice="Go on",
        consequence="You light the lamp that you found on the sand.",
        effects=[
            effect("gains mira lamp", "you found on the sand"),
            effect("uses mira lamp", "You light the lamp"),
        ],
    )
    assert errors(verdict(state("loses mira lamp"), draft)) == set()


def test_what_is_due_may_be_known_of() -> None:
    due = Event(id="ferry", text="The ferry casts off", when=WORLD.opens_at + timedelta(hours=2))
    world = WORLD.model_copy(update={"facts": [], "timeline": [*WORLD.timeline, due]})
    for event, decision in (("ferry", "review"), ("arrest", "reject")):
        draft = branch("You read the timetable.", f"learns mira {event}")
        found = check_branch(world, None, PathState.opening(world), scene(), draft)
        assert (found.decision, found.issues[0].check) == (decision, "D6")


KNIVES = Boundary(topic="violence", level="off", terms=["knife"])
EXAMPLES: dict[str, tuple[PathState, PathState]] = {
    "D2": (state("dies corin"),) * 2,
    "D2b": (state("departs isolde"),) * 2,
    "D3": (state(),) * 2,
    "D3b": (state(),) * 2,
    "D4": (state("loses mira lamp"),) * 2,
    "D4b": (state(), state("moves isolde pier")),
    "D4c": (state("destroys map"),) * 2,
    "D5": (state("destroys bridge"),) * 2,
    "D5b": (state(),) * 2,
    "D6": (state(),) * 2,
    "D7": (state(),) * 2,
    "D8": (state(),) * 2,
    "D9": (state(),) * 2,
    "D9b": (state(),) * 2,
    "D9c": (state(),) * 2,
    "D10": (state("uses mira bell"),) * 2,
    "D15": (state(),) * 2,
}
"""Checks whose examples are told in prose, and what holds before the two."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_examples_that_are_listed(check: Check) -> None:
    if check.id not in EXAMPLES:
        return
    world = WORLD.model_copy(update={"boundaries": [KNIVES]})
    both = (check.example, check.counter_example)
    found = []
    for text, before in zip(both, EXAMPLES[check.id], strict=True):
        quoted = re.search(r"\B'(.+)'", text)
        assert quoted
        told = check_branch(world, None, before, scene(), branch(quoted[1]))
        found.append(check.id in errors(told))
    assert found == [True, False]


@pytest.mark.parametrize(("check", "before", "proposed"), FINDS)
def test_findings_are_sentences(check: str, before: PathState, proposed: BranchDraft) -> None:
    for issue in verdict(before, proposed).issues:
        assert not issue.message[0].islower()


def test_a_finding_about_an_item_is_right_for_many_things_too() -> None:
    items = [i.model_copy(update={"name": f"{i.name}s"}) for i in WORLD.items]
    for proposed in (branch("It goes on.", "uses mira key"), branch("Luck.", "gains mira key")):
        found = check_branch(
            WORLD.model_copy(update={"items": items}), None, state(), scene(), proposed
        )
        (issue,) = [one for one in found.issues if one.check.startswith("D4")]
        assert re.search("the silver keys, (which|to be found)", issue.message)
        assert " it " not in issue.message + issue.fact + issue.suggested_fix


def test_the_choices_of_a_scene_differ() -> None:
    down = branch("You climb down.", choice="Climb down the well.")
    same = branch("You climb down into it.", choice="Climb down the well.")
    shout = branch("It shouts back.", choice="Shout into the well.")
    assert "D13" in errors(verdict(state(), same, [down]))
    assert verdict(state(), shout, [down]).valid
    idle = branch("You climb down.", choice="Jump.")
    assert {i.check for i in verdict(state(), idle, [down]).issues} == {"D12"}


def test_a_dead_protagonist_is_a_dead_end() -> None:
    found = verdict(state(), branch("You drown.", "dies mira"))
    assert found.dead_end_risk == 1.0
    assert found.decision == "review"
    assert verdict(state(), branch("Hob drowns.", "dies hob")).dead_end_risk == 0.0


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ("Later that night Corin opens the door and hands you a cup.", {"error"}),
        ("Corin grabs your hand.", {"warning"}),
        ("Later that night you remember how Corin laughed.", set()),
        ("Later that night Hob opens the door.", set()),
    ],
)
def test_who_dies_in_a_text_does_nothing_after_it(after: str, found: set[str]) -> None:
    dies = "Corin opens the hatch. Corin dies at your feet."
    draft = BranchDraft(
        choice="Let Corin go first.",
        consequence=f"{dies} {after}",
        effects=[effect("dies corin", "Corin dies at your feet.")],
    )
    told = verdict(state(), draft).issues
    assert {i.severity for i in told if i.check == "D2"} == found


def test_nobody_left_is_refused() -> None:
    found = verdict(state("dies hob", "dies corin", "dies isolde"), branch("So.", "dies mira"))
    assert "D11" in errors(found)


def test_an_invented_quote_is_a_finding() -> None:
    draft = branch("You sit down.").model_copy(
        update={"effects": state() and branch("He drowns.", "dies hob").effects}
    )
    assert "D1b" in {i.check for i in verdict(state(), draft).issues}


@pytest.mark.parametrize("declared", [(), ("dies corin",)])
def test_an_undeclared_death_is_a_finding(declared: tuple[str, ...]) -> None:
    found = verdict(state(), branch("You kill Hob with the oar.", *declared))
    assert {i.check for i in found.issues} == {"D1c"}
    assert found.decision == "review"


@pytest.mark.parametrize(
    "wrong",
    [
        scene(dialogue=[says("corin", "I am back.")]),
        scene(present=["mira", "corin"]),
        scene("Corin opens the hatch."),
    ],
)
def test_a_scene_where_the_dead_act_is_refused(wrong: object) -> None:
    assert "D2" in errors(check_scene(WORLD, None, state("dies corin"), wrong))  # type: ignore[arg-type]


def test_a_scene_shows_who_could_have_come() -> None:
    too_soon = scene(present=["mira", "isolde"])
    assert "D3c" in errors(check_scene(WORLD, None, state(), too_soon))
    assert check_scene(WORLD, None, state("time_passes 130"), too_soon).valid


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("The tide turns.", False),
        ("Her voice is thin in the telephone.", True),
        ("You remember her voice.", True),
    ],
)
def test_who_speaks_in_a_scene_is_there(text: str, passes: bool) -> None:
    heard = scene(text, dialogue=[says("isolde", "Good night.")])
    assert ("D3c" not in errors(check_scene(WORLD, None, state(), heard))) == passes


def test_who_leaves_a_scene_was_there() -> None:
    leaves = scene("Isolde leaves.", present=["mira", "isolde"], effects=effects("departs isolde"))
    assert "D3c" in errors(check_scene(WORLD, None, state(), leaves))


@pytest.mark.parametrize(
    ("title", "text", "found"),
    [
        ("The Magic Gun", "Rain falls.", True),
        ("The gun", "You lift the Aether\nengine from its box.", True),
        ("The gun", "You lift the aether  engine.", True),
        ("The gun", "There is no aether\nengine here.", False),
        ("The gun", "You smell aether.\nThe engine turns.", False),
    ],
)
def test_a_forbidden_term_in_a_title_or_over_two_lines(title: str, text: str, found: bool) -> None:
    form = ForbidTerms(kind="forbid_terms", terms=["magic", "aether engine"])
    world = WORLD.model_copy(update={"rules": [Rule(id="no", text="None of it", form=form)]})
    told = check_scene(world, None, state(), scene(text, title=title))
    assert ("D10" in errors(told)) == found


def test_a_scene_is_judged_where_it_happens() -> None:
    oar = Item(id="oar", name="the oar", place="bridge")
    form = ForbidEffect(kind="forbid_effect", effect="uses", what=["lamp"], at=["bridge"])
    rule = Rule(id="dark", text="No lamp is lit on the bridge", form=form)
    world = WORLD.model_copy(update={"items": [*WORLD.items, oar], "rules": [rule]})
    before = PathState.opening(world).after(effects("time_passes 9"))
    for line, found in (("gains mira oar", set()), ("uses mira lamp", {"D10"})):
        shown = scene("So it is.", place="bridge", effects=effects(line, quote="So it is."))
        assert errors(check_scene(world, None, before, shown)) == found
    late = scene("So it is.", effects=effects("gains mira oar", quote="So it is."))
    assert errors(check_scene(world, None, before, late)) == {"D4b"}


def test_a_secret_is_kept_in_dialogue_too() -> None:
    told = scene(
        present=["mira", "corin"],
        dialogue=[says("corin", "It was Hob who set the fire in the old archive.")],
    )
    assert "D6" in errors(check_scene(WORLD, None, state(), told))


def test_who_a_scene_shows_is_there_for_its_branches() -> None:
    with_isolde = scene(present=["mira", "isolde"])
    asked = branch("You ask Isolde, and she points at the sea.")
    assert check_branch(WORLD, None, state(), with_isolde, asked).valid


def test_nothing_checked_is_no_score() -> None:
    bare = WORLD.model_copy(
        update={"items": [], "roads": [], "rules": [], "places": WORLD.places[:1]}
    )
    found = check_branch(bare, None, PathState.opening(bare), None, branch("You sit."))
    assert found.world_rules_score is None
    assert found.coherence_score == 1.0
    assert found.coverage < 1.0


@pytest.mark.parametrize(
    ("trait", "text", "found"),
    [
        ("mute since birth", "Hob shouts across the deck.", True),
        ("mute since birth", "Hob nods and writes it down.", False),
        ("mute since birth", "If Hob could speak, he would shout.", False),
        ("blind", "Hob reads the letter.", True),
        ("blind", "Hob reads the letter with his fingertips.", False),
        ("one-armed", "Hob lifts the box with both hands.", True),
        ("one-armed", "Hob lifts the box.", False),
        ("teetotal", "Hob drinks a glass of gin.", True),
        ("teetotal", "Hob drinks a glass of water.", False),
        ("a man who never swims", "Hob swims to the wreck.", True),
        ("unable to swim", "Hob swims to the wreck.", True),
    ],
)
def test_people_keep_their_nature(trait: str, text: str, found: bool) -> None:
    hob = WORLD.characters[3].model_copy(update={"traits": [trait]})
    world = WORLD.model_copy(update={"characters": [*WORLD.characters[:3], hob]})
    told = check_branch(world, None, PathState.opening(world), scene(), branch(text))
    assert ("D16" in errors(told)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Corin, who never had a sister, laughs.", True),
        ("Corin never had a daughter.", False),
        ("Hob never had a sister.", False),
    ],
)
def test_kin_stay_kin(text: str, found: bool) -> None:
    assert ("D16b" in errors(verdict(state(), branch(text)))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hob cocks a pistol.", True),
        ("Hob presses the muzzle of a small revolver to your neck.", True),
        ("Hob wants a pistol.", False),
        ("Hob has no pistol.", False),
        ("Hob lies that he carries a gun.", False),
        ("Hob lifts an oar.", False),
    ],
)
def test_what_nobody_has(text: str, found: bool) -> None:
    rule = Rule(id="unarmed", text="Nobody on this coast carries a firearm.")
    world = WORLD.model_copy(update={"rules": [rule]})
    told = check_branch(world, None, PathState.opening(world), scene(), branch(text))
    assert ("D10b" in errors(told)) == found


def test_every_check_is_documented_and_tested() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert all(check.example and check.counter_example for check in CHECKS)
    elsewhere = {"D10b", "D16", "D16b", "D1b", "D1c", "D11", "D12", "D13", "D15", "D3c"}
    assert {c for c, _, _ in FINDS} | elsewhere == {check.id for check in CHECKS}
