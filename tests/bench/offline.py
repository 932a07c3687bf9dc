"""How long the offline writer takes a scene: `python -m tests.bench.offline`."""

import time
from pathlib import Path
from statistics import mean, quantiles

import examples
from tasks.world.load import load_brief, load_world
from tests.offline.growing import Leaf, grow


def main() -> None:
    print(f"{'brief':<20}{'scenes':>8}{'mean ms':>10}{'p95 ms':>10}{'words':>8}")
    for file in sorted(Path(examples.__file__).parent.glob("*/briefs/*.yaml")):
        world = load_world(file.parents[1] / "world.yaml")
        brief = load_brief(file, world)
        times: list[float] = []
        leaves: list[Leaf] = []
        for seed in range(5):
            start = time.perf_counter()
            for leaf in grow(world, brief, seed=seed, depth=3):
                times.append((time.perf_counter() - start) * 1000)
                leaves.append(leaf)
                start = time.perf_counter()
        words = mean(len(leaf.scene.narrative_text.split()) for leaf in leaves)
        p95 = quantiles(times, n=20)[-1]
        print(f"{file.stem:<20}{len(times):>8}{mean(times):>10.1f}{p95:>10.1f}{words:>8.0f}")


if __name__ == "__main__":
    main()
