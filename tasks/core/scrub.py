"""Text from a server or an SDK, made fit to be shown: without keys, without control characters."""

import re
from collections.abc import Iterable

from pydantic import SecretStr

# The shapes of Google, Anthropic, OpenAI and E2B keys and of passwords in URLs, for those we were
# not told.
_KEYS = re.compile(
    r"AIza[\w-]{20,}|ya29\.[\w.-]{16,}|sk-[\w-]{16,}|e2b_[\w-]{16,}|(?<=[?&]key=)[^&\s]+"
    r"|(?<=://)[^\s/:@]*+:[^\s/]+(?=@)"
)
_USER = re.compile(r"(?<=://)[^/\s@]+@")
LONGEST = 500


def without_user(url: str) -> str:
    """A URL, or a text with URLs in it, without user names and passwords."""
    return _USER.sub("", url)


def scrub(text: str, secrets: Iterable[SecretStr | None] = ()) -> str:
    """One line of at most 500 characters, in which every known or likely key is `***`."""
    for secret in secrets:
        if secret is not None and secret.get_secret_value():
            text = text.replace(secret.get_secret_value(), "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:10_000]).split())
    return _KEYS.sub("***", line)[:LONGEST]
