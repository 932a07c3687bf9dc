"""Where scenes stand on the map: a column for each level, a row for each way to go on.

The usual drawing of a tree, laid on its side: what follows from a scene stands to its right, and a
scene stands at the middle of what follows, or beside the first of it where that is much. Where
paths meet, the scene stands with the first that leads to it.
"""

from dataclasses import dataclass

from tasks.story.story import Story

STUB = 0.6
"""Rows that a branch without a scene takes; a scene takes one."""

LOWEST = 5
"""Rows from the first thing that follows from a scene to the middle, from which it stands beside
the first instead: both are in sight then."""


@dataclass(frozen=True)
class Layout:
    """Spots as (column, row), by scene id and, for branches that lead to no scene, by branch id."""

    spots: dict[str, tuple[int, float]]
    columns: int
    rows: float


def lay_out(story: Story) -> Layout:
    """The spots of a story's scenes and of its refused and unwritten branches."""
    levels = _levels(story)
    below = _below(story, levels)
    nested = {key for keys in below.values() for key in keys}
    rows: dict[str, float] = {}
    used = 0.0
    # Scenes that nothing leads to begin a tree; so does one of each circle nothing leads to.
    for root in sorted(below, key=lambda scene_id: scene_id in nested):
        stack: list[tuple[str, float | None]] = [(root, None)] if root not in rows else []
        entered = set(rows)
        while stack:
            key, top = stack.pop()
            under = below.get(key, [])
            if top is not None:
                beside = [rows[k] for k in under if k in rows]
                first, last = (beside[0], beside[-1]) if beside else (top + 0.5, top + 0.5)
                middle = (first + last) / 2
                rows[key] = max(top + 0.5, middle if middle - first < LOWEST else first)
                used = max(used, top + 1)
            elif key in entered:
                continue
            elif under:
                stack.append((key, used))
                stack.extend((k, None) for k in reversed(under))
            else:
                height = 1.0 if key in levels else STUB
                rows[key] = used + height / 2
                used += height
            entered.add(key)
    spots = {
        key: (levels.get(key, levels[scene_id] + 1), rows[key])
        for scene_id, keys in below.items()
        for key in (scene_id, *keys)
    }
    return Layout(spots, 1 + max((column for column, _ in spots.values()), default=0), used)


def _levels(story: Story) -> dict[str, int]:
    """The longest way to each scene, so that every choice leads to the right."""
    levels = {scene.scene_id: 0 for scene in story.scenes}
    # In a circle scenes push each other on; the number of rounds bounds that.
    for _ in story.scenes:
        changed = False
        for scene in story.scenes:
            for branch in scene.story_branches:
                after = levels[scene.scene_id] + 1
                if branch.leads_to in levels and levels[branch.leads_to] < after:
                    levels[branch.leads_to] = after
                    changed = True
        if not changed:
            break
    return levels


def _below(story: Story, levels: dict[str, int]) -> dict[str, list[str]]:
    """What stands to the right of each scene: branches without a scene, then scenes, each once."""
    taken = {scene.scene_id for scene in story.scenes[:1]}
    below: dict[str, list[str]] = {}
    for scene in story.scenes:
        without = [b for b in scene.story_branches if b.leads_to not in levels]
        keys = [branch.branch_id for branch in [*scene.refused_branches, *without]]
        below[scene.scene_id] = keys
        for branch in scene.story_branches:
            if branch.leads_to in levels and branch.leads_to not in taken:
                taken.add(branch.leads_to)
                keys.append(branch.leads_to)
    return below
