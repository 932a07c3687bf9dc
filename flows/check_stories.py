"""The flow `check-stories`: whether the stories of a folder still agree with their worlds."""

from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.source import read_story
from tasks.consistency.graph import from_story
from tasks.consistency.intended import read_decisions
from tasks.consistency.paths import check_story
from tasks.consistency.report import publish_report
from tasks.errors import InputError
from tasks.story.count import counted

HOUR = 3600
"""Seconds. A story of 100 scenes is checked in seconds; a folder that takes an hour hangs."""


@flow(name="check-stories", flow_run_name="check {folder}", timeout_seconds=HOUR)
async def check_stories(
    folder: Annotated[str, Field(description="Folder with stories, at any depth.")] = "stories",
) -> State[Any]:
    """Check every story.json below a folder along every path, without a model.

    Leaves a consistency report for each; the run is green only if none contradicts.
    """
    log = get_run_logger()
    files = sorted(Path(folder).expanduser().rglob("story.json"))  # noqa: ASYNC240
    if not files:
        raise InputError("There is no story.json below this folder.", file=folder)
    contradicting: list[str] = []
    for file in files:
        story = read_story(file)
        found = check_story(from_story(story), read_decisions(file.with_suffix(".intended.yaml")))
        await publish_report(found, story, story.brief.id)
        log.info(
            "%s: %s", file, "clean" if found.clean else counted(len(found.findings), "finding")
        )
        if not found.clean:
            contradicting.append(str(file))
    if contradicting:
        message = f"{len(contradicting)} of {len(files)} contradict: {', '.join(contradicting)}"
        return Failed(name="Contradictions", message=message)
    return Completed(message=f"{counted(len(files), 'story', 'stories')}, all clean")
