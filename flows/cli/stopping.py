"""Ctrl-C and SIGTERM while a flow runs: what is done is kept, and the prompt comes back in time."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import FrameType
from typing import Any, Generic, NoReturn, TypeVar

import typer
from rich.console import Console

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that a run has to leave its stories and receipts, which takes a few. With the Prefect
server away each of its last calls would be tried for four minutes; the ledger needs no ending."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(work: Coroutine[Any, Any, T]) -> T:
    """What comes of a run. A signal cancels it and ends the command with 128 and its number; a
    second one, or `PATIENCE`, ends it at once.

    The run has a thread of its own, as Prefect's handler for SIGTERM would raise an error wherever
    a story happens to be; outside the main thread it sets none.
    """
    running = _Running(work)
    before = {number: signal.signal(number, running.stop) for number in SIGNALS}
    running.start()
    try:
        return running.ended.result()
    except BaseException:
        if running.stopped_by is None:
            raise
    finally:
        if running.stopped_by is None:
            for number, handler in before.items():
                signal.signal(number, handler)
    _say_interrupted()
    raise typer.Exit(128 + running.stopped_by)


class _Running(threading.Thread, Generic[T]):
    """A run on an event loop of its own."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        super().__init__(name="run", daemon=True)
        self.ended: Future[T] = Future()
        self.stopped_by: int | None = None
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(work)

    def run(self) -> None:
        """Run to the end, however that is."""
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                result = runner.run(self._wait())
        except BaseException as error:
            self.ended.set_exception(error)
        else:
            # Not before the runner is closed: Python 3.12 starts no thread for that once the main
            # thread has ended.
            self.ended.set_result(result)

    async def _wait(self) -> T:
        return await self._task

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Cancel the run; if that was done before, end the process."""
        if self.stopped_by is not None:
            _give_up(128 + number)
        self.stopped_by = number
        logging.raiseExceptions = False  # Prefect says so where it cannot send its log any more
        typer.echo("Stopping; Ctrl-C again to stop at once.", err=True)
        self._loop.call_soon_threadsafe(self._task.cancel)
        timer = threading.Timer(PATIENCE, _give_up, [128 + number])
        timer.daemon = True
        timer.start()


def _give_up(code: int) -> NoReturn:
    Console(stderr=True).show_cursor()  # which a progress bar has hidden
    _say_interrupted()
    os._exit(code)


def _say_interrupted() -> None:
    typer.echo("Interrupted. What was written is kept; the same command goes on.", err=True)
