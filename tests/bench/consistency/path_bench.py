"""Fold and check one long path: `python -m tests.bench.consistency.path_bench [scenes]`.

Every scene has about 75 words of prose and three effects, and is checked, folded and left by a
checked branch. The last lines show that one more branch costs the same at any length. Seconds are
of CPU, so that a busy machine does not blur them.
"""

import sys
import time

from tasks.consistency import check_branch, check_scene
from tasks.story.effects import Effect
from tasks.story.scene import BranchDraft, SceneText
from tests.bench.consistency.cases import effect, proposals

PROSE = (
    "You climb to the lamp room and light the storm lantern for the {n}th time. Tomas follows with "
    "a can of oil and says that the glass is falling. The wind leans on the shutters until they "
    "groan. Far out, a light moves where no light should be. You count the seconds between its "
    "flashes and write them down, because somebody will ask. When you look up, Tomas is silent "
    "and the sea is louder than before."
)


def main(scenes: int) -> None:
    """Print seconds for the whole path and milliseconds for one more branch."""
    sample = next(p for p in proposals() if p.world.id == "skerry")
    state, fold, check, branches = sample.state, 0.0, 0.0, 0.0
    marks = {}
    for n in range(scenes):
        effects: list[Effect] = [
            effect("time_passes 20", "flashes"),
            effect(f"moves mira {('cove', 'light')[n % 2]}", "You climb"),
            effect(f"promises mira tomas promise_{n}", "somebody will ask"),
        ]
        scene = SceneText(
            title=f"Watch {n}",
            setting_description="The lamp room, at night.",
            place=sample.scene.place,
            present=["mira", "tomas"],
            narrative_text=PROSE.format(n=n),
            dialogue=[],
            emotional_tone="uneasy",
            effects=effects,
        )
        branch = BranchDraft(choice="Go down", consequence=f"You go down and bar the door, {n}.")
        t0 = time.process_time()
        after = state.after(effects, source=f"1.{n}")
        t1 = time.process_time()
        check_scene(sample.world, None, state, scene)
        t2 = time.process_time()
        check_branch(sample.world, None, after, scene, branch)
        t3 = time.process_time()
        fold, check, branches = fold + t1 - t0, check + t2 - t1, branches + t3 - t2
        state = after
        if n + 1 in (1, 10, 100, scenes):
            marks[n + 1] = 1000 * (t3 - t2)
    print(f"{scenes} scenes: fold {fold:.3f} s, check {check:.3f} s, both {fold + check:.3f} s")
    print(f"  their {scenes} branches: check {branches:.3f} s")
    for n, milliseconds in marks.items():
        print(f"  one more branch after {n:>5} scenes: {milliseconds:.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
