"""What is no file is refused: a pipe is waited for for ever, a device never ends."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.sandboxes import app
from flows.story.source import read_story
from tasks.compare.keep import read_comparison
from tasks.core.errors import InputError
from tasks.core.yaml import read_bytes


def run_again(file: Path) -> None:
    error = CliRunner().invoke(app, ["run", str(file)]).exception
    assert error is not None
    raise error


def compared(file: Path) -> None:
    read_comparison(file.parent)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("read", [read_story, read_bytes, run_again, compared])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_a_device_in_place_of_a_file_is_refused(
    tmp_path: Path, kind: str, read: Callable[[Path], object]
) -> None:
    file = tmp_path / "comparison.json"
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is a pipe or a device, not a file"):
        read(file)
