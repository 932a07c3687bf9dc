"""Signs of life of flow runs: Prefect's server does not itself notice that a worker was killed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient


async def beats(client: PrefectClient, run_id: UUID, seconds: float) -> bool:
    """Whether a run has sent a heartbeat in the last so many seconds. prefect.yaml sets one every
    30 s; Prefect's own default is 180 s."""
    since = datetime.now(UTC) - timedelta(seconds=seconds)
    wanted = {
        "occurred": {"since": since.isoformat()},
        "event": {"name": ["prefect.flow-run.heartbeat"]},
        "resource": {"id": [f"prefect.flow-run.{run_id}"]},
    }
    found = await client.request("POST", "/events/filter", json={"filter": wanted, "limit": 1})
    return bool(found.raise_for_status().json()["events"])
