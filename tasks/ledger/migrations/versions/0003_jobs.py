"""Batch jobs, and which attempts went with them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "jobs",
        sa.Column("name", sa.String(40), primary_key=True),
        *(
            sa.Column(name, sa.String(length), nullable=False)
            for name, length in (("provider", 20), ("model", 80), ("remote", 200), ("owner", 120))
        ),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.add_column("attempts", sa.Column("job", sa.String(140), nullable=False, server_default=""))
    op.create_index("attempts_of_job", "attempts", ["job"])
