"""Money: Decimal USD in Python, whole nano-dollars in the database."""

from decimal import ROUND_HALF_UP, Decimal

NANO = Decimal(1_000_000_000)


def to_nano(usd: Decimal) -> int:
    """Whole nano-dollars, half a one rounded up."""
    return int((usd * NANO).to_integral_value(ROUND_HALF_UP))


def to_usd(nano: int) -> Decimal:
    """USD, exact."""
    return Decimal(nano) / NANO
