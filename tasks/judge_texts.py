"""Ask the judge: one call for a scene and the branches at its end."""

from collections.abc import Sequence
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.calls.prompt import Purpose
from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.check import computed, run
from tasks.consistency.examination import Case
from tasks.consistency.judge import judge, worth_asking
from tasks.consistency.opinion import Opinion
from tasks.llm.client import Client
from tasks.story.verdict import Issue


@task(name="judge", task_run_name="{label}: judge", cache_policy=NO_CACHE)
async def judge_texts(
    client: Client,
    cases: Sequence[Case],
    earlier: str,
    purpose: Purpose,
    label: str,
    accepted: Sequence[AcceptedFinding] = (),
    ratings: Sequence[Issue] = (),
) -> list[Opinion | None]:
    """What the judge says of each text; None where it is not asked.

    What rules or the provider's `ratings` refuse is not sent, nor are branches of a scene that they
    refuse; the offline writer has no judge. `earlier` is the text that leads to the scene. Raises
    CapReached.
    """
    opinions: list[Opinion | None] = [None] * len(cases)
    if client.offline:
        return opinions
    found = [computed(case) for case in cases]
    sent = [
        number
        for number, case in enumerate(cases)
        if worth_asking(run(case, found[number], accepted=accepted, ratings=ratings))
    ]
    if not sent or (cases[0].scene and sent[0] != 0):
        return opinions
    said = await judge(
        [cases[number] for number in sent],
        judging(client),
        replace(purpose, step="check_branches"),
        suspected=[found[number][1] for number in sent],
        earlier=earlier,
        votes=client.settings.judge_votes,
    )
    for number, opinion in zip(sent, said, strict=True):
        opinions[number] = opinion
    return opinions


def judging(client: Client) -> Client:
    """The client as the judge uses it: never the offline writer, and JUDGE_MODEL first if it is
    set."""
    models = [provider for provider in client.chain if provider.name != "offline"]
    return replace(client, chain=models if client.judge is None else [client.judge, *models])
