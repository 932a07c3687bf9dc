"""Progress of a run on the terminal: a bar where there is one, plain lines elsewhere."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks.calls.progress import watching
from tasks.core.plain_text import clean


class _Lines(logging.Handler):
    """Prints the flow's own log lines and moves the bar when one says that a scene is done."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.INFO)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        if record.module.endswith("_engine"):
            return  # Prefect's own lines; how the run ended is printed at its end
        style = "yellow" if record.levelno >= logging.WARNING else "default"
        done, planned = getattr(record, "scenes", (None, None))
        if done is not None:
            for bar in self._progress.task_ids:
                self._progress.update(bar, completed=done, total=planned, description="scenes")
        console, line = self._progress.console, clean(record.getMessage())
        if console.is_terminal:
            console.print(f"[{style}]{escape(line)}[/]", highlight=False)
        else:
            print(line, file=console.file, flush=True)  # a long line stays one line


@contextmanager
def progress_lines(console: Console, planned: int) -> Iterator[None]:
    """Show what the flow logs while it runs; `planned` is the number of scenes."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    logger = logging.getLogger("prefect.flow_runs")
    handler = _Lines(progress)
    progress.disable = not console.is_terminal
    with progress, ExitStack() as stack:
        bar = progress.add_task("scenes", total=planned)
        if console.is_terminal:
            # The name ends in the scene: "last-ferry-1: scene 1.2".
            stack.enter_context(
                watching(
                    lambda name, characters: progress.update(
                        bar, description=f"{escape(name)}: {characters:,} characters"
                    )
                )
            )
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
