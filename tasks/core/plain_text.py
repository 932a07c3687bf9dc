"""Text from strangers made fit for a file, a page, a log or a terminal."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Text without the control characters that XML and editors refuse; lines end in `\\n`."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Text on one line."""
    return " ".join(clean(text).split())


def printable(text: str, longest: int = 400) -> str:
    """Text on one line that a terminal shows and does not obey, cut after `longest` characters."""
    line = " ".join(text[: 2 * longest].split())
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
