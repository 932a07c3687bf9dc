"""Half characters: they come in JSON that is escaped badly, and no file or request takes them."""

import re

_RAW = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape in JSON: a pair, half of one (the group), or another."""


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for each half character; halves that follow each other are joined."""
    if _RAW.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_escaped_surrogates(text: str) -> str:
    """JSON with U+FFFD for each half character that it escapes."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], text)
