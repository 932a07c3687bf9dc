"""What 1,000 malformed answers become: `python -m tests.bench.malformed`.

Answers with wrong fields go on to the rung `fields`, cut ones to `whole`, the rest to `whole` and
then to the next provider.
"""

import random
from collections import Counter

from tests.answers import malformed
from tests.answers.test_json import outcome

ANSWERS = 1000


def main() -> None:
    rng = random.Random(7)
    total: Counter[str] = Counter()
    by_kind: dict[str, Counter[str]] = {}
    for number in range(ANSWERS):
        spoil = malformed.SPOILERS[number % len(malformed.SPOILERS)]
        came = outcome(spoil(malformed.good(number), rng))
        total[came] += 1
        by_kind.setdefault(spoil.__name__, Counter())[came] += 1
    for kind, counts in [*sorted(by_kind.items()), ("all", total)]:
        said = ", ".join(f"{came} {count}" for came, count in counts.most_common())
        print(f"{kind:20} {said}")


if __name__ == "__main__":
    main()
