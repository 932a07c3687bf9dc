"""Which process made an attempt: what one that died left in flight can be freed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the column."""
    op.add_column("attempts", sa.Column("owner", sa.String(120), nullable=False, server_default=""))
