"""The steps of one scene, in their order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tasks.check_branches import check_branch
from tasks.consistency import check_scene
from tasks.generate import generate
from tasks.llm.client import Client
from tasks.llm.errors import Malformed
from tasks.llm.prompt import Prompt, Purpose, Reason
from tasks.parse import parse_answer
from tasks.prompts import render
from tasks.revise import revise
from tasks.run_code import run_code
from tasks.sandbox import Sandbox
from tasks.score import score
from tasks.settings import Settings
from tasks.story.ask import SceneAsk
from tasks.story.brief import Brief
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


async def write_scene_steps(desk: Desk, ask: SceneAsk, state: PathState) -> tuple[Scene, PathState]:
    """Write, run, check and score one scene: the scene, and what holds after it.

    Raises LLMError when no model gives a usable answer, SceneRefused when what they give
    contradicts the path.
    """
    label = desk.label(ask.scene_id)
    draft, written_by, verdict = await _draft(desk, ask, state)
    after = state.after(draft.effects, source=ask.scene_id)
    code, branches = await asyncio.gather(
        run_code(draft.narrative_text, desk.sandbox, label=label),
        _branches(desk, ask, draft, after),
    )
    quality = await score(draft, draft.story_branches, desk.brief, desk.world, code, label=label)
    accepted = [branch for branch in branches if branch.verdict.valid]
    spent = await desk.client.ledger.tally(
        run_id=desk.run_id, story_id=desk.story_id, scene_id=ask.scene_id
    )
    scene = Scene(
        **draft.model_dump(exclude={"story_branches"}),
        scene_id=ask.scene_id,
        story_branches=accepted[: desk.breadth],
        spare_branches=accepted[desk.breadth :],
        refused_branches=[branch for branch in branches if not branch.verdict.valid],
        verdict=verdict,
        ending=ask.ending,
        code=code,
        quality=quality,
        written_by=written_by,
        cost_usd=spent.total.cost_usd + sum(report.cost_usd for report in code),
    )
    return scene, after


async def _draft(
    desk: Desk, ask: SceneAsk, state: PathState
) -> tuple[SceneDraft, Provenance, Verdict]:
    """A draft that does not contradict the path, with who wrote it."""
    label = desk.label(ask.scene_id)
    verdict: Verdict | None = None
    for attempt in range(1, ATTEMPTS + 1):
        wrong = [issue.message[:500] for issue in verdict.issues] if verdict else []
        asked = ask.model_copy(update={"seed": ask.seed + attempt - 1, "wrong_before": wrong})
        prompt = desk.prompt("scene", SceneDraft, asked)
        purpose = desk.purpose(ask.scene_id, "first" if attempt == 1 else "revise")
        reply = await generate(desk.client, prompt, purpose, label=label)
        answer = await parse_answer(desk.client, prompt, purpose, reply, label=label)
        draft: SceneDraft = answer.value
        if not ask.branches:
            draft = draft.model_copy(update={"story_branches": []})
        verdict = check_scene(desk.world, desk.brief, state, draft)
        if verdict.valid:
            written_by = Provenance(
                provider=answer.reply.provider,
                model=answer.reply.model,
                prompt_id=prompt.id,
                prompt_version=prompt.version,
                prompt_hash=prompt.hash,
                seed=prompt.seed,
                stand_in=answer.reply.stand_in,
                rung=answer.rung,
            )
            return draft, written_by, verdict
    reason = verdict.reason if verdict else ""
    raise SceneRefused(f"{ATTEMPTS} attempts contradicted the path: {reason}")


async def _branches(
    desk: Desk, ask: SceneAsk, draft: SceneDraft, after: PathState
) -> list[Branch]:
    """Checked branches: the proposed ones, and what was asked for in place of refused ones."""
    checked = await _check(desk, ask, draft, after, draft.story_branches, [])
    for branch in [b for b in checked if not b.verdict.valid]:
        if _accepted(checked) >= min(desk.breadth, ask.branches):
            break
        better = await _revised(desk, ask, draft, branch)
        if better is not None:
            checked += await _check(desk, ask, draft, after, [better], checked, revised=True)
    if ask.branches and not _accepted(checked):
        prompt = desk.prompt(
            "branches", BranchDrafts, ask, scene=_text(draft), refused=_drafts(checked)
        )
        purpose = desk.purpose(ask.scene_id, "more branches")
        more: BranchDrafts = await revise(
            desk.client, prompt, purpose, label=desk.label(ask.scene_id)
        )
        checked += await _check(desk, ask, draft, after, more.story_branches, checked)
    if ask.branches and not _accepted(checked):
        raise SceneRefused(f"every branch contradicted the path: {checked[-1].verdict.reason}")
    return checked


async def _check(
    desk: Desk,
    ask: SceneAsk,
    draft: SceneDraft,
    after: PathState,
    proposed: Sequence[BranchDraft],
    known: Sequence[Branch],
    *,
    revised: bool = False,
) -> list[Branch]:
    """Check branches side by side, each against the ones before it."""
    ids = [f"{ask.scene_id}{chr(ord('a') + len(known) + i)}" for i in range(len(proposed))]
    earlier = [branch for branch in known if branch.verdict.valid]
    verdicts = await asyncio.gather(
        *(
            check_branch(
                desk.client,
                desk.world,
                desk.brief,
                after,
                _text(draft),
                branch,
                [*_drafts(earlier), *proposed[:i]],
                desk.purpose(ask.scene_id),
                label=f'{desk.label(ask.scene_id)}: "{branch.choice[:60]}"',
            )
            for i, branch in enumerate(proposed)
        )
    )
    return [
        Branch(**branch.model_dump(), branch_id=branch_id, verdict=verdict, revised=revised)
        for branch, branch_id, verdict in zip(proposed, ids, verdicts, strict=True)
    ]


async def _revised(
    desk: Desk, ask: SceneAsk, draft: SceneDraft, branch: Branch
) -> BranchDraft | None:
    """A refused branch, rewritten once with what was wrong; None if no answer was usable."""
    prompt = desk.prompt(
        "revise",
        BranchDraft,
        ask,
        scene=_text(draft),
        branch=_drafts([branch])[0],
        issues=branch.verdict.issues,
    )
    try:
        better: BranchDraft = await revise(
            desk.client,
            prompt,
            desk.purpose(ask.scene_id, "revise"),
            label=desk.label(ask.scene_id),
        )
    except Malformed:
        return None
    return better


def _accepted(branches: Sequence[Branch]) -> int:
    return sum(branch.verdict.valid for branch in branches)


def _text(draft: SceneDraft) -> SceneText:
    return SceneText(**draft.model_dump(include=set(SceneText.model_fields)))


def _drafts(branches: Sequence[Branch]) -> list[BranchDraft]:
    fields = set(BranchDraft.model_fields)
    return [BranchDraft(**branch.model_dump(include=fields)) for branch in branches]
