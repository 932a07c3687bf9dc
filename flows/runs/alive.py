"""Signs of life of flow runs: Prefect's server does not itself notice that a worker was killed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

NAME = "Talewright: a run without a heartbeat has crashed"

SILENCE = timedelta(seconds=90)
"""Time without a sign of life after which a run is taken for dead: three beats, as a server may be
busy. prefect.yaml sets a beat every 30 s; Prefect's own default is 180 s."""


async def beats(client: PrefectClient, run_id: UUID, seconds: float) -> bool:
    """Whether a run has sent a heartbeat in the last so many seconds."""
    since = datetime.now(UTC) - timedelta(seconds=seconds)
    wanted = {
        "occurred": {"since": since.isoformat()},
        "event": {"name": ["prefect.flow-run.heartbeat"]},
        "resource": {"id": [f"prefect.flow-run.{run_id}"]},
    }
    found = await client.request("POST", "/events/filter", json={"filter": wanted, "limit": 1})
    return bool(found.raise_for_status().json()["events"])


def crash_the_silent(name: str = NAME, silence: timedelta = SILENCE) -> AutomationCore:
    """Prefect's automation that marks a run as crashed `silence` after its last sign of life, on
    the server itself: the next run of its deployment can begin."""
    return AutomationCore(
        name=name,
        description="A worker was killed, or its machine. Run again, it pays for nothing twice.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.talewright"}
            ),
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            threshold=1,
            within=silence,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No sign of life for {silence.seconds} s; its worker may be dead.",
            )
        ],
    )


async def watch_runs() -> bool:
    """Create the automation on the server, unless it is there; whether it was created. A person may
    have changed or switched off the one that is there."""
    async with get_client() as client:
        if await client.read_automations_by_name(NAME):
            return False
        await client.create_automation(crash_the_silent())
    return True
