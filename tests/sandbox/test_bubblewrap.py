"""Limits that hold for a program and all that it starts."""

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
