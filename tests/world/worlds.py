"""A sound world to break."""

from pathlib import Path

import pytest

from examples import worlds
from tasks.core.errors import InputError
from tasks.world.load import load_world

SOUND = worlds()["the-lighthouse"].read_text("utf-8")


def written(folder: Path, text: str | bytes) -> Path:
    """A world file with that text."""
    file = folder / "world.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refusal(folder: Path, text: str | bytes) -> InputError:
    """The error of loading a world with that text; it names the file."""
    file = written(folder, text)
    with pytest.raises(InputError) as caught:
        load_world(file)
    assert caught.value.exit_code == 2
    for line in str(caught.value).splitlines():
        assert line.startswith(str(file))
    return caught.value


def line_of(text: str, words: str) -> int:
    """The line, from 1, on which the words first stand."""
    return text[: text.index(words)].count("\n") + 1
