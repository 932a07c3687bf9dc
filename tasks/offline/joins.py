"""What may be told where paths meet: nothing that holds on one of them only."""

from collections.abc import Collection

from tasks.story.state import ItemState, PathState
from tasks.story.world import World


def common(state: PathState, world: World, facts: Collection[str]) -> PathState:
    """The state of one path without what is not among `facts`, the sentences that hold on all.

    What was known or had happened when the story opened still holds, said or not; and the
    protagonist has to be somewhere.
    """
    said = {statement.id for statement in state.statements(world) if statement.text in facts}
    return state.model_copy(
        update={
            "whereabouts": {
                who: at
                if who == state.protagonist or f"place:{who}" in said
                else at.model_copy(update={"place": None})
                for who, at in state.whereabouts.items()
            },
            "items": {
                item: thing if f"item:{item}" in said else ItemState(since=thing.since)
                for item, thing in state.items.items()
            },
            "knows": {
                who: {
                    fact: known
                    for fact, known in row.items()
                    if known.since.source == "world" or f"knows:{who}:{fact}" in said
                }
                for who, row in state.knows.items()
            },
            "feelings": {
                who: {whom: felt for whom, felt in row.items() if f"feels:{who}:{whom}" in said}
                for who, row in state.feelings.items()
            },
            "promises": {k: p for k, p in state.promises.items() if f"promise:{k}" in said},
            "events": {
                event: since
                for event, since in state.events.items()
                if since.source == "world" or f"event:{event}" in said
            },
        }
    )
