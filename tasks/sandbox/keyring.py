"""The kernel's keyrings, which no namespace parts."""

import ctypes
import os
import platform
from errno import ENOSYS, EPERM

KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1

_libc = ctypes.CDLL(None, use_errno=True)


def renew() -> None:
    """Give this thread a new, empty session keyring, and with it all that it starts from now on.

    Other threads keep theirs. Where the kernel has no keyrings, or a container forbids them to us
    and so to what we start, nothing is to be done. Raises OSError.
    """
    if _libc.syscall(KEYCTL[platform.machine()], _JOIN_SESSION_KEYRING, None) != -1:
        return
    number = ctypes.get_errno()
    if number not in (ENOSYS, EPERM):
        raise OSError(number, f"no new session keyring: {os.strerror(number)}")
