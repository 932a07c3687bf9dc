"""Attempts, answers and spend."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.String(length), nullable=False)
            for name, length in (
                ("day", 10),
                ("run_id", 64),
                ("story_id", 80),
                ("scene_id", 80),
                ("step", 20),
                ("reason", 20),
                ("prompt_id", 64),
                ("prompt_hash", 12),
                ("provider", 20),
                ("model", 80),
                ("request", 64),
                ("outcome", 20),
                ("rung", 20),
            )
        ),
        sa.Column("prompt_version", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in (
                "tokens_in",
                "tokens_cached",
                "tokens_cache_written",
                "tokens_thinking",
                "tokens_out",
                "cost_nano",
                "reserved_nano",
                "saved_nano",
            )
        ),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    op.create_index("attempts_of_run", "attempts", ["run_id", "story_id", "scene_id"])
    op.create_index("attempts_of_day", "attempts", ["day"])
    op.create_table(
        "answers",
        sa.Column("request", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("cost_nano", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "spend",
        sa.Column("scope", sa.String(80), primary_key=True),
        sa.Column("nano", sa.BigInteger, nullable=False),
    )
