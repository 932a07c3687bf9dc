"""The boundaries of world, brief and player are kept."""

from collections.abc import Iterator

from tasks.consistency.examination import Case, Check, Finding
from tasks.story.verdict import Severity
from tasks.world.boundaries import Part, crossings, merged, spell


def crossed(case: Case) -> Iterator[Finding]:
    """No topic appears more than its boundary lets it."""
    boundaries = merged(case.world, case.brief)
    told = list(crossings(boundaries, _texts(case)))
    # Apart from the prose: what both say is no second mention.
    outlined = crossings(boundaries, _outline(case))
    seen = {(found.boundary.topic, found.severity) for found in told}
    told += [one for one in outlined if (one.boundary.topic, one.severity) not in seen]
    for found in told:
        yield Finding(
            found.message,
            quote=found.quote,
            fact=spell(found.boundary),
            source=f"boundary:{found.boundary.topic}",
            fix="Lead the story elsewhere, without it.",
            severity=found.severity,
        )


def _texts(case: Case) -> list[tuple[Part, str]]:
    if case.scene is None:
        return [("branch", text) for text, _ in case.parts]
    return [
        ("setting", case.scene.setting_description),
        ("narrative", f"{case.scene.title}\n{case.scene.narrative_text}"),
        *(("dialogue", line.text) for line in case.speech),
    ]


def _outline(case: Case) -> list[tuple[Part, str]]:
    beats = case.scene.beats if case.scene else []
    return [("narrative", text) for beat in beats for text in (beat.text, beat.quote)]


CHECKS = (
    Check(
        "D15",
        "a boundary is crossed",
        "world_rules",
        Severity.ERROR,
        crossed,
        "Violence is off. 'He draws a knife.'",
        "'He draws a chair to the fire.'",
        lambda case: any(b.level != "ok" for b in merged(case.world, case.brief)),
    ),
)
