"""The steps of one scene, in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from tasks.calls.errors import Malformed
from tasks.calls.prompt import Prompt, Purpose, Reason
from tasks.check_branches import check_branch
from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.check import worst_verdict
from tasks.consistency.examination import Case, of_branch, of_scene, read_ahead
from tasks.consistency.opinion import Opinion
from tasks.core.plain_text import printable
from tasks.core.prefect_steps import whole
from tasks.core.run_all import run_all
from tasks.core.settings import Settings
from tasks.generate import generate
from tasks.judge_texts import judge_texts
from tasks.ledger.scenes import note_scene
from tasks.llm.client import Client
from tasks.mend_code import FAILED, mend_code
from tasks.parse import parse_answer
from tasks.prompts.render import render
from tasks.revise import revise
from tasks.run_code import MOST_SNIPPETS, not_run, run_code
from tasks.sandbox import Sandbox, find_code
from tasks.score import score
from tasks.story.ask import SPARE_BRANCHES, SceneAsk
from tasks.story.brief import Brief
from tasks.story.code import CodeReport, MendedCode, Snippet
from tasks.story.scene import (
    Branch,
    BranchDraft,
    BranchDrafts,
    Provenance,
    Scene,
    SceneDraft,
    SceneText,
)
from tasks.story.state import PathState
from tasks.story.verdict import Issue, Severity, Verdict
from tasks.story.world import World
from tasks.world.boundaries import merged, rated

ATTEMPTS = 2
"""Times a scene is written before one that contradicts its path is given up."""


class SceneRefused(Exception):
    """Every attempt at a scene contradicted its path; the text says how."""


@dataclass(frozen=True)
class Desk:
    """What the steps of one story share: its sources, the open services, its names."""

    world: World
    brief: Brief
    breadth: int
    client: Client
    sandbox: Sandbox
    settings: Settings
    run_id: str
    story_id: str
    accepted: Sequence[AcceptedFinding] = ()
    """What a person let stand in this story."""

    def label(self, scene_id: str) -> str:
        """How a scene's task runs begin in the Prefect UI."""
        return f"{self.story_id}: scene {scene_id}"

    def purpose(self, scene_id: str, reason: Reason = "first") -> Purpose:
        """What a call for a scene is for."""
        return Purpose(self.run_id, self.story_id, scene_id, "generate", reason)

    def prompt(
        self, prompt_id: str, schema: type[BaseModel], ask: SceneAsk, **more: object
    ) -> Prompt:
        """A prompt about this story, with the values it needs beyond world, brief and ask."""
        variables: Mapping[str, Any] = {"world": self.world, "brief": self.brief, "ask": ask} | more
        return render(prompt_id, variables, seed=ask.seed, schema=schema, settings=self.settings)


async def write_scene_steps(
    desk: Desk, ask: SceneAsk, states: Sequence[PathState]
) -> tuple[Scene, list[PathState]]:
    """Write, run, check and score one scene: the scene, and what holds after it.

    There is a state for each way that leads to the scene; it has to hold on all of them. Raises
    LLMError when no model gives a usable answer, SceneRefused when what they give contradicts.
    """
    label = desk.label(ask.scene_id)
    written = await _draft(desk, ask, states)
    draft, after = written.draft, written.after
    (text, code), branches = await run_all(
        _run(desk, ask, draft.narrative_text), _branches(desk, ask, written)
    )
    draft = draft.model_copy(update={"narrative_text": text})
    quality = await score(
        whole(draft),
        whole(draft.story_branches),
        whole(desk.brief),
        whole(desk.world),
        whole(code),
        ending=ask.ending is not None,
        label=label,
        client=whole(desk.client),
        purpose=whole(desk.purpose(ask.scene_id)),
    )
    spent = await desk.client.ledger.spent(desk.run_id, desk.story_id, ask.scene_id)
    scene = Scene(
        **draft.model_dump(exclude={"story_branches"}),
        **_sorted(branches, _followed(desk, ask)),
        scene_id=ask.scene_id,
        verdict=written.verdict,
        refused_drafts=written.refused,
        ending=ask.ending,
        code=code,
        quality=quality,
        written_by=written.by,
        cost_usd=spent + sum(report.cost_usd for report in code),
    )
    await note_scene(desk.client.ledger, desk.run_id, desk.story_id, scene)
    return scene, list(after)


async def more_branches(
    desk: Desk, ask: SceneAsk, scene: Scene, after: Sequence[PathState]
) -> dict[str, list[Branch]]:
    """New branches for a written scene beside those it has, as its fields of branches.

    Branches that were kept spare come first. Raises SceneRefused if no new one holds.
    """
    known = [*scene.story_branches, *scene.spare_branches, *scene.refused_branches]
    if not scene.spare_branches:
        known += await _proposed(desk, ask, scene, after, known)
    followed = len(scene.story_branches)
    fields = _sorted(known, followed + desk.breadth, kept=followed)
    if len(fields["story_branches"]) == len(scene.story_branches):
        raise SceneRefused(f"no new branch of scene {ask.scene_id} agrees with its path")
    return fields


@dataclass(frozen=True)
class _Written:
    """A draft that holds, with what was found out about it on the way."""

    draft: SceneDraft
    by: Provenance
    verdict: Verdict
    after: Sequence[PathState]
    """What holds after it, on each way."""
    opinions: Sequence[Opinion | None]
    """What the judge says of each of its branches."""
    refused: Sequence[str]
    """Why the drafts before it were refused."""


async def _draft(desk: Desk, ask: SceneAsk, states: Sequence[PathState]) -> _Written:
    """A draft that does not contradict its paths."""
    label = desk.label(ask.scene_id)
    wrong: list[str] = []
    refused: list[str] = []
    for attempt in range(ATTEMPTS):
        asked = ask.model_copy(update={"seed": ask.seed + attempt, "wrong_before": wrong})
        prompt = desk.prompt("scene", SceneDraft, asked)
        purpose = desk.purpose(ask.scene_id, "revise" if attempt else "first")
        reply = await generate(whole(desk.client), whole(prompt), whole(purpose), label=label)
        answer = await parse_answer(
            whole(desk.client), whole(prompt), whole(purpose), whole(reply), label=label
        )
        draft: SceneDraft = answer.value
        if not ask.branches:
            draft = draft.model_copy(update={"story_branches": []})
        ratings = rated(merged(desk.world, desk.brief), answer.reply.safety)
        after = [state.after(draft.effects, source=ask.scene_id) for state in states]
        cases = [of_scene(desk.world, desk.brief, state, draft) for state in states]
        branches = _cases(desk, _text(draft), after, draft.story_branches)
        await read_ahead(desk.world, draft, *draft.story_branches)
        opinion, *opinions = await _judged(desk, ask, [cases[0], *branches], ratings)
        verdict = worst_verdict(cases, opinion, accepted=desk.accepted, ratings=ratings)
        if verdict.valid:
            written_by = Provenance(
                provider=answer.reply.provider,
                model=answer.reply.model,
                prompt_id=prompt.id,
                prompt_version=prompt.version,
                prompt_hash=prompt.hash,
                seed=ask.seed,
                stand_in=answer.reply.stand_in,
                rung=answer.rung,
            )
            return _Written(draft, written_by, verdict, after, opinions, refused)
        wrong = [issue.lesson for issue in verdict.issues if issue.severity > Severity.INFO]
        refused.append(verdict.reason[:500])
    raise SceneRefused(f"{ATTEMPTS} attempts contradicted the path: {refused[-1]}")


def _cases(
    desk: Desk,
    scene: SceneText,
    after: Sequence[PathState],
    proposed: Sequence[BranchDraft],
    earlier: Sequence[BranchDraft] = (),
) -> list[Case]:
    """Branches as they are put to the judge, on the first way to them."""
    return [
        of_branch(desk.world, desk.brief, after[0], scene, branch, [*earlier, *proposed[:number]])
        for number, branch in enumerate(proposed)
    ]


async def _judged(
    desk: Desk, ask: SceneAsk, cases: Sequence[Case], ratings: Sequence[Issue]
) -> list[Opinion | None]:
    """What the judge says of texts, in one call; the offline writer has no judge."""
    if desk.client.offline or not cases:
        return [None] * len(cases)
    return await judge_texts(
        whole(desk.client),
        whole(cases),
        ask.leads_here,
        whole(desk.purpose(ask.scene_id)),
        label=desk.label(ask.scene_id),
        accepted=whole(desk.accepted),
        ratings=whole(ratings),
    )


async def _run(desk: Desk, ask: SceneAsk, text: str) -> tuple[str, list[CodeReport]]:
    """The text with its code run, and mended where it failed and the writer could mend it."""
    label = desk.label(ask.scene_id)
    snippets = find_code(text)
    if not snippets:
        return text, []
    reports = await run_code(snippets[:MOST_SNIPPETS], whole(desk.sandbox), label=label)
    if not any(report.verdict in FAILED for report in reports):
        return text, [*reports, *not_run(snippets, reports)]

    def prompt_for(snippet: Snippet, error: str) -> Prompt:
        return desk.prompt("mend", MendedCode, ask, snippet=snippet, error=error)

    text, reports = await mend_code(
        whole(desk.client),
        prompt_for,
        whole(desk.purpose(ask.scene_id)),
        whole(desk.sandbox),
        text,
        whole(reports),
        label=label,
    )
    return text, [*reports, *not_run(find_code(text), reports)]


async def _branches(desk: Desk, ask: SceneAsk, written: _Written) -> list[Branch]:
    """Checked branches: the proposed ones, and what was asked for in place of refused ones."""
    draft, after = written.draft, written.after
    checked = await _check(
        desk, ask, draft, after, draft.story_branches, [], opinions=written.opinions
    )
    wanted = _followed(desk, ask)
    for branch in [b for b in checked if not b.verdict.valid]:
        if sum(b.verdict.valid for b in checked) < wanted:
            better, safety = await _revised(desk, ask, draft, branch)
            checked += await _check(
                desk, ask, draft, after, better, checked, revised=True, safety=safety
            )
    if wanted and not any(b.verdict.valid for b in checked):
        checked += await _proposed(desk, ask, draft, after, checked)
        if not any(b.verdict.valid for b in checked):
            reason = checked[-1].verdict.reason if checked else "none was proposed"
            raise SceneRefused(f"no branch agrees with the path: {reason}")
    return checked


async def _check(
    desk: Desk,
    ask: SceneAsk,
    scene: SceneText,
    after: Sequence[PathState],
    proposed: Sequence[BranchDraft],
    known: Sequence[Branch],
    *,
    revised: bool = False,
    safety: Mapping[str, str] = MappingProxyType({}),
    opinions: Sequence[Opinion | None] | None = None,
) -> list[Branch]:
    """Check branches side by side, each against the ones before it, on every way. `safety` are the
    provider's ratings of the answer they came in; `opinions` the judge's, who is asked if there are
    none yet."""
    earlier = _drafts([branch for branch in known if branch.verdict.valid])
    ratings = rated(merged(desk.world, desk.brief), safety)
    text = _text(scene)  # the same for all, so that what is known is looked up once

    if opinions is None:
        await read_ahead(desk.world, text, *proposed)
        cases = _cases(desk, text, after, proposed, earlier)
        opinions = await _judged(desk, ask, cases, ratings)

    async def verdict(number: int, branch: BranchDraft, opinion: Opinion | None) -> Verdict:
        checked: Verdict = await check_branch(
            whole(desk.world),
            whole(desk.brief),
            whole(after),
            whole(text),
            whole(branch),
            whole([*earlier, *proposed[:number]]),
            whole(opinion),
            label=f'{desk.label(ask.scene_id)}: "{printable(branch.choice, 60)}"',
            accepted=whole(desk.accepted),
            ratings=whole(ratings),
        )
        return checked

    found = await run_all(*(verdict(i, branch, opinions[i]) for i, branch in enumerate(proposed)))
    return [
        Branch(
            **branch.model_dump(),
            branch_id=f"{ask.scene_id}{chr(ord('a') + len(known) + i)}",
            verdict=found[i],
            revised=revised,
        )
        for i, branch in enumerate(proposed)
    ]


async def _revised(
    desk: Desk, ask: SceneAsk, draft: SceneDraft, branch: Branch
) -> tuple[list[BranchDraft], Mapping[str, str]]:
    """A refused branch, rewritten once with what was wrong, and how the provider rates it; nothing
    if no answer was usable."""
    prompt = desk.prompt(
        "revise",
        BranchDraft,
        ask,
        scene=_text(draft),
        branch=_drafts([branch])[0],
        issues=branch.verdict.issues,
    )
    purpose = desk.purpose(ask.scene_id, "revise")
    try:
        answer = await revise(
            whole(desk.client), whole(prompt), whole(purpose), label=desk.label(ask.scene_id)
        )
    except Malformed:
        return [], {}
    return [answer.value], answer.reply.safety


async def _proposed(
    desk: Desk,
    ask: SceneAsk,
    scene: SceneText,
    after: Sequence[PathState],
    known: Sequence[Branch],
) -> list[Branch]:
    """New branches for a scene, checked."""
    prompt = desk.prompt("branches", BranchDrafts, ask, scene=_text(scene), refused=_drafts(known))
    purpose = desk.purpose(ask.scene_id, "more branches")
    answer = await revise(
        whole(desk.client), whole(prompt), whole(purpose), label=desk.label(ask.scene_id)
    )
    more: BranchDrafts = answer.value
    safety = answer.reply.safety
    return await _check(desk, ask, scene, after, more.story_branches, known, safety=safety)


def _followed(desk: Desk, ask: SceneAsk) -> int:
    """How many branches lead on; more are asked for, in case some are refused."""
    return min(desk.breadth, max(0, ask.branches - SPARE_BRANCHES))


def _sorted(branches: Sequence[Branch], breadth: int, *, kept: int = 0) -> dict[str, list[Branch]]:
    """Branches as a scene keeps them: to follow, spare, refused. What is to be reviewed waits while
    there are accepted ones; the first `kept` stay where they are."""
    first, more = branches[:kept], [branch for branch in branches[kept:] if branch.verdict.valid]
    more.sort(key=lambda branch: branch.verdict.decision)
    accepted = [*first, *more]
    return {
        "story_branches": accepted[:breadth],
        "spare_branches": accepted[breadth:],
        "refused_branches": [branch for branch in branches if not branch.verdict.valid],
    }


def _text(scene: SceneText) -> SceneText:
    return SceneText(**scene.model_dump(include=set(SceneText.model_fields)))


def _drafts(branches: Sequence[Branch]) -> list[BranchDraft]:
    fields = set(BranchDraft.model_fields)
    return [BranchDraft(**branch.model_dump(include=fields)) for branch in branches]
