"""A filter of system calls that keeps all memory of a program where it is counted.

Memory that is no file, mapped or not, is in the resident size of no process: `memfd_create`, System
V's shared memory, and shared mappings of nothing, whose pages stay when they are unmapped in part.
"""

import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050001, 0x7FFF0000  # refused with EPERM
_NUMBER, _ARCHITECTURE, _FLAGS = 0, 4, 16 + 3 * 8  # offsets; the flags are mmap's fourth argument
_SHARED_ANONYMOUS = 0x21
_X32 = 0x40000000

_CALLS = {
    # AUDIT_ARCH; memfd_create, memfd_secret, shmget, shmat; mmap
    "x86_64": (0xC000003E, (319, 447, 29, 30), 9),
    "aarch64": (0xC00000B7, (279, 447, 194, 196), 222),
}


@contextmanager
def opened() -> Iterator[int | None]:
    """A descriptor to read the filter from, once; None where there is none for this machine."""
    program = seccomp(platform.machine())
    if program is None:
        yield None
        return
    read_fd, write_fd = os.pipe()
    try:
        os.write(write_fd, program)
        os.close(write_fd)
        yield read_fd
    finally:
        os.close(read_fd)


def seccomp(machine: str) -> bytes | None:
    """The filter for a machine, as BPF."""
    if machine not in _CALLS:
        return None
    architecture, refused, mmap = _CALLS[machine]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE)]
    for number in refused:
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    program += [
        (_EQUAL, 0, 4, mmap),
        (_LOAD, 0, 0, _FLAGS),
        (_AND, 0, 0, _SHARED_ANONYMOUS),
        (_EQUAL, 0, 1, _SHARED_ANONYMOUS),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *one) for one in program)
