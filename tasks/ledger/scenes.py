"""What the ledger knows of finished scenes: how good they were, and how long their calls took."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, String, case, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

from tasks.ledger.ledger import Ledger
from tasks.ledger.tables import attempts, scenes
from tasks.story.scene import Scene


@dataclass(frozen=True)
class SceneRow:
    """A scene as the ledger keeps it. `day` is YYYY-MM-DD (UTC)."""

    day: str
    prompt: str
    """`scene@3`."""
    prompt_hash: str
    model: str
    rung: str
    score: float
    proposed: int
    refused: int


async def note_scene(ledger: Ledger, run_id: str, story_id: str, scene: Scene) -> None:
    """Keep how good a scene was; once, also where a run that goes on comes by it again."""
    by = scene.written_by
    told = (by.prompt_hash, by.provider, by.model, str(by.seed), scene.narrative_text, story_id)
    key = hashlib.sha256("\0".join(told).encode("utf-8", "backslashreplace")).hexdigest()
    now = datetime.now(UTC)
    row = {
        "id": key,
        "at": now,
        "day": now.date().isoformat(),
        "run_id": run_id,
        "story_id": story_id,
        "scene_id": scene.scene_id,
        "prompt_id": by.prompt_id,
        "prompt_version": by.prompt_version,
        "prompt_hash": by.prompt_hash,
        "provider": by.provider,
        "model": by.model,
        "rung": by.rung,
        "score": scene.quality.score,
        "proposed": len(scene.story_branches)
        + len(scene.spare_branches)
        + len(scene.refused_branches),
        "refused": len(scene.refused_branches),
    }

    def work(connection: Connection) -> None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(scenes).values(**row).on_conflict_do_nothing())

    await ledger.run(work)


async def scene_rows(ledger: Ledger) -> Sequence[SceneRow]:
    """Every scene, oldest first, those of the offline writer aside."""
    c = scenes.c
    query = select(
        c.day,
        (c.prompt_id + "@" + cast(c.prompt_version, String)).label("prompt"),
        c.prompt_hash,
        c.model,
        c.rung,
        c.score,
        c.proposed,
        c.refused,
    ).where(c.provider != "offline")
    rows = await ledger.run(lambda connection: connection.execute(query.order_by(c.at)).all())
    return [SceneRow(**row._mapping) for row in rows]


async def seconds_of(ledger: Ledger, run_id: str, story_id: str) -> float:
    """Seconds the answers of a story took when they were made, also those now from the cache."""
    c, made = attempts.c, attempts.alias()
    first = (
        select(func.max(made.c.seconds))
        .where(made.c.request == c.request, made.c.outcome == "ok")
        .scalar_subquery()
    )
    took = func.coalesce(func.sum(case((c.outcome == "cached", first), else_=c.seconds)), 0.0)
    query = select(took).where(c.run_id == run_id, c.story_id == story_id)
    return float(await ledger.run(lambda connection: connection.execute(query).scalar_one()))
