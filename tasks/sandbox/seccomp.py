"""The system calls that a Python program needs, as a filter; no other exists in the sandbox.

The list is ours (`calls.txt`) and so are the forty lines that make a filter of it: libseccomp is
not on every machine that has bubblewrap, and its Python packages only find it there. A call that is
not listed fails with ENOSYS, as on a kernel that is too old for it, and libraries do without; that
holds for calls which are not invented yet. Calls of another architecture, whose numbers mean
something else, kill the program.

Left out on purpose is memory that is no file, mapped or not, for it is in the resident size of no
process: `memfd_create`, System V's shared memory, huge pages, and shared mappings of nothing, whose
pages stay when they are unmapped in part.
"""

import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSYS, EPERM
from functools import cache
from pathlib import Path

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in seccomp_data

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Those for which there is a filter, and how linux/audit.h numbers them."""


@dataclass(frozen=True)
class Is:
    """An argument of a call, counted from 0, is one of these in the bits of the mask.

    Only the lower 32 bits are looked at; of the arguments below, the kernel reads no others.
    """

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF


_SOCKETS = Is(1, (1, 2), 0xF)  # stream or datagram
_FIFO = 0o010000, 0o170000
ONLY: dict[str, tuple[tuple[Is, ...], ...]] = {
    # No CLONE_NEW* flag. clone3, which hides its flags from a filter, is not listed.
    "clone": ((Is(0, (0,), 0x7E020000),),),
    # Not shared and anonymous at once, and no huge pages.
    "mmap": ((Is(3, (0x00, 0x01, 0x20), 0x40021),),),
    # Unix, IPv4 and IPv6; TCP and UDP.
    "socket": ((Is(0, (1, 2, 10)), _SOCKETS, Is(2, (0, 6, 17))),),
    "socketpair": ((Is(0, (1,)), _SOCKETS),),
    "setsockopt": (
        # SO_REUSEADDR, BROADCAST, SNDBUF, RCVBUF, KEEPALIVE, LINGER, REUSEPORT, RCV- and SNDTIMEO
        (Is(1, (1,)), Is(2, (2, 6, 7, 8, 9, 13, 15, 20, 21))),
        # TCP_NODELAY, KEEPIDLE, KEEPINTVL, KEEPCNT, QUICKACK, USER_TIMEOUT
        (Is(1, (6,)), Is(2, (1, 4, 5, 6, 12, 18))),
        (Is(1, (41,)), Is(2, (26,))),  # IPV6_V6ONLY
    ),
    # TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, FICLONE
    "ioctl": (
        (Is(1, (0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x40049409)),),
        (Is(1, (0x802C542A,)),),  # TCGETS2
    ),
    # F_DUPFD to F_SETLKW, locks of open files, F_DUPFD_CLOEXEC, F_GETPIPE_SZ
    "fcntl": ((Is(1, (*range(8), 36, 37, 38, 1030, 1032)),),),
    # PR_SET_PDEATHSIG, GET_DUMPABLE, SET_NAME, GET_NAME, GET_NO_NEW_PRIVS, SET_VMA
    "prctl": ((Is(0, (1, 3, 15, 16, 39, 0x53564D41)),),),
    "arch_prctl": ((Is(0, (0x1002, 0x1003)),),),  # ARCH_SET_FS, ARCH_GET_FS
    "prlimit64": ((Is(0, (0,)),),),  # its own
    "mknod": ((Is(1, _FIFO[:1], _FIFO[1]),),),
    "mknodat": ((Is(2, _FIFO[:1], _FIFO[1]),),),
    # Never; ENOSYS would end shutil.copy2.
    "setxattr": (),
    "lsetxattr": (),
    "fsetxattr": (),
}
"""Calls that are refused with EPERM unless all of one of the alternatives holds."""


def allowed(machine: str) -> dict[str, int]:
    """The names and numbers of the calls on the list. Raises RuntimeError if there is none."""
    if machine not in MACHINES:
        raise RuntimeError(f"there is no list of system calls for {machine}")
    text = Path(__file__).with_name("calls.txt").read_text("utf-8")
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    column = 1 + list(MACHINES).index(machine)
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


@contextmanager
def opened() -> Iterator[int]:
    """A descriptor to read this machine's filter from, once. Raises RuntimeError if there is
    none."""
    program = seccomp(platform.machine())
    read_fd, write_fd = os.pipe()
    try:
        os.write(write_fd, program)
        os.close(write_fd)
        yield read_fd
    finally:
        os.close(read_fd)


@cache
def seccomp(machine: str) -> bytes:
    """The filter for a machine, as BPF. Raises RuntimeError if there is none."""
    calls = allowed(machine)
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, MACHINES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for name, number in calls.items():
        body = [(_RETURN, 0, 0, _ALLOW)]
        if name in ONLY:
            body = [step for one in ONLY[name] for step in _alternative(one)]
            body.append((_RETURN, 0, 0, _ERRNO | EPERM))
        program += [(_EQUAL, 0, len(body), number), *body]
    program.append((_RETURN, 0, 0, _ERRNO | ENOSYS))
    return b"".join(struct.pack("=HBBI", *one) for one in program)


def _alternative(tests: tuple[Is, ...]) -> list[tuple[int, int, int, int]]:
    """Allow the call if all tests hold, else go on behind this."""
    steps = [(_RETURN, 0, 0, _ALLOW)]
    for test in reversed(tests):
        more = len(test.values) - 1
        compared = [
            (_EQUAL, more - i, 0 if i < more else len(steps), value)
            for i, value in enumerate(test.values)
        ]
        load = (_LOAD, 0, 0, _ARGUMENTS + 8 * test.argument)
        steps = [load, (_AND, 0, 0, test.mask), *compared, *steps]
    return steps
