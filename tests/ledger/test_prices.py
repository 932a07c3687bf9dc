"""What a call costs: a list, a file of one's own, the server's word, or nothing."""

from decimal import Decimal
from pathlib import Path

import pytest

from tasks.calls.errors import NoPrice
from tasks.calls.prompt import Usage
from tasks.core.settings import Settings
from tasks.ledger.prices import Prices

MILLION = Usage(tokens_in=1_000_000, tokens_out=1_000_000)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.8.8.8"])
def test_a_server_on_this_machine_costs_nothing_and_needs_no_price(host: str) -> None:
    prices = Prices.read(Settings(openai_base_url=f"http://{host}:11434/v1"))
    assert prices.cost("openai", "gemma3:270m", MILLION) == 0
    assert "costs nothing" in prices.said


@pytest.mark.parametrize("host", ["10.0.0.7", "models.example", "localhost.example"])
def test_another_machine_s_models_need_a_price(host: str) -> None:
    with pytest.raises(NoPrice, match="gemma3:270m"):
        Prices.read(Settings(openai_base_url=f"http://{host}/v1")).cost(
            "openai", "gemma3:270m", MILLION
        )


def test_a_proxy_on_this_machine_passes_on_what_the_list_knows() -> None:
    prices = Prices.read(Settings(openai_base_url="http://localhost:4000/v1"))
    assert prices.cost("openai", "gpt-4o-mini", MILLION) > 0


def test_a_file_of_ones_own_goes_before_all(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("gemma3: {in: 1, out: 2}\nphi4: 0\nqwen3: 0.5\n")
    prices = Prices.read(Settings(llm_prices=file, openai_base_url="http://localhost/v1"))
    costs = [prices.cost("openai", model, MILLION) for model in ("gemma3", "phi4", "qwen3")]
    assert costs == [3, 0, 1]


def test_the_server_s_own_word_is_taken() -> None:
    assert Prices({}).cost("openai", "x", Usage(9, cost_usd=Decimal("0.01"))) == Decimal("0.01")
