"""The steps of one scene, in their order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from tasks.calls.errors import Malformed
from tasks.calls.prompt import Prompt, Purpose, Reason
from tasks.check_branches import check_branch
from tasks.consistency import check_branch as computed
from tasks.consistency import check_scene
from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.examination import read_ahead
from tasks.core.prefect_steps import whole
from tasks.core.run_all import run_all
from tasks.core.settings import Settings
from tasks.generate import generate
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
from tasks.story.verdict import Verdict
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
    draft, written_by, verdict = await _draft(desk, ask, states)
    after = [state.after(draft.effects, source=ask.scene_id) for state in states]
    (text, code), branches = await run_all(
        _run(desk, ask, draft.narrative_text), _branches(desk, ask, draft, after)
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
        verdict=verdict,
        ending=ask.ending,
        code=code,
        quality=quality,
        written_by=written_by,
        cost_usd=spent + sum(report.cost_usd for report in code),
    )
    await note_scene(desk.client.ledger, desk.run_id, desk.story_id, scene)
    return scene, after


async def more_branches(
    desk: Desk, ask: SceneAsk, scene: Scene, after: Sequence[PathState]
) -> dict[str, list[Branch]]:
    """New branches for a written scene beside those it has, as its fields of branches.

    Branches that were kept spare come first. Raises SceneRefused if no new one holds.
    """
    known = [*scene.story_branches, *scene.spare_branches, *scene.refused_branches]
    if not scene.spare_branches:
        known += await _proposed(desk, ask, scene, after, known)
    fields = _sorted(known, len(scene.story_branches) + desk.breadth)
    if len(fields["story_branches"]) == len(scene.story_branches):
        raise SceneRefused(f"no new branch of scene {ask.scene_id} agrees with its path")
    return fields


async def _draft(
    desk: Desk, ask: SceneAsk, states: Sequence[PathState]
) -> tuple[SceneDraft, Provenance, Verdict]:
    """A draft that does not contradict its paths, with who wrote it."""
    label = desk.label(ask.scene_id)
    wrong: list[str] = []
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
        await read_ahead(desk.world, draft, *draft.story_branches)
        verdict = _worst(
            check_scene(
                desk.world, desk.brief, state, draft, accepted=desk.accepted, ratings=ratings
            )
            for state in states
        )
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
            return draft, written_by, verdict
        wrong = [issue.message[:500] for issue in verdict.issues]
    raise SceneRefused(f"{ATTEMPTS} attempts contradicted the path: {wrong[0]}")


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


async def _branches(
    desk: Desk, ask: SceneAsk, draft: SceneDraft, after: Sequence[PathState]
) -> list[Branch]:
    """Checked branches: the proposed ones, and what was asked for in place of refused ones."""
    checked = await _check(desk, ask, draft, after, draft.story_branches, [])
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
) -> list[Branch]:
    """Check branches side by side, each against the ones before it, on every way. `safety` are the
    provider's ratings of the answer they came in."""
    earlier = _drafts([branch for branch in known if branch.verdict.valid])
    ratings = rated(merged(desk.world, desk.brief), safety)
    text = _text(scene)  # the same for all, so that what is known is looked up once

    async def verdict(number: int, branch: BranchDraft) -> Verdict:
        siblings = [*earlier, *proposed[:number]]
        judged = await check_branch(
            whole(desk.client),
            whole(desk.world),
            whole(desk.brief),
            whole(after[0]),
            whole(text),
            whole(branch),
            whole(siblings),
            whole(desk.purpose(ask.scene_id)),
            label=f'{desk.label(ask.scene_id)}: "{branch.choice[:60]}"',
            accepted=whole(desk.accepted),
            ratings=whole(ratings),
        )
        others = (
            computed(
                desk.world,
                desk.brief,
                state,
                text,
                branch,
                siblings,
                accepted=desk.accepted,
                ratings=ratings,
            )
            for state in after[1:]
        )
        return _worst([judged, *others])

    verdicts = await run_all(*(verdict(i, branch) for i, branch in enumerate(proposed)))
    return [
        Branch(
            **branch.model_dump(),
            branch_id=f"{ask.scene_id}{chr(ord('a') + len(known) + i)}",
            verdict=verdicts[i],
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


def _sorted(branches: Sequence[Branch], breadth: int) -> dict[str, list[Branch]]:
    """Branches as a scene keeps them: to follow, spare, refused."""
    accepted = [branch for branch in branches if branch.verdict.valid]
    return {
        "story_branches": accepted[:breadth],
        "spare_branches": accepted[breadth:],
        "refused_branches": [branch for branch in branches if not branch.verdict.valid],
    }


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of the way on which the least holds."""
    return max(verdicts, key=lambda verdict: verdict.decision)


def _text(scene: SceneText) -> SceneText:
    return SceneText(**scene.model_dump(include=set(SceneText.model_fields)))


def _drafts(branches: Sequence[Branch]) -> list[BranchDraft]:
    fields = set(BranchDraft.model_fields)
    return [BranchDraft(**branch.model_dump(include=fields)) for branch in branches]
