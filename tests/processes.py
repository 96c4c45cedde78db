"""Other processes as the system shows them (/proc): what they started, whether they live, what they have worked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(**variables: str) -> dict[str, str]:
    """For a process that is to find this package, whatever folder it is started in."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **variables}


def _fields(pid: int) -> list[str]:
    """From the state on (proc(5)); the name before it may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def is_running(pid: int) -> bool:
    """Whether it lives; one that waits for its parent to take note of its end does not."""
    try:
        return _fields(pid)[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def still_running(pids: Iterable[int], seconds: float) -> list[int]:
    """Those that are not gone after so long."""
    left, ends = list(pids), time.monotonic() + seconds
    while (left := [pid for pid in left if is_running(pid)]) and time.monotonic() < ends:
        os.sched_yield()
    return left


def worked(pid: int) -> float:
    """Seconds of the processor that it has taken."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """All that it started, and what those started."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents[int(folder.name)] = int(_fields(int(folder.name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def command_of(pid: int) -> str:
    """Its command line; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
