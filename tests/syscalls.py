"""Runs a function in a process of its own and strikes at its n-th change to files under a folder.

Linux can stop a process at chosen system calls (seccomp with `SECCOMP_RET_TRACE`, seen by a tracer): whatever library
makes them, in whatever thread. There the process is killed, or the call fails with an error that a disk might give.
x86-64 only; `unavailable` says why it cannot be used.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import multiprocessing
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

#: Calls that change files, by number: those with a file descriptor first, and those with a path.
_BY_DESCRIPTOR = {
    1: "write",
    18: "pwrite64",
    20: "writev",
    40: "sendfile",
    74: "fsync",
    75: "fdatasync",
    77: "ftruncate",
    91: "fchmod",
    285: "fallocate",
    296: "pwritev",
    326: "copy_file_range",
}
_BY_PATH = {
    76: "truncate",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    86: "link",
    87: "unlink",
    88: "symlink",
    90: "chmod",
    258: "mkdirat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    268: "fchmodat",
    316: "renameat2",
}
_OPENAT = 257
_NAMES = _BY_DESCRIPTOR | _BY_PATH | {_OPENAT: "openat"}

#: Calls that need room on the disk.
GROWING = frozenset(
    {"write", "pwrite64", "writev", "pwritev", "fallocate", "mkdir", "openat", "sendfile", "copy_file_range"}
)

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_TRACEME, _CONT, _GETREGS, _SETREGS, _SETOPTIONS = 0, 7, 12, 13, 0x4200
#: Follow forks, vforks and threads; report seccomp's stops; nothing outlives the tracer.
_OPTIONS = 0x2 | 0x4 | 0x8 | 0x80 | 0x100000
_SECCOMP_STOP = (7 << 8) | signal.SIGTRAP
_WALL = 0x40000000
_RAX, _RDI, _ORIG_RAX = 10, 14, 15
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the ``at``-th change (from 0): a kill where ``error`` is None, else that error.

    A lasting error strikes every later call of ``only`` too, as on a disk that stays full. With ``name`` only calls of
    that name count; with ``behind`` it is the next change after that one, whatever it is, where the process is killed.
    """

    at: int
    error: int | None = None
    lasting: bool = False
    only: frozenset[str] | None = None
    name: str | None = None
    behind: bool = False


@dataclass(slots=True)
class Run:
    """How it went: the changes up to the end or the kill, exit status (-9: killed), and what the function gave."""

    changes: list[str] = field(default_factory=list)
    status: int = 0
    said: str = ""
    struck: int = 0


def strike(function: Callable[[], str], root: Path, fault: Fault | None = None) -> Run:
    """Run ``function`` in a new process and strike.

    The function must be picklable; what it returns, or the error it raises, comes back as text.
    """
    here, there = fork_server().Pipe(duplex=False)
    process = fork_server().Process(target=_tracer, args=(there, function, root.resolve(), fault))
    process.start()
    there.close()
    run: Run = here.recv()
    process.join()
    here.close()
    return run


@functools.cache
def unavailable() -> str:
    """Why processes cannot be traced here, or ""."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"tracing is written for Linux on x86-64, not {sys.platform} on {platform.machine()}"
    run = strike(_nothing, Path("/"))
    return "" if run.said == "nothing" else f"processes cannot be traced here: {run.said}"


def _nothing() -> str:
    return "nothing"


@functools.cache
def fork_server() -> multiprocessing.context.ForkServerContext:
    """Starts processes from one that has loaded everything.

    Imports take a second, a fork a hundredth of it; the server itself never runs anything, so it has no threads.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.fault_actions", "tests.commands"])
    return context


def _tracer(answer, function: Callable[[], str], root: Path, fault: Fault | None) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _tracee(function, writing)
    os.close(writing)
    run = Run()
    try:
        _follow(child, root, fault, run)
    except OSError as error:
        run.said = f"{error}"
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        run.said = run.said or pipe.read().decode()
    answer.send(run)


def _tracee(function: Callable[[], str], writing: int) -> None:
    status = 0
    try:
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _install_filter()
        said = function()
    except BaseException as error:  # noqa: BLE001 - the process ends here, whatever it was
        status, said = 1, f"{type(error).__name__}: {error}"
    os.write(writing, said.encode())
    os._exit(status)


def _follow(child: int, root: Path, fault: Fault | None, run: Run) -> None:
    os.waitpid(child, _WALL)
    _ptrace(_SETOPTIONS, child, 0, _OPTIONS)
    _ptrace(_CONT, child, 0, 0)
    while True:
        thread, status = os.waitpid(-1, _WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if thread == child:
                run.status = os.waitstatus_to_exitcode(status)
                return
            continue
        stopped = os.WSTOPSIG(status)
        passed_on = 0 if stopped in (signal.SIGTRAP, signal.SIGSTOP) else stopped
        if status >> 8 == _SECCOMP_STOP and not _let_pass(thread, root, fault, run):
            os.kill(child, signal.SIGKILL)
            continue
        with contextlib.suppress(ProcessLookupError):
            _ptrace(_CONT, thread, 0, passed_on)


def _let_pass(thread: int, root: Path, fault: Fault | None, run: Run) -> bool:
    """Count a call that concerns ``root``; False where the process is to be killed instead."""
    registers = (ctypes.c_ulonglong * 27)()
    _ptrace(_GETREGS, thread, 0, ctypes.addressof(registers))
    if not _concerns(thread, registers, root):
        return True
    name = _NAMES[registers[_ORIG_RAX]]
    struck = fault is not None and _strikes(fault, run.changes, name)
    run.changes.append(name)
    if fault is None or not struck:
        return True
    if fault.error is not None and (fault.only is None or name in fault.only):
        run.struck += 1
        registers[_ORIG_RAX] = (1 << 64) - 1
        registers[_RAX] = (1 << 64) - fault.error
        _ptrace(_SETREGS, thread, 0, ctypes.addressof(registers))
    return fault.error is not None


def _concerns(thread: int, registers: ctypes.Array[ctypes.c_ulonglong], root: Path) -> bool:
    """Whether a call changes a file in ``root``; one by path counts wherever it is."""
    if registers[_ORIG_RAX] not in _BY_DESCRIPTOR:
        return True
    try:
        return Path(f"/proc/{thread}/fd/{registers[_RDI] & 0xFFFFFFFF}").readlink().is_relative_to(root)
    except OSError:
        return False


def _strikes(fault: Fault, before: list[str], name: str) -> bool:
    """Whether the change after those ``before`` is one to strike at."""
    passed = before.count(fault.name) if fault.name else len(before)
    if fault.behind:
        return passed > fault.at
    if fault.name and name != fault.name:
        return False
    return passed == fault.at or (fault.lasting and passed > fault.at)


def _install_filter() -> None:
    numbers = [*_BY_DESCRIPTOR, *_BY_PATH]
    load, equal, masked, give = 0x20, 0x15, 0x45, 0x06
    program = [(load, 0, 0, 4), (equal, 0, len(numbers) + 4, 0xC000003E), (load, 0, 0, 0)]
    # Behind the numbers: openat's own test, then ALLOW, then TRACE.
    for place, number in enumerate(numbers):
        program.append((equal, len(numbers) - place + 3, 0, number))
    program += [
        (equal, 0, 2, _OPENAT),
        (load, 0, 0, 32),
        (masked, 1, 0, _WRITING),
        (give, 0, 0, _ALLOW),
        (give, 0, 0, _TRACE),
    ]
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer)))
    for option, value, extra in ((38, 1, 0), (22, 2, ctypes.addressof(header))):
        if _libc().prctl(option, value, ctypes.c_void_p(extra), 0, 0):
            raise OSError(ctypes.get_errno(), "no system call filter can be set")


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    return libc


def _ptrace(request: int, process: int, address: int, data: int) -> None:
    ctypes.set_errno(0)
    if _libc().ptrace(request, process, address, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace: {errno.errorcode.get(ctypes.get_errno(), '?')}")
