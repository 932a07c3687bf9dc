"""Errors whose text is for the user, with the exit code of the command that meets them."""

import copyreg
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class UserError(Exception):
    """Something the user can put right; the text says how."""

    exit_code = 1


def printable(text: str, longest: int = 400) -> str:
    """Text on one line that a terminal shows and does not obey, cut after `longest` characters."""
    line = " ".join(text[: 2 * longest].split())
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


class InputError(UserError):
    """A file that cannot be used: says which, where, and what is wrong.

    `line` counts from 1; `field` is a path such as `characters[2].place`. A file with several
    faults is one error with the others in `also`; its text has a line for each.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: Path | str,
        line: int | None = None,
        field: str = "",
        also: Sequence["InputError"] = (),
    ) -> None:
        self.file = printable(str(file), 4096)
        self.line = line
        self.field = printable(field)
        self.also = tuple(also)
        where = f"{self.file}:{line}" if line else self.file
        parts = [where, self.field, printable(message)]
        super().__init__("\n".join([": ".join(filter(None, parts)), *map(str, also)]))

    def __reduce__(self) -> tuple[Any, ...]:
        # Prefect keeps results by pickle, which would call __init__ without the named arguments.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]
