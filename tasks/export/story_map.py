"""The map: scenes as a layered graph, as SVG."""

from collections import defaultdict
from html import escape

from tasks.story.scene import Scene
from tasks.story.story import Story

WIDTH, HEIGHT = 150, 54
GAP_X, GAP_Y = 26, 70
LETTERS = 20
"""Of a title on a node."""


def story_map_svg(story: Story) -> str:
    """The story's scenes from top to bottom, one row a level; refused branches are dotted."""
    levels = _levels(story)
    places = _places(story, levels)
    width = max((x for x, _ in places.values()), default=0) + WIDTH + GAP_X
    height = (max(levels.values(), default=0) + 1) * (HEIGHT + GAP_Y) + GAP_Y
    parts = [*_edges(story, places), *(_node(s, *places[s.scene_id]) for s in story.scenes)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="Map of {len(story.scenes)} scenes" font-family="Georgia, serif">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _levels(story: Story) -> dict[str, int]:
    """The longest way to each scene, so that every choice leads downwards."""
    levels = {scene.scene_id: 0 for scene in story.scenes}
    for _ in story.scenes:
        changed = False
        for scene in story.scenes:
            for branch in scene.story_branches:
                below = levels[scene.scene_id] + 1
                to = branch.leads_to
                if to in levels and levels[to] < below <= len(story.scenes):
                    levels[to] = below
                    changed = True
        if not changed:
            break
    return levels


def _places(story: Story, levels: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Parents stand over the middle of what follows from them; leaves stand side by side."""
    children: dict[str, list[str]] = defaultdict(list)
    taken: set[str] = set()
    for scene in story.scenes:
        for branch in scene.story_branches:
            if branch.leads_to in levels and branch.leads_to not in taken:
                children[scene.scene_id].append(branch.leads_to)
                taken.add(branch.leads_to)
    across: dict[str, float] = {}
    free = 0.0
    roots = [scene.scene_id for scene in story.scenes if scene.scene_id not in taken]
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        scene_id, done = stack.pop()
        below = children[scene_id]
        if not below:
            across[scene_id] = free
            free += WIDTH + GAP_X
        elif done:
            across[scene_id] = (across[below[0]] + across[below[-1]]) / 2
        else:
            stack.append((scene_id, True))
            stack.extend((child, False) for child in reversed(below))
    return {
        scene_id: (x + GAP_X, GAP_Y / 2 + levels[scene_id] * (HEIGHT + GAP_Y))
        for scene_id, x in across.items()
    }


def _edges(story: Story, places: dict[str, tuple[float, float]]) -> list[str]:
    lines = []
    for scene in story.scenes:
        x, y = places[scene.scene_id]
        start = (x + WIDTH / 2, y + HEIGHT)
        for branch in scene.story_branches:
            if branch.leads_to in places:
                to_x, to_y = places[branch.leads_to]
                lines.append(_curve(start, (to_x + WIDTH / 2, to_y), branch.choice))
        for number, branch in enumerate(scene.refused_branches):
            end = (start[0] + 14 + 12 * number, start[1] + 26)
            title = f"Refused: {branch.choice} ({branch.verdict.reason})"
            lines.append(
                f'<g stroke="#b3372f" fill="none"><title>{escape(title)}</title>'
                f'<path d="M{start[0]:.0f} {start[1]:.0f}L{end[0]:.0f} {end[1]:.0f}" '
                f'stroke-dasharray="2 3"/>'
                f'<path d="M{end[0] - 4:.0f} {end[1] - 4:.0f}l8 8m0-8l-8 8"/></g>'
            )
    return lines


def _curve(start: tuple[float, float], end: tuple[float, float], title: str) -> str:
    middle = (start[1] + end[1]) / 2
    return (
        f'<path d="M{start[0]:.0f} {start[1]:.0f}C{start[0]:.0f} {middle:.0f} {end[0]:.0f} '
        f'{middle:.0f} {end[0]:.0f} {end[1]:.0f}" fill="none" stroke="#8a8577" stroke-width="1.5">'
        f"<title>{escape(title)}</title></path>"
    )


def _node(scene: Scene, x: float, y: float) -> str:
    title = scene.title if len(scene.title) <= LETTERS else f"{scene.title[: LETTERS - 1]}…"
    hue = 130 * scene.quality.score
    ending = f" · {scene.ending}" if scene.ending else ""
    round_ = HEIGHT / 2 if scene.ending else 8
    return (
        f'<a href="#{scene.scene_id}" class="node"><title>{escape(scene.title)}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="{round_:.0f}" '
        f'fill="hsl({hue:.0f} 45% 88%)" stroke="hsl({hue:.0f} 40% 40%)"/>'
        f'<text x="{x + WIDTH / 2:.0f}" y="{y + 23:.0f}" text-anchor="middle" font-size="13" '
        f'fill="#22201b">{escape(title)}</text>'
        f'<text x="{x + WIDTH / 2:.0f}" y="{y + 41:.0f}" text-anchor="middle" font-size="11" '
        f'fill="#4c483f">{scene.scene_id} · {scene.quality.score:.2f}{ending}</text></a>'
    )
