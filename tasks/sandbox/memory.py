"""Memory of a process and of all that it started, which no limit of the kernel's binds together."""

import asyncio
import os
from collections import defaultdict
from pathlib import Path

LOOK_SECONDS = 0.1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


async def grown(pid: int, most_bytes: int) -> None:
    """Wait until a process and those below it hold more than that."""
    await asyncio.sleep(LOOK_SECONDS)
    while resident_bytes(pid) <= most_bytes:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


def resident_bytes(pid: int) -> int:
    """What a process and those below it hold by `/proc`; what they share counts for each."""
    below: defaultdict[int, list[int]] = defaultdict(list)
    pages: dict[int, int] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            told = Path("/proc", name, "stat").read_bytes()
        except OSError:
            continue
        # proc(5): behind the name in parentheses come the state, the parent, and as 22nd rss.
        fields = told.rpartition(b")")[2].split()
        below[int(fields[1])].append(int(name))
        pages[int(name)] = int(fields[21])
    total, left = 0, [pid]
    while left:
        one = left.pop()
        total += pages.get(one, 0)
        left += below[one]
    return total * _PAGE_BYTES
