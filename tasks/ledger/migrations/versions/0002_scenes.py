"""How good each scene was."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "scenes",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.String(length), nullable=False)
            for name, length in (
                ("day", 10),
                ("run_id", 64),
                ("story_id", 80),
                ("scene_id", 80),
                ("prompt_id", 64),
                ("prompt_hash", 12),
                ("provider", 20),
                ("model", 80),
                ("rung", 20),
            )
        ),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("prompt_version", "proposed", "refused")
        ),
        sa.Column("score", sa.Float, nullable=False),
    )
    op.create_index("attempts_of_request", "attempts", ["request"])
    op.create_index("scenes_of_day", "scenes", ["day"])
