"""What stories would cost one by one and by batch jobs."""

import json
from decimal import Decimal

from typer.testing import CliRunner

from flows.cli import app


def test_an_estimate_compares_both_ways() -> None:
    done = CliRunner().invoke(app, ["estimate", "--depth", "2", "--batch", "--json"])
    told = json.loads(done.stdout)
    each = {one["name"]: Decimal(one["usd"]) for one in told["one_by_one"]}
    assert {name: Decimal(usd) * 2 for name, usd in told["batch"]["usd"].items()} == each
    assert told["batch"]["jobs"] == 5
