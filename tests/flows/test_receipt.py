"""The receipt on a terminal."""

from decimal import Decimal

from rich.console import Console

from flows.cli.receipt import _table
from tasks.story.receipt import Tally


def printed(*rows: Tally) -> str:
    out = Console(width=80)
    with out.capture() as captured:
        out.print(_table("model", rows))
    return captured.get()


def test_every_figure_is_whole_on_eighty_columns() -> None:
    usual = Tally(
        name="gemini-2.5-flash-preview-09-2025",
        calls=1_234,
        cached=12,
        failed=3,
        tokens_in=12_345_678,
        tokens_cached=123_456,
        tokens_thinking=234_567,
        tokens_out=1_234_567,
        cost_usd=Decimal("12.345678"),
    )
    text = printed(usual, Tally(name="offline writer"))
    assert "…" not in text
    for figure in ("$12.345678", "12,345,678", "123,456", "234,567", "1,234,567"):
        assert figure in text


def test_columns_of_nothing_but_zeros_are_left_out() -> None:
    head = printed(Tally(name="offline writer", calls=1)).splitlines()[0]
    assert head.split() == ["by", "model", "USD", "calls", "in", "out"]
