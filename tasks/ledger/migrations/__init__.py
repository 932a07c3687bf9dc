"""The ledger's schema, version by version, brought up to date when a ledger is opened."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from tasks.ledger.trouble import Newer

HEAD = "0004"
"""The version this code needs."""

LOCK = 7_251_996
"""Any number, the same for all: the advisory lock under which PostgreSQL is migrated."""


def migrate(connection: Connection) -> None:
    """Bring the ledger to HEAD; one process at a time, the others wait. SQLite's transaction holds
    the write lock already. Raises Newer for a version that a later Talewright made."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    current = MigrationContext.configure(connection).get_current_revision()
    if current == HEAD:
        # A table that is missing is noticed before anything is paid.
        connection.execute(text("SELECT 1 FROM attempts, answers, spend, scenes, jobs LIMIT 0"))
        return
    if current is not None and current > HEAD:
        raise Newer(current)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
