"""The tables of the ledger."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

attempts = Table(
    "attempts",
    metadata,
    # One row for each attempt and each answer from the cache.
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("day", String(10), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("story_id", String(80), nullable=False),
    Column("scene_id", String(80), nullable=False),
    Column("step", String(20), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("prompt_id", String(64), nullable=False),
    Column("prompt_version", Integer, nullable=False),
    Column("prompt_hash", String(12), nullable=False),
    Column("provider", String(20), nullable=False),
    Column("model", String(80), nullable=False),
    Column("request", String(64), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("tokens_in", BigInteger, nullable=False, default=0),
    Column("tokens_cached", BigInteger, nullable=False, default=0),
    Column("tokens_cache_written", BigInteger, nullable=False, default=0),
    Column("tokens_thinking", BigInteger, nullable=False, default=0),
    Column("tokens_out", BigInteger, nullable=False, default=0),
    Column("estimated", Boolean, nullable=False, default=False),
    Column("cost_nano", BigInteger, nullable=False, default=0),
    Column("reserved_nano", BigInteger, nullable=False, default=0),
    Column("saved_nano", BigInteger, nullable=False, default=0),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("rung", String(20), nullable=False, default=""),
    Column("job", String(140), nullable=False, default=""),
    Column("owner", String(120), nullable=False, default=""),
    Index("attempts_of_job", "job"),
    Index("attempts_of_run", "run_id", "story_id", "scene_id"),
    Index("attempts_of_day", "day"),
    Index("attempts_of_request", "request"),
)

answers = Table(
    "answers",
    metadata,
    # Every complete answer of a model, by the hash of its request.
    Column("request", String(64), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("used", DateTime(timezone=True), nullable=False),
    Column("reply", Text, nullable=False),
    Column("cost_nano", BigInteger, nullable=False),
)

spend = Table(
    "spend",
    metadata,
    # What a run, a day and the project have spent or set aside, for the caps.
    Column("scope", String(80), primary_key=True),
    Column("nano", BigInteger, nullable=False),
)

scenes = Table(
    "scenes",
    metadata,
    # How good each scene was that got into a story or a comparison.
    Column("id", String(64), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("day", String(10), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("story_id", String(80), nullable=False),
    Column("scene_id", String(80), nullable=False),
    Column("prompt_id", String(64), nullable=False),
    Column("prompt_version", Integer, nullable=False),
    Column("prompt_hash", String(12), nullable=False),
    Column("provider", String(20), nullable=False),
    Column("model", String(80), nullable=False),
    Column("rung", String(20), nullable=False),
    Column("score", Float, nullable=False),
    Column("proposed", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Index("scenes_of_day", "day"),
)

jobs = Table(
    "jobs",
    metadata,
    # One row for each batch job, from before it is submitted; its calls are attempts.
    Column("name", String(40), primary_key=True),
    Column("provider", String(20), nullable=False),
    Column("model", String(80), nullable=False),
    Column("remote", String(200), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("ended", DateTime(timezone=True)),
    Column("note", Text, nullable=False),
)
