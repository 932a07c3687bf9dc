"""The command line: `talewright --help`."""

import errno
import os
import sys
from typing import NoReturn

# Prefect's own console lines are for worker logs; a command prints its own progress. Both are read
# when Prefect is first imported, which the commands do only when they need it.
os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# Waits of 2, 4, ... 128 s for a server that is away; Prefect's five end before a minute is over if
# its jitter is short (tests/bench/outage.py).
os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "7")

import typer
from pydantic import ValidationError

from flows.cli import ledger, prompts, sandboxes
from flows.cli.batch import batch
from flows.cli.cache import cache
from flows.cli.check import check
from flows.cli.compare import compare
from flows.cli.deploy import deploy, worker
from flows.cli.doctor import doctor
from flows.cli.estimate import estimate
from flows.cli.receipt import receipt
from flows.cli.write import write
from tasks.calls.errors import LLMError
from tasks.core.errors import UserError
from tasks.core.validation import first_fault

app = typer.Typer(
    help="Grow branching stories with an LLM, and refuse the branches that contradict them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, 3 spend cap reached, 4 partly done, "
    "5 written but not judged, 6 written but the Prefect server went away, 130 interrupted, "
    "143 terminated.",
)
app.command()(write)
app.command()(batch)
app.command()(estimate)
app.command()(check)
app.command()(compare)
app.command()(receipt)
app.command()(cache)
app.command()(doctor)
app.command()(deploy)
app.command()(worker)
app.add_typer(ledger.app, name="ledger")
app.add_typer(prompts.app, name="prompts")
app.add_typer(sandboxes.app, name="sandboxes")


def main() -> None:
    """Run a command; an error that the user can put right is one line on stderr."""
    try:
        app()
    except UserError as error:
        _fail(str(error), error.exit_code)
    except LLMError as error:
        _fail(str(error), 1)
    except ValidationError as error:
        field, message = first_fault(error)
        _fail(f"{field or error.title}: {message}", 2)
    except OSError as error:
        file = f": {error.filename}" if error.filename else ""
        again = " Free some space and run the same command again; nothing is paid twice."
        todo = f".{again}" if error.errno == errno.ENOSPC else ""
        _fail(f"{error.strerror or error}{file}{todo}", 1)


def _fail(message: str, code: int) -> NoReturn:
    typer.secho(f"Error: {message}", fg="red", err=True)
    sys.exit(code)
