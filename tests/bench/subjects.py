"""Who does what in other people's fiction: `python -m tests.bench.subjects FILE [--misses]`.

The file is JSON: a list of {"text", "gold": [[name, verb, negated, modal, passive], ...]}, one
sentence each, as made of a treebank. Prints the share of clauses whose subject is found, of those
given another subject, and of denied or possible ones that are read as happening.
"""

import json
import sys
import time
from datetime import datetime
from pathlib import Path

from tasks.consistency.language.names import Names
from tasks.consistency.language.parser import parse
from tasks.consistency.language.passage import read, to_parse
from tasks.story.world import Character, Place, World


def cast(names: set[str]) -> Names:
    """A world of nothing but these people."""
    people = [Character(id=name, name=name.capitalize()) for name in sorted(names)]
    nowhere = Place(id="nowhere", name="Nowhere")
    world = World(
        id="bench", title="Bench", premise="-", style="-", opens_at=datetime(2000, 1, 1),
        characters=people, places=[nowhere],
    )  # fmt: skip
    return Names(world)


def main(file: str, *options: str) -> None:
    """Print the figures, and with --misses what was not found."""
    rows = json.loads(Path(file).read_text("utf-8"))
    names = cast({gold[0] for row in rows for gold in row["gold"]})
    started = time.process_time()
    total = right = wrong = unreal = asserted = 0
    parse(to_parse([row["text"] for row in rows], names))
    plain = told = 0
    for row in rows:
        (passage,) = read((row["text"],), names)
        for name, verb, denied, modal, _ in row["gold"]:
            total += 1
            same = [c for c in passage.clauses if c.verb == verb]
            hits = [c for c in same if name in c.subjects]
            others = [c for c in same if c.subjects and name not in c.subjects]
            right += bool(hits)
            wrong += not hits and bool(others)
            if not hits and "--misses" in options:
                print("WRONG" if others else "miss ", name, verb, "|", row["text"])
            if hits and not (denied or modal):
                plain += 1
                told += any(c.mode == "asserted" for c in hits)
            if denied or modal:
                unreal += 1
                loose = [c for c in hits if c.mode == "asserted"]
                asserted += bool(loose)
                if loose and "--misses" in options:
                    print("REAL ", name, verb, "|", row["text"])
    spent = time.process_time() - started
    print(f"{total} clauses: {right / total:.1%} right, {wrong / total:.1%} another subject")
    print(f"{unreal} denied or possible, {asserted} read as happening")
    print(f"{plain} plain, {told} read as happening, the rest as told, dreamt, wished or past")
    print(f"{1000 * spent / len(rows):.1f} ms of CPU a sentence")


if __name__ == "__main__":
    main(*sys.argv[1:])
