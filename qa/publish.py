"""Publishing a build so that a reader sees the old index or the new one, whole, whatever happens in between.

A build is written into ``.tmp-<id>``, flushed to the disk, renamed to ``<id>``, and only then named in the one-line
file ``CURRENT``, which is replaced atomically. A killed build leaves a ``.tmp-`` folder that the next one removes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from qa.errors import IndexBusyError, IndexDamagedError, IndexMissingError, QAError
from qa.manifest import MANIFEST_FILE

CURRENT_FILE = "CURRENT"
LOCK_FILE = ".lock"
TMP_PREFIX = ".tmp-"

#: Seconds to wait for another build. One of five articles takes two; a larger one is worth asking about.
LOCK_TIMEOUT_S = 600.0


def current_build(root: Path) -> Path:
    """The folder of the published build.

    Raises:
        IndexMissingError: None was published here.
        IndexDamagedError: ``CURRENT`` names a folder that is not there.
    """
    try:
        name = (root / CURRENT_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise IndexMissingError(f"no index in {root}", "qa build") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamagedError(f"{root / CURRENT_FILE} cannot be read: {error}", "qa build") from None
    folder = root / name
    if not name or "/" in name or not folder.is_dir():
        raise IndexDamagedError(f"{root / CURRENT_FILE} names {name!r}, which is not there", "qa build")
    return folder


@contextmanager
def build_lock(
    root: Path, *, timeout_s: float = LOCK_TIMEOUT_S, waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the only right to build in ``root``; the system takes it back from a killed process.

    Args:
        root: The index folder; made if it is not there.
        timeout_s: Longest wait for another build.
        waiting: Called once when another build is under way.

    Raises:
        IndexBusyError: The other build was still running after ``timeout_s``.
        QAError: The folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire(timeout=timeout_s)
    except Timeout:
        raise IndexBusyError(f"another build is writing {root}", "try again when it has ended") from None
    except OSError as error:
        raise _unwritable(root, error) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def publishing(root: Path, build_id: str) -> Iterator[Path]:
    """Give a folder to write a build into and publish it on leaving without an error. Needs `build_lock`.

    Raises:
        QAError: The disk is full or the folder cannot be written; what was published before stays.
    """
    staging = root / f"{TMP_PREFIX}{build_id}"
    try:
        sweep(root)
        staging.mkdir()
        yield staging
        _sync_tree(staging)
        final = root / build_id
        staging.rename(final)
        _sync(root)
        pointer = root / f"{TMP_PREFIX}{CURRENT_FILE}"
        pointer.write_text(build_id + "\n", encoding="ascii")
        _sync(pointer)
        pointer.replace(root / CURRENT_FILE)
        _sync(root)
    except OSError as error:
        raise _unwritable(root, error) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove what killed builds left. Needs `build_lock`."""
    for leftover in root.glob(f"{TMP_PREFIX}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def prune(root: Path, keep: int) -> None:
    """Remove all but the published build and the ``keep`` newest others. Needs `build_lock`.

    A reader of a removed build goes on: it holds its files open.
    """
    current = current_build(root).name
    others = [path.parent for path in root.glob(f"*/{MANIFEST_FILE}") if path.parent.name != current]
    for folder in sorted(others, reverse=True)[keep:]:
        shutil.rmtree(folder, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(root: Path, error: OSError) -> QAError:
    reason = error.strerror or str(error)
    mend = "name another folder with --index DIR, or make room"
    return QAError(f"the index cannot be written to {root}: {reason}", mend)
