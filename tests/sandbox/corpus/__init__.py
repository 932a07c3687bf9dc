"""Programs as models write them, and as they should not."""

from pathlib import Path

from tasks.sandbox import find_code


def programs(name: str) -> list[str]:
    """The programs of `ordinary` or `hostile`."""
    text = Path(__file__).with_name(f"{name}.md").read_text("utf-8")
    return [snippet.code for snippet in find_code(text)]
