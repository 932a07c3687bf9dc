"""Ask the judge about a story that is written: nothing is written anew."""

from collections.abc import Sequence

from flows.story.ways import ways_to
from tasks.calls.prompt import Purpose
from tasks.consistency.accepted_findings import AcceptedFinding
from tasks.consistency.check import worst_verdict
from tasks.consistency.examination import Case, of_branch, of_scene
from tasks.consistency.opinion import Opinion
from tasks.core.errors import UserError
from tasks.core.run_all import run_all
from tasks.judge_texts import judge_texts
from tasks.llm.client import Client
from tasks.story.ask import SceneAsk
from tasks.story.scene import Branch, Scene, SceneText
from tasks.story.story import Story
from tasks.story.verdict import Verdict


async def judge_story(
    story: Story, client: Client, accepted: Sequence[AcceptedFinding] = ()
) -> Story:
    """The story with new verdicts on its scenes and on the branches that may be taken.

    One call a scene, on the shortest way to it. Raises UserError without a model, CapReached.
    """
    if client.offline:
        raise UserError("There is no model to judge with; set a key, see `talewright doctor`.")
    scenes = await run_all(*(_judged(story, scene, client, accepted) for scene in story.scenes))
    return story.model_copy(update={"scenes": list(scenes)})


async def _judged(
    story: Story, scene: Scene, client: Client, accepted: Sequence[AcceptedFinding]
) -> Scene:
    way = ways_to(story, scene.scene_id)[0]
    after = way.over(scene).state
    text = SceneText(**scene.model_dump(include=set(SceneText.model_fields)))
    branches = [*scene.story_branches, *scene.spare_branches]
    cases = [
        of_scene(story.world, story.brief, way.state, text),
        *(of_branch(story.world, story.brief, after, text, branch) for branch in branches),
    ]
    opinions = await judge_texts.fn(
        client,
        cases,
        SceneAsk(scene_id=scene.scene_id, path=way.path).leads_here,
        Purpose(client.run_id, story.id, scene.scene_id, "check_branches"),
        label=f"{story.id}: scene {scene.scene_id}",
        accepted=accepted,
    )
    first, *others = [
        _verdict(case, opinion, accepted) for case, opinion in zip(cases, opinions, strict=True)
    ]
    ruled = [
        branch.model_copy(update={"verdict": verdict})
        for branch, verdict in zip(branches, others, strict=True)
    ]
    followed = len(scene.story_branches)
    fields: dict[str, Verdict | list[Branch]] = {
        "verdict": first,
        "story_branches": ruled[:followed],
        "spare_branches": ruled[followed:],
    }
    return scene.model_copy(update=fields)


def _verdict(case: Case, opinion: Opinion | None, accepted: Sequence[AcceptedFinding]) -> Verdict:
    return worst_verdict([case], opinion, accepted=accepted)
