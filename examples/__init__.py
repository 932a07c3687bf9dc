"""What comes with Talewright: worlds in `NAME/world.yaml` with their briefs in `NAME/briefs/`, and
sets of boundaries in `boundaries/NAME.yaml`."""

from pathlib import Path

_HERE = Path(__file__).parent


def worlds() -> dict[str, Path]:
    """The file of every shipped world, by its name."""
    return {file.parent.name: file for file in sorted(_HERE.glob("*/world.yaml"))}


def boundary_sets() -> dict[str, Path]:
    """The file of every shipped set of boundaries, by its name."""
    return {file.stem: file for file in sorted((_HERE / "boundaries").glob("*.yaml"))}
