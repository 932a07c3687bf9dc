"""Scenes and pairs with scores that are known."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tasks.compare.comparison import Comparison
from tasks.compare.contrast import contrast
from tasks.compare.outcome import Outcome, Pair, Variant
from tasks.story.quality import Quality
from tasks.story.scene import Provenance, Scene
from tasks.story.verdict import Verdict

NAMES = ("scene@1", "scene@2")


def scene(text: str, *, score: float = 0.75, model: str = "m", provider: str = "gemini") -> Scene:
    return Scene(
        title="T",
        setting_description="A place.",
        place="here",
        present=[],
        narrative_text=text,
        dialogue=[],
        emotional_tone="",
        effects=[],
        scene_id="1",
        verdict=Verdict(decision="accept", coverage=1.0),
        quality=Quality(score=score),
        written_by=Provenance(
            provider=provider,
            model=model,
            prompt_id="scene",
            prompt_version=1,
            prompt_hash="a" * 12,
            seed=1,
            rung="repaired",
        ),
    )


def pairs(scores: Sequence[tuple[float, float]], text: str = "Prose.") -> list[Pair]:
    """A pair for each two scores."""
    cent = Decimal("0.01")
    return [
        Pair(
            brief="b",
            seed=seed,
            outcomes={
                name: Outcome(
                    variant=name, scene=scene(text, score=score), cost_usd=cent, paid_usd=cent
                )
                for name, score in zip(NAMES, two, strict=True)
            },
        )
        for seed, two in enumerate(scores)
    ]


def comparison(text: str = "Prose.") -> Comparison:
    """Twelve pairs of which the second is always better."""
    made = pairs([(0.5 + 0.001 * i, 0.6 + 0.002 * i) for i in range(12)], text)
    return Comparison(
        title="scene@1 or scene@2",
        started=datetime.now(UTC),
        variants=[Variant(name=name, hash=name[-1]) for name in NAMES],
        planned=len(made),
        error_rate=0.05,
        margin=0.03,
        ended="all pairs",
        pairs=made,
        contrasts=[contrast(made, *NAMES, planned=len(made))],
    )
