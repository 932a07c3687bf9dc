"""The judge: a model that has to prove what it claims.

It is given few facts, each with an id, and must quote both sides of every contradiction. What it
cannot quote is dropped and counted. It adds to the computed verdict and never takes from it.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Protocol

from pydantic import Field

from tasks.answers.json import parse
from tasks.calls.errors import CapReached, LLMError
from tasks.calls.prompt import Prompt, Purpose, Reply
from tasks.consistency.examination import Case
from tasks.consistency.opinion import Opinion
from tasks.consistency.relevant_facts import relevant
from tasks.core.quotes import fold, grounded
from tasks.core.settings import Settings
from tasks.prompts.render import render
from tasks.story.base import Model
from tasks.story.state import Statement
from tasks.story.verdict import Category, Issue, Severity

Question = Literal["timeline", "character", "world_rules", "coherence", "meaning"]

ALONE = 0.8
"""Confidence of a proven contradiction that one vote only was asked about."""
HEARD = 0.5
"""Share of votes below which an issue is mentioned, but weighs nothing."""


class Contradiction(Model):
    """One thing the judge finds wrong."""

    question: Question = Field(description="Which of the five questions it answers with no.")
    quote: str = Field(description="The branch's words, copied exactly, at least 8 characters.")
    fact_id: str = Field(description="Id of the fact it contradicts, as given in brackets.")
    fact_quote: str = Field(description="That fact's words, copied exactly.")
    why: str = Field(description="Why both cannot hold, in one sentence.")
    fix: str = Field("", description="The smallest change that would mend it.")


class Judgement(Model):
    """The judge's answers on one branch."""

    timeline: bool = Field(description="Times, places and order of events agree with the facts.")
    character: bool = Field(description="Everybody acts as they are and knows what they can know.")
    world_rules: bool = Field(description="No rule of the world is broken.")
    coherence: bool = Field(description="It follows from the scene and makes sense.")
    meaning: bool = Field(description="The choice makes a difference to the story.")
    contradictions: list[Contradiction] = Field(
        description="One for every question answered with false; empty if all are true."
    )


class Asks(Protocol):
    """What the judge needs of tasks.llm.client.Client."""

    settings: Settings

    async def ask(self, prompt: Prompt, purpose: Purpose) -> Reply:
        """One answer."""
        ...


async def judge(case: Case, client: Asks, purpose: Purpose, *, votes: int = 1) -> Opinion:
    """Ask about a branch `votes` times (1, 3 or 5), the facts in another order each time.

    A judge that is down, refused or unreadable is 'unavailable' and raises nothing; a reached
    spend cap does raise (CapReached).
    """
    facts = relevant(case, client.settings.talewright_embeddings)
    ids = tuple(fact.id for fact in facts)
    ballots: list[Judgement] = []
    for vote in range(votes):
        order = list(facts)
        random.Random(vote).shuffle(order)
        why = purpose if vote == 0 else replace(purpose, reason="vote")
        try:
            reply = await client.ask(_prompt(case, order, vote, client.settings), why)
            ballots.append(parse(reply.text, Judgement).value)
        except CapReached:
            raise
        except LLMError:
            continue
    if not ballots:
        return Opinion([], "unavailable", confidence=0.5, facts=ids)
    return _count(case, facts, ballots, ids)


def _prompt(case: Case, facts: Sequence[Statement], vote: int, settings: Settings) -> Prompt:
    variables = {
        "world": case.world,
        "brief": case.brief,
        # On one line each, or a fact could have another one in it.
        "facts": [f"[{fact.id}] {' '.join(fact.text.split())}" for fact in facts],
        "scene": case.after_scene,
        "branch": case.branch,
    }
    return render("judge", variables, seed=vote, schema=Judgement, settings=settings)


def _count(
    case: Case, facts: Sequence[Statement], ballots: Sequence[Judgement], ids: tuple[str, ...]
) -> Opinion:
    sources = {fact.id: f"{fact.text} {fact.quote}" for fact in facts}
    ungrounded = 0
    found: dict[tuple[str, str], list[Contradiction]] = defaultdict(list)
    for ballot in ballots:
        seen = set()
        for claim in ballot.contradictions:
            key = (claim.question, claim.fact_id)
            if not proven(claim, case.text, sources):
                ungrounded += 1
            elif key not in seen:
                seen.add(key)
                found[key].append(claim)
    shares = {key: len(claims) / len(ballots) for key, claims in found.items()}
    agreement = [max(share, 1 - share) for share in shares.values()]
    return Opinion(
        [_issue(claims[0], shares[key], len(ballots)) for key, claims in found.items()],
        "asked",
        ungrounded,
        sum(agreement) / len(agreement) if agreement else 1.0,
        ids,
    )


def proven(claim: Contradiction, text: str, facts: dict[str, str]) -> bool:
    """Whether both quotations stand where they are said to: the branch's words in the branch, the
    fact's in the cited fact; and whether they are two."""
    fact = facts.get(claim.fact_id.strip("[] "))
    if fact is None or fold(claim.quote) == fold(claim.fact_quote):
        return False
    return grounded(claim.quote, text) and grounded(claim.fact_quote, fact)


def _issue(claim: Contradiction, share: float, votes: int) -> Issue:
    """Timeline and rules can reject; behaviour, coherence and meaning are matters of taste."""
    category: Category = "coherence" if claim.question == "meaning" else claim.question
    severity: Severity = (
        Severity.ERROR if category in ("timeline", "world_rules") else Severity.WARNING
    )
    if share < HEARD:
        severity = Severity.INFO
    return Issue(
        check="L2" if category in ("timeline", "world_rules") else "L3",
        name="the judge objects",
        category=category,
        severity=severity,
        message=claim.why[:500],
        quote=claim.quote[:500],
        fact=claim.fact_quote[:500],
        source=claim.fact_id.strip("[] "),
        suggested_fix=claim.fix[:500]
        or "Change the words quoted so that they agree with the fact.",
        found_by="judge",
        confidence=ALONE if votes == 1 else share,
    )
