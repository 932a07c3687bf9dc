"""The worlds that come with Talewright: `NAME/world.yaml`, and its briefs in `NAME/briefs/`."""

from pathlib import Path

_HERE = Path(__file__).parent


def worlds() -> dict[str, Path]:
    """The file of every shipped world, by its name."""
    return {file.parent.name: file for file in sorted(_HERE.glob("*/world.yaml"))}
