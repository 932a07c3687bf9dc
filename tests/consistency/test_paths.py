"""Whole stories: joins, shape, Twee, the command and its report."""

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from flows.cli.check import check
from tasks.consistency import paths
from tasks.consistency.checks.form import trigrams
from tasks.consistency.graph import Graph, Link, Passage
from tasks.consistency.paths import MOST_WAYS, StoryCheck, check_story, shape
from tasks.consistency.report import markdown, page
from tasks.story.verdict import Severity
from tests.consistency.worlds import WORLD, branch, scene

app = Typer()
app.command()(check)
RUN = CliRunner()


def link(one: str, to: str | None, text: str, *effects: str) -> Link:
    return Link(id=one, branch=branch(text, *effects, choice=f"{text} {one}"), to=to)


def graph(*passages: Passage) -> Graph:
    return Graph(title="The Coast", world=WORLD, passages=list(passages))


def diamond(
    left: tuple[str, ...], right: tuple[str, ...], last: str = "Corin hands you a rope."
) -> Graph:
    """Two ways to one passage in which Corin acts."""
    return graph(
        Passage(
            id="1",
            scene=scene("You wait."),
            links=[link("1a", "1.1", "To the left.", *left), link("1b", "1.2", "Right.", *right)],
        ),
        Passage(id="1.1", scene=scene("The left is dark."), links=[link("1.1a", "1.3", "On.")]),
        Passage(id="1.2", scene=scene("A light burns here."), links=[link("1.2a", "1.3", "On.")]),
        Passage(id="1.3", scene=scene(last), ending=True),
    )


def found(checked: StoryCheck) -> set[tuple[str, str, str]]:
    return {(e.id, i.check, i.severity) for e, i in checked.findings}


def test_false_on_every_way_is_an_error() -> None:
    checked = check_story(diamond(("dies corin",), ("dies corin",)))
    assert found(checked) == {("1.3", "D2", "error")}
    assert not checked.clean


def test_false_on_some_ways_is_a_warning_with_the_way_that_shows_it() -> None:
    checked = check_story(diamond((), ("dies corin",)))
    assert found(checked) == {("1.3", "D2", "warning")}
    message = checked.findings[0][1].message
    assert 'On 1 of 2 ways: those by 1b "Right. 1b"; the shortest: 1 > 1.2 > 1.3.' in message
    assert checked.clean


@pytest.mark.parametrize("early_first", [True, False])
def test_the_order_of_the_choices_changes_no_finding(early_first: bool) -> None:
    """Corin is at the bridge early on one way and late on the other, at the same hour in the end;
    only who was there early has had the time to come to the peak."""
    early, late = (
        ("moves corin bridge", "time_passes 130"),
        ("time_passes 130", "moves corin bridge"),
    )
    told = diamond(*((early, late) if early_first else (late, early)))
    peak = scene("Corin waits.", place="peak", present=["mira", "corin"])
    told = graph(*told.passages[:3], Passage(id="1.3", scene=peak, ending=True))
    (message,) = [i.message for _, i in check_story(told).findings if i.check == "D3c"]
    assert "On 1 of 2 ways" in message
    assert ('"To the left. 1a"' in message) != early_first


@pytest.mark.parametrize(("dead_on", "severity"), [(2, "error"), (1, "warning")])
def test_ways_are_counted_not_mentions(dead_on: int, severity: str) -> None:
    right = ("dies corin",) if dead_on == 2 else ()
    twice = "Corin sits there. Corin hands you a rope."
    checked = check_story(diamond(("dies corin",), right, twice))
    assert found(checked) == {("1.3", "D2", severity)}
    assert ("On 1 of 2 ways" in checked.findings[0][1].message) == (dead_on == 1)


def test_an_issue_reads_back_as_the_same() -> None:
    issue = check_story(diamond(("dies corin",), ("dies corin",))).findings[0][1]
    assert issue.key
    assert type(issue).model_validate_json(issue.model_dump_json()) == issue
    assert issue != issue.model_copy(update={"severity": Severity.INFO})


def test_a_fact_that_differs_from_way_to_way_is_false_on_all() -> None:
    noon = "It is noon, and the gulls are loud."
    checked = check_story(diamond(("time_passes 60",), ("time_passes 120",), noon))
    assert found(checked) == {("1.3", "D9b", "error")}


def test_a_story_without_fault_is_clean() -> None:
    assert check_story(diamond((), ())).findings == []


def test_a_report_says_how_much_was_read() -> None:
    checked = check_story(diamond((), ()))
    assert 0 < checked.clauses_read <= checked.clauses
    assert f"read {checked.clauses_read} of {checked.clauses} clauses" in markdown(checked)


def test_prose_that_nobody_reads_is_not_called_clean_of_contradictions() -> None:
    story = diamond(("dies corin",), ("dies corin",))
    french = story.model_copy(
        update={"world": WORLD.model_copy(update={"language": "French"}), "declares": True}
    )
    checked = check_story(french)
    assert found(checked) == set()
    assert (checked.unread, checked.clauses) == ("French", 0)
    for report in (markdown(checked), page(checked)):
        assert "the prose was not read, as it is in French" in report


def test_shape() -> None:
    checked = check_story(
        graph(
            Passage(
                id="1",
                scene=scene("You wait."),
                links=[link("1a", "2", "On."), link("1b", "9", "Off.")],
            ),
            Passage(id="2", scene=scene("Round and round."), links=[link("2a", "3", "On.")]),
            Passage(id="3", scene=scene("And about."), links=[link("3a", "2", "Back.")]),
            Passage(id="4", scene=scene("Nobody sees this."), ending=True),
        )
    )
    found = sorted((i.name, i.message) for _, i in checked.findings)
    assert found == [
        ("dangling", "A choice of 1 leads to '9', which does not exist."),
        *(("endless", f"From {one} no ending can be reached.") for one in "123"),
        ("unreachable", "No choice leads to 4."),
    ]


def test_a_path_does_not_end_by_accident() -> None:
    checked = check_story(graph(Passage(id="1", scene=scene("You wait."))))
    assert [i.name for _, i in checked.findings] == ["unfinished"]
    assert not checked.clean


def test_scenes_that_say_the_same_are_named() -> None:
    twice = graph(
        Passage(
            id="1",
            scene=scene("You wait."),
            links=[link("1a", "2", "Left."), link("1b", "3", "Right, then.")],
        ),
        Passage(id="2", scene=scene("The sea takes the pier in one piece."), ending=True),
        Passage(id="3", scene=scene("The sea takes the pier, in one piece!"), ending=True),
    )
    assert [i.name for _, i in check_story(twice).findings] == ["twin scenes"]


def test_each_scene_is_cut_into_trigrams_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []

    def counted(text: str) -> set[str]:
        cut.append(text)
        return trigrams(text)

    monkeypatch.setattr(paths, "trigrams", counted)
    texts = [f"The gulls cry over the Long Pier, {n}." for n in range(20)]
    story = graph(*(Passage(id=f"p{n}", scene=scene(text)) for n, text in enumerate(texts)))
    assert [issue.name for issue in shape(story)].count("twin scenes") > 20
    assert cut == texts


def test_ways_are_capped_and_the_cap_is_reported() -> None:
    doors = [link(f"1{n}", "2", f"Door {n}.", f"promises mira corin p{n}") for n in range(40)]
    checked = check_story(
        graph(
            Passage(id="1", scene=scene("Doors."), links=doors),
            Passage(id="2", scene=scene("A room."), ending=True),
        )
    )
    assert checked.capped == ["2"]
    assert next(e.ways for e in checked.examined if e.id == "2") == MOST_WAYS


TWEE = """:: StoryTitle
The Coast

:: StoryData
{"ifid": "D674C58C-DEFA-4F70-B7A2-27742230C0FC", "start": "Opening"}

:: Opening {"position": "100,100"}
The sea takes Corin, and Corin drowns. [[Go on->The pier]] [[Look away|End]]

:: The pier [dark]
"Take it," says Corin, and hands you a rope. [[End]]

:: End
You go home.

:: Looks [stylesheet]
body { color: red }
"""


@pytest.fixture
def twee(tmp_path: Path) -> Path:
    story = tmp_path / "coast.twee"
    story.write_text(TWEE)
    (tmp_path / "coast.world.yaml").write_text(WORLD.model_dump_json())
    return story


def test_effects_read_from_the_prose_warn(twee: Path) -> None:
    result = RUN.invoke(app, [str(twee), "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    issues = [(e["id"], i["check"], i["severity"]) for e in report["examined"] for i in e["issues"]]
    assert issues == [("The pier", "D2", "warning")]
    assert RUN.invoke(app, [str(twee), "--strict"]).exit_code == 4


def test_a_dangling_link_is_a_finding(twee: Path) -> None:
    twee.write_text(TWEE.replace("->The pier", "->The quay"))
    result = RUN.invoke(app, [str(twee)])
    assert result.exit_code == 4
    assert "'The quay', which does not exist" in result.stdout


def test_bad_input_is_named(tmp_path: Path, twee: Path) -> None:
    (tmp_path / "coast.world.yaml").unlink()
    result = RUN.invoke(app, [str(twee)])
    assert result.exit_code != 0
    assert "coast.world.yaml" in str(result.exception)
    (tmp_path / "story.json").write_text('{"id": 1}')
    assert "story.json" in str(RUN.invoke(app, [str(tmp_path / "story.json")]).exception)


def test_the_list_of_checks() -> None:
    listed = RUN.invoke(app, ["--list"]).stdout
    assert "D2 the dead act" in listed
    assert "passes" in listed


def test_the_report_shows_both_sides_and_is_only_text(tmp_path: Path, twee: Path) -> None:
    hostile = "Corin hands you <script>alert(1)</script> and [a rope](javascript:1)."
    twee.write_text(TWEE.replace('"Take it," says Corin, and hands you a rope.', hostile))
    result = RUN.invoke(app, [str(twee), "--html", str(tmp_path / "report.html")])
    assert result.exit_code == 0
    html = (tmp_path / "report.html").read_text()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "Corin drowns." in html
    checked = check_story(diamond(("dies corin",), ("dies corin",)))
    text = markdown(checked)
    assert "Corin hands you a rope" in text
    assert "To the left." in page(checked), "the words that made it so"
