"""The list of system calls: right for both machines, enough for Python, and proven at the start."""

import asyncio
import ctypes
import struct
from collections.abc import Iterator
from ctypes.util import find_library

import pytest

from tasks.core.settings import Settings
from tasks.doctor import examine_sandbox
from tasks.sandbox import probe, seccomp
from tasks.sandbox.bubblewrap import Bubblewrap, run
from tasks.sandbox.engine import LIMITS
from tests.sandbox import calls
from tests.sandbox.corpus import programs
from tests.sandbox.host import Host

MUCH = """
import asyncio, fcntl, glob, multiprocessing, os, pathlib, resource, select, shutil, signal
import socket, sqlite3, subprocess, tarfile, tempfile, threading, time, zipfile

os.makedirs("/tmp/a/b")
pathlib.Path("/tmp/a/b/c").write_text("tide")
os.link("/tmp/a/b/c", "/tmp/a/d")
os.symlink("b/c", "/tmp/a/e")
shutil.copytree("/tmp/a", "/tmp/f", symlinks=True)
shutil.copy2("/usr/bin/env", "/tmp/f/env")
shutil.move("/tmp/f", "/tmp/g")
os.truncate("/tmp/g/b/c", 2)
os.chmod("/tmp/g/b/c", 0o600)
os.utime("/tmp/g/b/c", (10**9, 10**9))
os.chown("/tmp/g/b/c", os.getuid(), os.getgid())
with tarfile.open("/tmp/t.tar.gz", "w:gz") as tar:
    tar.add("/tmp/g")
with tarfile.open("/tmp/t.tar.gz") as tar:
    tar.extractall("/tmp/h")
with zipfile.ZipFile("/tmp/z.zip", "w") as archive:
    archive.write("/tmp/g/b/c")
print(sorted(os.path.basename(p) for p in glob.glob("/tmp/h/tmp/g/**", recursive=True)))
os.mkfifo("/tmp/fifo")
with tempfile.NamedTemporaryFile() as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_UN)
    file.write(b"x")
    os.fsync(file.fileno())
tides = sqlite3.connect("/tmp/tides.db")
tides.execute("pragma journal_mode=wal")
tides.execute("create table t (n)")
tides.execute("insert into t values (3)")
tides.commit()
print(tides.execute("select n from t").fetchone())
print(subprocess.run("echo $((6 * 7)) | tr 4 5; cp -a /tmp/a /tmp/i; ls /tmp/i; sort </tmp/a/b/c",
    shell=True, capture_output=True, text=True, check=True).stdout.split())
print(subprocess.run(["sleep", "0"], start_new_session=True, preexec_fn=lambda: os.nice(1)))
with multiprocessing.Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
queue = multiprocessing.Queue()
queue.put(1)
print(queue.get(), multiprocessing.Value("i", 3).value)


async def main():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    for host in ("127.0.0.1", "::1"):
        try:
            server = await asyncio.start_server(answer, host, 0)
        except OSError as e:
            print(e.errno in (97, 99))  # a machine without IPv6
            continue
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            writer.write(b"bell\\n")
            print(await reader.readline() == b"bell\\n")
    told = await asyncio.create_subprocess_exec("echo", "hi", stdout=asyncio.subprocess.PIPE)
    print(await told.communicate())


asyncio.run(main())
try:
    socket.getaddrinfo("localhost", 80)
except OSError:
    pass
signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.pause()
watched = select.epoll()
watched.register(0)
print(os.cpu_count() > 0, os.uname().sysname, len(os.urandom(3)), time.time() > 0)
print(len(os.sched_getaffinity(0)) > 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0)
print(shutil.disk_usage("/tmp").total, os.get_terminal_size is not None)
"""
EXPECTED = """['', 'b', 'c', 'd', 'e', 'env']
(3,)
['52', 'b', 'd', 'e', 'tide']
CompletedProcess(args=['sleep', '0'], returncode=0)
[1, 2]
1 3
True
True
(b'hi\\n', None)
alarm
True Linux 3 True
True True
33554432 True
"""
NO_FILTER = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)


@pytest.fixture
def unfiltered(bwrap: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A kernel that does not heed filters: the interpreter that runs under it."""
    monkeypatch.setattr(seccomp, "seccomp", lambda machine: NO_FILTER)
    probe._found.cache_clear()
    yield bwrap
    probe._found.cache_clear()


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_the_numbers_are_those_of_libseccomp(machine: str) -> None:
    name = find_library("seccomp")
    if name is None:
        pytest.skip("libseccomp is not installed")
    resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    listed = seccomp.allowed(machine)
    known = {call: resolve(seccomp.MACHINES[machine], call.encode()) for call in listed}
    newer = {"fchmodat2"}
    assert {c: n for c, n in listed.items() if c not in newer} == {
        c: n for c, n in known.items() if c not in newer
    }
    assert calls.NUMBERS.keys() & listed.keys() == {"clone"}
    assert seccomp.ONLY.keys() <= seccomp.allowed("x86_64").keys()


def test_another_machine_has_no_filter_and_so_no_sandbox() -> None:
    with pytest.raises(RuntimeError, match="no list of system calls for riscv64"):
        seccomp.seccomp("riscv64")


async def test_programs_that_need_much_of_the_system_run(bwrap: str) -> None:
    ran = await Bubblewrap().run(MUCH)
    assert (ran.verdict, ran.error, ran.stdout) == ("passed", None, EXPECTED)


async def test_where_the_filter_does_not_hold_the_engine_is_off_and_doctor_says_why(
    unfiltered: str,
) -> None:
    with pytest.raises(RuntimeError, match="does not refuse what the filter forbids"):
        await asyncio.to_thread(probe.python)
    found = await examine_sandbox("bubblewrap", Settings(_env_file=None))
    assert found.state == "off"
    assert "does not refuse what the filter forbids" in found.detail
    assert "apt install" not in found.advice


async def test_without_the_filter_the_keyring_of_the_host_is_out_of_reach_still(
    unfiltered: str, host: Host
) -> None:
    steal = [one for one in programs("hostile") if "@keyctl" in one or "@add_key" in one]
    runs = [await run(host.fill(one), unfiltered, LIMITS) for one in steal]
    assert "left-behind" in steal[3]
    assert int(runs[3].stdout) > 0  # the call is there, and ends in a keyring of its own
    assert "canary" not in runs[0].stdout + runs[1].stdout
    assert not host.keyring.changed()
