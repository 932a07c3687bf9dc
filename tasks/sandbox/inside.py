"""Runs inside the sandbox, as a script: limits itself for good, then runs the program on stdin."""

import _thread
import resource
import sys


def limit(cpu: int, memory: int, processes: int) -> None:
    """Hard limits; only the kernel can lift them again. Bytes and seconds."""
    # A second between the soft and the hard limit tells too slow (SIGXCPU) from killed.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 8 * 1024 * 1024),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def main() -> None:
    """Arguments: CPU seconds, bytes of memory, processes."""
    cpu, memory, processes = map(int, sys.argv[1:4])
    source = sys.stdin.buffer.read().decode()
    sys.argv = ["story.py"]
    limit(cpu, memory, processes)
    # 8 MiB for each thread, and there is no memory for more than a few.
    _thread.stack_size(1024 * 1024)
    program = compile(source, "story.py", "exec")
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    exec(program, module.__dict__)  # noqa: S102


if __name__ == "__main__":
    main()
