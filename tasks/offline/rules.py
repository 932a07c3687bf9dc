"""What the offline writer may write: its texts and its effects against the world's rules."""

from collections.abc import Callable, Sequence

from tasks.story.brief import Brief
from tasks.story.effects import Effect
from tasks.story.roads import Roads
from tasks.story.rules import broken, forbidden_terms, whole_words
from tasks.story.state import PathState
from tasks.story.world import World
from tasks.world.terms import find_terms


def clear_of_terms(world: World, brief: Brief) -> Callable[[str], bool]:
    """Whether a text keeps clear of every term of the rules, and of every boundary but 'ok'."""
    pattern = whole_words(forbidden_terms(world))
    boundaries = [one for one in (*world.boundaries, *brief.boundaries) if one.level != "ok"]
    listed = tuple(term for one in boundaries for term in (one.topic, *one.terms))

    def clear(text: str) -> bool:
        return not pattern.search(text) and next(find_terms(listed, text), None) is None

    return clear


def permitted(world: World, roads: Roads, state: PathState, effects: Sequence[Effect]) -> bool:
    """Whether no rule in machine form stands against these effects, one after another."""
    for effect in effects:
        if any(broken(world, roads, state, effect)):
            return False
        state = state.after([effect])
    return True
