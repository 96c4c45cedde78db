"""Whether a server under load says that it lives: asked by a process of its own, which no other client holds up."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

#: Seconds between two looks, for each to take at most, and for the process to end.
_LOOK, _PATIENCE, _ENDING = 0.05, 30.0, 60.0
_SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class Watch:
    """Milliseconds that each path took, and what was not answered with status 200."""

    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@contextlib.contextmanager
def watching(url: str, paths: Sequence[str]) -> Iterator[Watch]:
    """Ask for each of the paths, some twenty times a second, until the block ends; then the watch is filled."""
    done = _SPAWN.Event()
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_look, args=(url, tuple(paths), done, theirs), daemon=True)
    process.start()
    found = Watch()
    try:
        yield found
    finally:
        done.set()
        if ours.poll(_ENDING):
            seen: Watch = ours.recv()
            found.milliseconds, found.failures = seen.milliseconds, seen.failures
        else:
            found.failures.append("the process that watches did not end")
        process.join(_ENDING)


def _look(url: str, paths: Sequence[str], done: Event, results: Connection) -> None:
    found = Watch({path: [] for path in paths})
    with httpx.Client(base_url=url, timeout=_PATIENCE, trust_env=False) as client:
        while not done.wait(_LOOK):
            for path in paths:
                started = time.perf_counter()
                try:
                    status = client.get(path).status_code
                except httpx.HTTPError as error:
                    found.failures.append(f"{path}: {type(error).__name__}")
                    continue
                found.milliseconds[path].append(1000 * (time.perf_counter() - started))
                if status != httpx.codes.OK:
                    found.failures.append(f"{path}: status {status}")
    results.send(found)
