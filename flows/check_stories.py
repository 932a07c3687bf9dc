"""The flow `check-stories`: whether the stories of a folder still agree with their worlds."""

from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.story.source import read_story
from tasks.consistency.accepted_findings import read_accepted
from tasks.consistency.graph import from_story
from tasks.consistency.paths import check_story
from tasks.consistency.report import publish_report
from tasks.core.count import counted
from tasks.core.errors import InputError

HOUR = 3600
"""Seconds. A story of 100 scenes is checked in seconds; a folder that takes an hour hangs."""


@flow(name="check-stories", flow_run_name="check {folder}", timeout_seconds=HOUR)
async def check_stories(
    folder: Annotated[str, Field(description="Folder with stories, at any depth.")] = "stories",
) -> State[Any]:
    """Check every story.json below a folder along every path, without a model.

    Leaves a consistency report for each; the run is green only if none contradicts and all can be
    read.
    """
    log = get_run_logger()
    files = sorted(Path(folder).expanduser().rglob("story.json"))  # noqa: ASYNC240
    if not files:
        raise InputError("There is no story.json below this folder.", file=folder)
    contradicting: list[str] = []
    unreadable: list[str] = []
    for file in files:
        try:
            story = read_story(file)
            accepted = read_accepted(file.with_suffix(".intended.yaml"))
        except InputError as error:
            log.warning("%s", error)
            unreadable.append(str(error))
            continue
        found = check_story(from_story(story), accepted)
        await publish_report(found, story, story.brief.id)
        log.info(
            "%s: %s", file, "clean" if found.clean else counted(len(found.findings), "finding")
        )
        if not found.clean:
            contradicting.append(str(file))
    bad = [
        f"{len(those)} of {len(files)} {what}: {', '.join(those)}"
        for what, those in (("contradict", contradicting), ("cannot be read", unreadable))
        if those
    ]
    if bad:
        name = "Contradictions" if contradicting else "Unreadable"
        return Failed(name=name, message="; ".join(bad))
    return Completed(message=f"{counted(len(files), 'story', 'stories')}, all clean")
