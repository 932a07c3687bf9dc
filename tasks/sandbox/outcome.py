"""What the end of a process says about the code in it."""

import signal
from typing import Literal

from tasks.sandbox.engine import Limits
from tasks.story.code import CodeVerdict

Stop = Literal["time", "output", "memory"]
"""The limit for which we ended a program."""

_KILLED_BY: dict[int, CodeVerdict] = {
    signal.SIGXCPU: "timeout",
    signal.SIGKILL: "resource",
    signal.SIGXFSZ: "resource",
}
_NO_ROOM = (
    "MemoryError",
    "OSError: [Errno 27]",
    "OSError: [Errno 28]",
    "BlockingIOError: [Errno 11]",
    "RuntimeError: can't start new thread",
)


def judged(
    stopped: Stop | None, code: int, out: bytes, err: bytes, limits: Limits
) -> tuple[CodeVerdict, str, str | None]:
    """Verdict, output and error. `stopped` is why we ended it, if we did; `code` its exit code,
    128 + the signal if one killed it."""
    text = out.decode("utf-8", "replace")
    lines = err.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1][:500] if lines else None
    if stopped == "time":
        return "timeout", text, f"stopped after {limits.wall_seconds:g} s"
    if stopped == "output":
        return "resource", text, f"stopped after {limits.output_bytes} bytes of output"
    if stopped == "memory":
        return "resource", text, f"stopped with {limits.all_memory_bytes} bytes of memory in use"
    if code == 0:
        return "passed", text, None
    if killed := _KILLED_BY.get(code - 128):
        return killed, text, signal.strsignal(code - 128)
    if last and last.startswith(_NO_ROOM):
        return "resource", text, last
    return "raised", text, last or f"exit code {code}"
