"""The provider that needs no key: it reads what a prompt was rendered from, not its text."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.calls.errors import BadRequest
from tasks.calls.prompt import Prompt, Reply, Usage
from tasks.offline.branches import propose
from tasks.offline.code_blocks import mend
from tasks.offline.mistakes import mistake
from tasks.offline.scenes import write_scene
from tasks.offline.situation import Situation
from tasks.story.scene import BranchDraft, BranchDrafts, SceneDraft, SceneText

_CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English; nothing is billed by it."""

_STUBBORN = 1 / 8
"""Share of refused branches that come back unchanged, as a model's sometimes do."""


class OfflineWriter:
    """Writes from the world's own facts: the same seed, the same story. English only; the
    structure is valid for a world of any language.

    Answers the prompts 'scene', 'revise', 'branches' and 'mend'; raises BadRequest for any
    other, above all 'judge' and 'score': it has no judgement.
    """

    name = "offline"
    model = "offline-writer"

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer in the JSON of the prompt's schema."""
        start = time.perf_counter()
        text = _answer(prompt)
        usage = Usage(
            tokens_in=_tokens(prompt.system, prompt.shared, prompt.text),
            tokens_out=_tokens(text),
            estimated=True,
        )
        return Reply(
            text=text,
            usage=usage,
            finish_reason="STOP",
            provider=self.name,
            model=self.model,
            seconds=time.perf_counter() - start,
        )

    async def close(self) -> None:
        """Nothing is open."""


def _answer(prompt: Prompt) -> str:
    given = prompt.variables
    if prompt.id == "scene":
        return _draft(_situation(given)).model_dump_json()
    if prompt.id == "revise":
        return _revise(given).model_dump_json()
    if prompt.id == "branches":
        situation, siblings = _at_the_end(given)
        count = max(1, situation.ask.branches)
        more = propose(situation, count, [*siblings, *given["refused"]])
        return BranchDrafts(story_branches=more).model_dump_json()
    if prompt.id == "mend":
        return json.dumps({"code": mend(given["snippet"].code)})
    raise BadRequest(
        f"the offline writer does not answer the prompt {prompt.id!r}; ask a model for that",
        provider=OfflineWriter.name,
    )


def _situation(given: Mapping[str, Any]) -> Situation:
    return Situation(given["world"], given["brief"], given["ask"])


def _draft(situation: Situation) -> SceneDraft:
    scene = write_scene(situation)
    count = 0 if situation.ask.ending else situation.ask.branches
    wrong = mistake(situation, count)
    branches = propose(situation, count - (wrong is not None))
    if wrong:
        branches.append(wrong)
    return SceneDraft(**dict(scene), story_branches=branches)


def _revise(given: Mapping[str, Any]) -> BranchDraft:
    refused: BranchDraft = given["branch"]
    situation, siblings = _at_the_end(given)
    if situation.random(f"revise {refused.choice}").random() < _STUBBORN:
        return refused
    return next(iter(propose(situation, 1, [*siblings, refused])), refused)


def _at_the_end(given: Mapping[str, Any]) -> tuple[Situation, Sequence[BranchDraft]]:
    """The situation at the end of a written scene, and the branches this writer gave it."""
    scene: SceneText = given["scene"]
    siblings = _draft(_situation(given)).story_branches
    situation = _situation(given)
    texts = [scene.setting_description, scene.narrative_text, *(d.text for d in scene.dialogue)]
    texts += [f"{branch.choice}\n{branch.consequence}" for branch in siblings]
    situation.dealer.say("\n".join(texts))
    situation.state = situation.state.after(scene.effects, situation.ask.scene_id)
    return situation, siblings


def _tokens(*texts: str) -> int:
    return math.ceil(sum(map(len, texts)) / _CHARACTERS_PER_TOKEN)
