"""Errors whose text is for the user, with the exit code of the command that meets them."""

from pathlib import Path


class UserError(Exception):
    """Something the user can put right; the text says how."""

    exit_code = 1


class InputError(UserError):
    """A file that cannot be used: says which, where, and what is wrong.

    `line` counts from 1; `field` is a path such as `characters[2].place`.
    """

    exit_code = 2

    def __init__(
        self, message: str, *, file: Path | str, line: int | None = None, field: str = ""
    ) -> None:
        self.file = str(file)
        self.line = line
        self.field = field
        where = f"{file}:{line}" if line else str(file)
        super().__init__(f"{where}: {field}: {message}" if field else f"{where}: {message}")
