"""Contradictions made by operators from the worlds themselves, each with its clean twin.

The twin is the same branch where what makes it false has been left out: the death, the shortened
time, the destruction, the ignorance of the one who tells.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tasks.story.scene import BranchDraft
from tests.bench.consistency.cases import Proposal, effect, proposals


@dataclass(frozen=True)
class Pair:
    """A contradictory branch where it is proposed, and its clean twin."""

    operator: str
    broken: Proposal
    clean: Proposal


def twins(half: str = "all") -> Iterator[Pair]:
    """Every pair that can be made in the worlds of a half."""
    first: dict[str, Proposal] = {}
    for proposal in proposals():
        if half in ("all", proposal.half):
            first.setdefault(proposal.world.id, proposal)
    for proposal in first.values():
        for operator in (kill_then_speak, shorten_travel, leak, reverse_cause, destroy_then_use):
            for broken, clean in operator(proposal):
                yield Pair(operator.__name__, broken, clean)


def _at(p: Proposal, text: str, *effects: str, before: str = "") -> Proposal:
    branch = BranchDraft(
        choice="Go on", consequence=text, effects=[effect(line, text) for line in effects]
    )
    state = (
        p.state.after([effect(before, "The operator says so.")], "operator") if before else p.state
    )
    return replace(p, branch=branch, state=state)


def _names(p: Proposal) -> dict[str, str]:
    world = p.world
    return {x.id: x.name for x in world.characters} | {x.id: x.name for x in world.items}


def kill_then_speak(p: Proposal) -> Iterator[tuple[Proposal, Proposal]]:
    """Somebody dies before the branch in which they speak."""
    for who in p.scene.present:
        if who != p.state.protagonist:
            said = f'"Wait for me," says {_names(p)[who]}, and opens the door.'
            yield _at(p, said, before=f"dies {who}"), _at(p, said)


def shorten_travel(p: Proposal) -> Iterator[tuple[Proposal, Proposal]]:
    """A journey takes a quarter of its time."""
    lead = p.state.protagonist
    here = p.state.place_of(lead)
    for road in p.world.roads:
        there = next(end for end in road.between if end != here)
        if here not in road.between or p.state.places[there].value != "open":
            continue
        text = f"{_names(p)[lead]} sets out and gets there."
        journey = f"moves {lead} {there}"
        yield (
            _at(p, text, journey, f"time_passes {road.minutes // 4}"),
            _at(p, text, journey, f"time_passes {road.minutes}"),
        )


def leak(p: Proposal) -> Iterator[tuple[Proposal, Proposal]]:
    """Somebody tells a secret they were never told."""
    for fact in p.world.facts:
        for teller in p.scene.present:
            if fact.secret and not p.state.knows_fact(teller, fact.id):
                whom = next(one for one in p.scene.present if one != teller)
                text = f"{_names(p)[teller]} tells {_names(p)[whom]} that {fact.text}."
                told = f"tells {teller} {whom} {fact.id}"
                yield _at(p, text, told), _at(p, text, told, before=f"learns {teller} {fact.id}")


def reverse_cause(p: Proposal) -> Iterator[tuple[Proposal, Proposal]]:
    """What has a cause happens without it."""
    for event in p.world.timeline:
        for cause in event.causes:
            happens = f"happens {event.id}"
            text = f"{event.text}."
            yield _at(p, text, happens), _at(p, text, happens, before=f"happens {cause}")


def destroy_then_use(p: Proposal) -> Iterator[tuple[Proposal, Proposal]]:
    """An item is destroyed before it is used."""
    lead = p.state.protagonist
    limited = {one for rule in p.world.rules for one in getattr(rule.form, "what", [])}
    for item in set(p.state.held_by(lead)) - limited:
        text = f"{_names(p)[lead]} holds up {_names(p)[item]}."
        use = f"uses {lead} {item}"
        yield _at(p, text, use, before=f"destroys {item}"), _at(p, text, use)
