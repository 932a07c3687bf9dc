"""What blind votes say."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from tasks.compare.comparison import Vote, Votes


def count(votes: Sequence[Vote], first: str, second: str) -> Votes:
    """The votes between two variants, with a Wilson interval and an exact sign test."""
    between = [v for v in votes if {v.first, v.second} == {first, second}]
    one = sum(v.preferred == first for v in between)
    two = sum(v.preferred == second for v in between)
    low, high = wilson(two, one + two)
    return Votes(
        first=first,
        second=second,
        for_first=one,
        for_second=two,
        neither=len(between) - one - two,
        share=two / (one + two) if one + two else 0.5,
        low=low,
        high=high,
        p=sign_test(one, two),
    )


def wilson(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share (Journal of the American Statistical Association 1927)."""
    if not of:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / of
    middle = share + z * z / (2 * of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def sign_test(one: int, two: int) -> float:
    """The exact two-sided p-value of so uneven a count, if both were as likely."""
    n, most = one + two, max(one, two)
    tail: float = sum(math.comb(n, k) for k in range(most, n + 1)) / 2**n
    return min(1.0, 2 * tail)
