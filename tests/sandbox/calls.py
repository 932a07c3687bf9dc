"""System calls that no program in a sandbox may make, and a keyring of the host to steal from."""

import ctypes
import platform

KEY = "talewright-test-key"
NUMBERS = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execveat": (322, 281),
    "fanotify_init": (300, 262),
    "fsopen": (430, 430),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "ptrace": (101, 117),
    "request_key": (249, 218),
    "seccomp": (317, 277),
    "umount2": (166, 39),
    "userfaultfd": (323, 282),
}
_libc = ctypes.CDLL(None, use_errno=True)
_SESSION = -3


def number(name: str) -> int:
    """The call's number on this machine."""
    return NUMBERS[name][platform.machine() == "aarch64"]


class SessionKeyring:
    """A new session keyring of this thread, with one secret in it, as a login leaves it."""

    def __init__(self, secret: str) -> None:
        """Where a kernel or a container has no keyrings, there is nothing to steal."""
        self.secret = secret.encode()
        self._key = -1
        if self._call("keyctl", 1, None) != -1:
            self._key = self._call(
                "add_key", b"user", KEY.encode(), self.secret, len(self.secret), _SESSION
            )

    def changed(self) -> bool:
        """Whether it holds anything else now."""
        if self._key == -1:
            return False
        held = ctypes.create_string_buffer(100)
        size = self._call("keyctl", 11, self._key, held, len(held))
        keys = self._call("keyctl", 11, _SESSION, None, 0) // 4
        return held.raw[: max(size, 0)] != self.secret or keys != 1

    def _call(self, name: str, *given: object) -> int:
        return int(_libc.syscall(number(name), *given))
