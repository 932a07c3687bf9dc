"""Which places can be reached from here, and in how many minutes."""

from heapq import heappop, heappush

from tasks.story.state import PathState
from tasks.story.world import World

STEP_WITHIN = 5
"""Minutes between a place and one within it, where no road says otherwise."""

UNMAPPED = 30
"""Minutes between two places of a world that has no roads at all."""


def neighbours(world: World, place: str) -> dict[str, int]:
    """The places one leg away, with the minutes of the leg."""
    near: dict[str, int] = {}
    for road in world.roads:
        if place in road.between and road.between[0] != road.between[1]:
            other = road.between[road.between[0] == place]
            near[other] = min(road.minutes, near.get(other, road.minutes))
    for one in world.places:
        if one.within == place and one.id != place:
            near.setdefault(one.id, STEP_WITHIN)
        elif one.id == place and one.within and one.within != place:
            near.setdefault(one.within, STEP_WITHIN)
    if not world.roads and not near:
        near = {one.id: UNMAPPED for one in world.places if one.id != place}
    return near


def ways(world: World, state: PathState, place: str) -> dict[str, int]:
    """The neighbours that can be entered now."""
    return {
        other: minutes
        for other, minutes in neighbours(world, place).items()
        if other in state.places and state.places[other].value == "open"
    }


def minutes_between(world: World, start: str, goal: str) -> int | None:
    """The shortest time from one place to another; None if no way leads there."""
    queue, seen = [(0, start)], set()
    while queue:
        minutes, place = heappop(queue)
        if place == goal:
            return minutes
        if place not in seen:
            seen.add(place)
            for other, leg in neighbours(world, place).items():
                heappush(queue, (minutes + leg, other))
    return None
