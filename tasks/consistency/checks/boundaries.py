"""The boundaries of world, brief and player are kept."""

from collections.abc import Iterator

from tasks.boundaries import Part, crossings, merged, spell
from tasks.consistency.case import Case, Check, Finding


def crossed(case: Case) -> Iterator[Finding]:
    """No topic appears more than its boundary lets it."""
    for found in crossings(merged(case.world, case.brief), _texts(case)):
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


CHECKS = (
    Check(
        "D15",
        "a boundary is crossed",
        "world_rules",
        "error",
        crossed,
        "Violence is off. 'He draws a knife.'",
        "'Nobody carries a knife here.'",
        lambda case: any(b.level != "ok" for b in merged(case.world, case.brief)),
    ),
)
