"""The end of a run whose Prefect server has gone away: what came of it is on disk, so the command
does not wait for a server that may not come back."""

import asyncio
import os
import sys
import time
from typing import NoReturn

import httpx
import typer

GIVEN_UP = 20.0
"""Seconds without the server, after all is written, until the command ends without it. Prefect's
client would ask for about four minutes for each of a run's last records."""

LOOK = 1.0
"""Seconds between two looks at the server."""

INCOMPLETE = 6
"""Exit code of a run that is complete but for its records on the Prefect server."""


async def server_given_up(api_url: str, results: list[object], wanted: int) -> None:
    """Return when the results wanted are there and the server has been away for GIVEN_UP since."""
    while len(results) < wanted:  # noqa: ASYNC110 - by then it ends, or is cancelled
        await asyncio.sleep(LOOK)
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        heard = time.monotonic()
        while time.monotonic() - heard < GIVEN_UP:
            try:
                await client.get(f"{api_url}/health")
                heard = time.monotonic()
            except httpx.HTTPError:
                pass
            await asyncio.sleep(LOOK)


def leave_without_server(code: int) -> NoReturn:
    """Say what is missing and end the process, whose threads still wait for the server."""
    typer.echo(
        "The Prefect server is away: its records of this run are incomplete and cannot be sent "
        "later. The stories, their receipts and the ledger are whole.",
        err=True,
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or INCOMPLETE)
