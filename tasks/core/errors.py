"""Errors whose text is for the user, with the exit code of the command that meets them."""

import copyreg
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.core.plain_text import printable


class UserError(Exception):
    """Something the user can put right; the text says how."""

    exit_code = 1


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
