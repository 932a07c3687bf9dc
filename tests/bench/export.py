"""How long a large story takes to export and to open: `python -m tests.bench.export`.

A player can act once the page has answered a key; that is timed from the start of the navigation.
"""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tasks.export import export_story
from tests.browser import CHROMIUM, chromium
from tests.stories import make_story

ROUNDS = 5


def main() -> None:
    story = make_story(1, depth=5, breadth=3)
    with TemporaryDirectory() as made:
        took = []
        for number in range(3):
            start = time.perf_counter()
            files = export_story(story, Path(made) / str(number))
            took.append(time.perf_counter() - start)
        print(f"{len(story.scenes)} scenes, all formats: {median(took):.2f} s (median of 3)")
        for name, path in files.items():
            print(f"{name:<12}{path.stat().st_size / 1000:>10.0f} kB")
        if CHROMIUM:
            opened = sorted(_open(files["html"]))
            print(f"page answers a key after {median(opened) * 1000:.0f} ms", end="")
            print(f" (median of {ROUNDS}, worst {opened[-1] * 1000:.0f} ms)")


def _open(page_file: Path) -> list[float]:
    """Seconds until the second scene stands on the page, in a new profile each time."""
    took = []
    with chromium() as browser:
        for _ in range(ROUNDS):
            context = browser.new_context()
            page = context.new_page()
            start = time.perf_counter()
            page.goto(page_file.as_uri())
            page.keyboard.press("1")
            page.wait_for_selector('#scene[data-scene="1.1"]')
            took.append(time.perf_counter() - start)
            context.close()
    return took


if __name__ == "__main__":
    main()
