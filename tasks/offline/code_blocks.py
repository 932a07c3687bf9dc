"""Small puzzles in Python that a scene can carry: they run, and one in five has a bug."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from string import Template

from tasks.offline.situation import Situation

HOW_OFTEN = 0.5
"""Share of scenes with a puzzle, where the brief wants code."""

BUGGY = 0.2
"""Share of puzzles with a bug, as a model's code would have."""


@dataclass(frozen=True)
class Puzzle:
    """A snippet with `$a` and `$b` to fill in, what it prints, and a slip that breaks it."""

    intro: str
    code: str
    prints: Callable[[int, int], str]
    right: str
    slip: str


PUZZLES = (
    Puzzle(
        intro="There was a lock with three wheels, of the kind that can be reasoned with. You "
        "wrote out what you knew of it:",
        code="""\
wheels = [
    (a, b, c)
    for a in range(1, 10)
    for b in range(1, 10)
    for c in range(1, 10)
    if a + b + c == $a and a * b == $b and a <= b
]
print(len(wheels), "settings left")
print("first:", wheels[0] if wheels else "none")""",
        prints=lambda total, product: _wheels(total, product),
        right='print(len(wheels), "settings left")',
        slip='print(len(wheel), "settings left")',
    ),
    Puzzle(
        intro="Somebody had drawn lots for it, with dice that always fell the same way if one "
        "knew how they were thrown. You worked the throws out again:",
        code="""\
seed = $a
throws = []
for _ in range(4):
    seed = (seed * 17 + $b) % 101
    throws.append(seed % 6 + 1)
print("throws:", throws)
print("sum:", sum(throws))""",
        prints=lambda seed, step: _throws(seed, step),
        right='print("throws:", throws)',
        slip='print("throws:" + throws)',
    ),
    Puzzle(
        intro="The signal had a rhythm: one long beat and one short beat, and the secret was in "
        "when they fell together. You reckoned it on paper:",
        code="""\
long_beat, short_beat = $a, $b
together = [t for t in range(1, 400) if t % long_beat == 0 and t % short_beat == 0]
print("first together after", together[0])
print("then every", together[1] - together[0])""",
        prints=lambda a, b: _beats(a, b),
        right="together[1] - together[0]",
        slip="together[99] - together[0]",
    ),
)


FIRST, SECOND = range(11, 17), (6, 8, 9, 10, 12)
"""The numbers that puzzles are made with."""


def code_block(situation: Situation) -> str | None:
    """A puzzle as Markdown with the output it should have, for about every other scene."""
    chance = situation.random("code")
    if chance.random() >= HOW_OFTEN:
        return None
    puzzles = [p for p in PUZZLES if situation.dealer.new(p.intro)]
    if not puzzles:
        return None
    puzzle = chance.choice(puzzles)
    block = _write(puzzle, chance)
    if not situation.dealer.allowed(block):
        return None
    situation.dealer.say(puzzle.intro)
    return block


def mend(code: str) -> str:
    """The code with a known slip put right; unknown code comes back as it was."""
    for puzzle in PUZZLES:
        code = code.replace(puzzle.slip, puzzle.right)
    return code


def _write(puzzle: Puzzle, chance: Random) -> str:
    a, b = chance.choice(FIRST), chance.choice(SECOND)
    code = Template(puzzle.code).substitute(a=a, b=b)
    if chance.random() < BUGGY:
        code = code.replace(puzzle.right, puzzle.slip)
    output = puzzle.prints(a, b)
    return f"{puzzle.intro}\n\n```python\n{code}\n```\n\n```output\n{output}\n```"


def _wheels(total: int, product: int) -> str:
    digits = range(1, 10)
    found = [
        (a, product // a, total - a - product // a)
        for a in digits
        if product % a == 0 and product // a in digits and a <= product // a
    ]
    left = [setting for setting in found if setting[2] in digits]
    return f"{len(left)} settings left\nfirst: {left[0] if left else 'none'}"


def _throws(seed: int, step: int) -> str:
    throws = []
    for _ in range(4):
        seed = (seed * 17 + step) % 101
        throws.append(seed % 6 + 1)
    return f"throws: {throws}\nsum: {sum(throws)}"


def _beats(a: int, b: int) -> str:
    together = [t for t in range(1, 400) if t % a == 0 and t % b == 0]
    return f"first together after {together[0]}\nthen every {together[1] - together[0]}"
