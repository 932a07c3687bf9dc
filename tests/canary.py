"""A key to look for wherever a key must not be."""

from collections.abc import Iterable
from pathlib import Path

CANARY = "canary-8d1f6e42b7a94c3e"
"""Used as the key of every provider in tests."""


def find_canary(places: Iterable[Path | str], canary: str = CANARY) -> list[str]:
    """Where the canary occurs: files, files below folders, or texts. Empty is good."""
    needle = canary.encode()
    found = []
    for place in places:
        if isinstance(place, str):
            if canary in place:
                found.append(f"text: {place[:100]}")
            continue
        files = [f for f in place.rglob("*") if f.is_file()] if place.is_dir() else [place]
        found.extend(str(file) for file in files if needle in file.read_bytes())
    return found


def exception_texts(error: BaseException | None) -> list[str]:
    """Everything an exception and those it is chained to may show of themselves."""
    texts: list[str] = []
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        texts += [str(error), repr(error), repr(vars(error))]
        error = None if error.__suppress_context__ else error.__cause__ or error.__context__
    return texts
