"""Limits that hold for a program and all that it starts."""

from pathlib import Path

from tasks.sandbox.box import box
from tasks.sandbox.bubblewrap import Bubblewrap
from tasks.sandbox.engine import Limits

FILL = """
for folder in ("/", "/dev", "/dev/shm", "/tmp"):
    written = 0
    try:
        for i in range(20):
            written += open(f"{folder}/{i}", "wb").write(b"x" * 4 * 1024 * 1024)
    except OSError:
        print(folder, written // 1024 // 1024)
"""
HOLD_TOGETHER = """
import os, time

for i in range(40):
    if os.fork() == 0:
        held = "x" * 40_000_000
        time.sleep(60)
time.sleep(60)
"""
POOLS = """
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pool

with ThreadPoolExecutor(32) as pool:
    print(sum(pool.map(abs, range(1000))))
with Pool(4) as pool:
    print(sum(pool.map(abs, range(1000))))
"""


UNCOUNTED = """
import ctypes, errno, mmap, os

def tried(call, *given):
    try:
        return call(*given)
    except OSError as error:
        return errno.errorcode[error.errno]

libc = ctypes.CDLL(None, use_errno=True)
for call in (libc.shmget, libc.shmat):
    print(call(0, 4096, 0o1600), errno.errorcode[ctypes.get_errno()])
print(tried(os.memfd_create, "held"), tried(mmap.mmap, -1, 4096))
zero = os.open("/dev/zero", os.O_RDWR)
print(tried(mmap.mmap, zero, 4096))
print(len(mmap.mmap(-1, 4096, mmap.MAP_PRIVATE)))
with open("/tmp/file", "w+b") as file:
    file.write(b"x" * 4096)
    file.flush()
    print(len(mmap.mmap(file.fileno(), 4096)))
"""


async def test_no_memory_is_held_where_it_is_not_counted(bwrap: str) -> None:
    ran = await Bubblewrap().run(UNCOUNTED)
    assert ran.stdout == "-1 ENOSYS\n-1 ENOSYS\nENOSYS EPERM\nENODEV\n4096\n4096\n", ran.error


async def test_no_folder_takes_more_than_the_scratch_space(bwrap: str) -> None:
    ran = await Bubblewrap().run(FILL)
    assert ran.stdout == "/ 0\n/dev 0\n/dev/shm 32\n/tmp 32\n"


async def test_processes_together_hold_no_more_than_the_limit(bwrap: str) -> None:
    ran = await Bubblewrap(Limits(all_memory_bytes=512 * 1024 * 1024)).run(HOLD_TOGETHER)
    assert ran.verdict == "resource"
    assert ran.error == "stopped with 536870912 bytes of memory in use"
    assert ran.seconds < 5


async def test_pools_of_threads_and_processes_run(bwrap: str) -> None:
    ran = await Bubblewrap().run(POOLS)
    assert (ran.verdict, ran.stdout) == ("passed", "499500\n499500\n")


def bound(path: Path) -> set[str]:
    words = box(str(path))
    return {words[i + 1] for i, word in enumerate(words) if word == "--ro-bind"}


def test_of_a_home_with_a_python_no_more_is_bound_than_the_python(tmp_path: Path) -> None:
    system = bound(Path("/usr/bin/python3"))
    for folder in ("bin", "lib", ".ssh"):
        (tmp_path / folder).mkdir()
    assert bound(tmp_path / "bin/python3") - system == {f"{tmp_path}/bin", f"{tmp_path}/lib"}
    assert "/" not in bound(Path("/bin/python3"))
