"""The map: scenes from left to right along the choices, as SVG and PNG.

Its colours stand in page/map.css, which the page and the picture share; only the score's colour is
in the drawing itself.
"""

import os
import subprocess
import sys
from collections import Counter
from colorsys import hls_to_rgb
from html import escape
from pathlib import Path

from tasks.core.count import counted
from tasks.core.plain_text import one_line
from tasks.export.layout import Layout, lay_out
from tasks.export.prose import NOT_WRITTEN
from tasks.story.scene import Branch, Scene
from tasks.story.story import Story

WIDTH, HEIGHT = 232, 36
COLUMN, ROW = 284, 44
"""Pixels from one column or row to the next."""

MARGIN = 20
TITLE_LETTERS, SMALL_LETTERS = 24, 37
"""Of a line on the map; longer ones are cut."""

STYLE = (Path(__file__).parent / "page" / "map.css").read_text("utf-8")
LARGEST_PNG = 16_000_000
"""Pixels; larger maps are made smaller. At 364 scenes letters are still 10 pixels high."""

PAINT_SECONDS = 300
"""Until a painter is given up; the largest map takes a few, on a busy machine."""

PAINT_NEEDS = ("HOME", "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "FONTCONFIG_FILE")
"""Of the environment, whose keys are not the painter's business."""

PAINT = """
import os, sys, resvg_py
os.nice(10)  # the calls of other stories go first
svg = sys.stdin.buffer.read().decode()
sys.stdout.buffer.write(bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=float(sys.argv[1]))))
"""


def story_map_svg(story: Story) -> str:
    """The map as a picture of its own."""
    return draw(story, f"<style>{STYLE}</style>")


def story_map_png(story: Story) -> bytes:
    """The map as a PNG, half as large again as the SVG where that is not too large, in the fonts of
    this machine."""
    width, height = _size(lay_out(story))
    zoom = min(1.5, (LARGEST_PNG / (width * height)) ** 0.5)
    # In a process of its own, as resvg holds Python's lock while it paints: no call could leave.
    paint = [sys.executable, "-P", "-c", PAINT, str(zoom)]
    svg = story_map_svg(story).encode()
    painted = subprocess.run(  # noqa: S603
        paint,
        input=svg,
        stdout=subprocess.PIPE,
        check=True,
        timeout=PAINT_SECONDS,
        env={name: os.environ[name] for name in PAINT_NEEDS if name in os.environ},
    )
    return painted.stdout


def draw(story: Story, style: str = "") -> str:
    """The map as an SVG element; without `style` it takes the page's."""
    layout = lay_out(story)
    width, height = _size(layout)
    meeting = Counter(b.leads_to for scene in story.scenes for b in scene.story_branches)
    parts = [part for scene in story.scenes for part in _branches(scene, layout, meeting)]
    parts += [_scene(scene, layout, meeting) for scene in story.scenes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" viewBox="0 0 {width:.0f} '
        f'{height:.0f}" width="{width:.0f}" height="{height:.0f}">{style}'
        f"<title>Map of {counted(len(story.scenes), 'scene')}</title>"
        f'<rect class="back" width="100%" height="100%"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _size(layout: Layout) -> tuple[float, float]:
    width = (layout.columns - 1) * COLUMN + WIDTH + 2 * MARGIN
    return width, max(1.0, layout.rows) * ROW + 2 * MARGIN


def _at(layout: Layout, key: str) -> tuple[float, float]:
    """The left end and the middle line of a spot."""
    column, row = layout.spots[key]
    return MARGIN + column * COLUMN, MARGIN + row * ROW


def _branches(scene: Scene, layout: Layout, meeting: Counter[str | None]) -> list[str]:
    drawn = []
    for branch in [*scene.story_branches, *scene.refused_branches]:
        refused = not branch.verdict.valid
        if branch.leads_to in layout.spots:
            meets = meeting[branch.leads_to] > 1
            line = _line(layout, scene.scene_id, branch.leads_to, 0.75 if meets else 0.5)
            kind = "edge meets" if meets else "edge"
            drawn.append(f'<path class="{kind}" d="{line}">{_title(branch.choice)}</path>')
        elif branch.branch_id in layout.spots:
            drawn.append(_stub(scene, branch, layout, "refused" if refused else "unwritten"))
    return drawn


def _stub(scene: Scene, branch: Branch, layout: Layout, kind: str) -> str:
    x, y = _at(layout, branch.branch_id)
    cross = f'<path class="cross" d="M{x + 5:.0f} {y - 4:.1f}l8 8m0 -8l-8 8"/>'
    mark, why = (cross, branch.verdict.reason) if kind == "refused" else ("", NOT_WRITTEN)
    return (
        f'<g class="{kind}">{_title(f"{branch.choice}: {why}")}'
        f'<path class="edge" d="{_line(layout, scene.scene_id, branch.branch_id)}"/>'
        f'{mark}<text class="of" x="{x + 18:.0f}" y="{y + 4:.0f}">'
        f"{_short(branch.choice, SMALL_LETTERS)}</text></g>"
    )


def _line(layout: Layout, before: str, after: str, bend: float = 0.5) -> str:
    """A curve to what is near; a line with corners to what is far, so that such lines run together.

    `bend` is where in the gap between the columns it turns.
    """
    x, y = _at(layout, before)
    to_x, to_y = _at(layout, after)
    x += WIDTH
    turn = x + (COLUMN - WIDTH) * bend
    if abs(to_y - y) < 4 * ROW:
        return f"M{x:.0f} {y:.1f}C{turn:.0f} {y:.1f} {turn:.0f} {to_y:.1f} {to_x:.0f} {to_y:.1f}"
    round_ = 8 if to_y > y else -8
    return (
        f"M{x:.0f} {y:.1f}H{turn - 8:.0f}Q{turn:.0f} {y:.1f} {turn:.0f} {y + round_:.1f}"
        f"V{to_y - round_:.1f}Q{turn:.0f} {to_y:.1f} {turn + 8:.0f} {to_y:.1f}H{to_x:.0f}"
    )


def _scene(scene: Scene, layout: Layout, meeting: Counter[str | None]) -> str:
    x, y = _at(layout, scene.scene_id)
    top, score = y - HEIGHT / 2, scene.quality.score
    of = f"{scene.scene_id} · {score:.2f}"
    if scene.ending:
        of += f" · {scene.ending}"
    if scene.written_by.stand_in:
        of += " · stand-in"
    kind = "node stand-in" if scene.written_by.stand_in else "node"
    return (
        f'<a class="{kind}" href="#scene-{scene.scene_id}" data-scene="{scene.scene_id}">'
        f"{_title(scene.title)}"
        f'<rect class="card" x="{x:.0f}" y="{top:.1f}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="{HEIGHT / 2 if scene.ending else 6:.0f}"/>'
        f'<circle cx="{x + 16:.0f}" cy="{y:.1f}" r="5" fill="{hue(score)}"/>'
        f'<text x="{x + 30:.0f}" y="{y - 2:.1f}">{_short(scene.title, TITLE_LETTERS)}</text>'
        f'<text class="of" x="{x + 30:.0f}" y="{y + 12:.1f}">{_short(of, SMALL_LETTERS)}</text>'
        f"{_meet(meeting[scene.scene_id], x + WIDTH - 12, y - 2)}</a>"
    )


def _meet(ways: int, x: float, y: float) -> str:
    """How many ways meet in a scene, where a title never reaches."""
    if ways < 2:
        return ""
    return f'<text class="of" x="{x:.0f}" y="{y:.1f}" text-anchor="end">{ways} meet</text>'


def hue(score: float) -> str:
    """The colour of a score, red (0.3 and less) to green (0.9 and more)."""
    red, green, blue = hls_to_rgb(0.36 * min(1.0, max(0.0, (score - 0.3) / 0.6)), 0.45, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _short(text: str, letters: int) -> str:
    line = one_line(text)
    return escape(line if len(line) <= letters else f"{line[: letters - 1].rstrip()}…")


def _title(text: str) -> str:
    return f"<title>{escape(one_line(text))}</title>"
