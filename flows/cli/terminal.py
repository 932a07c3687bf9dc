"""Text of a story as a terminal shows it."""

from rich.markup import escape

from tasks.core.plain_text import one_line


def shown(text: str, longest: int | None = None) -> str:
    """One line that cannot steer a terminal and in which rich reads no markup."""
    return escape(one_line(text)[:longest])
