"""Publishing a build so that a reader sees the old index or the new one, whole, whatever happens in between.

A build is written into ``.tmp-<id>``, flushed to the disk, renamed to ``<id>``, and only then named in the one-line
file ``CURRENT``, which is replaced atomically. A killed build leaves a ``.tmp-`` folder that the next one removes.

A rollback names an earlier build in ``CURRENT``, and the same in ``HELD``: as long as both agree, nothing but an
outright ``qa build`` (or another rollback) replaces it.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from qa.errors import IndexBusyError, IndexDamagedError, IndexMissingError, QAError
from qa.manifest import MANIFEST_FILE, unreadable

CURRENT_FILE = "CURRENT"
HELD_FILE = "HELD"
LOCK_FILE = ".lock"
TMP_PREFIX = ".tmp-"

#: Seconds to wait for another build. One of five articles takes two; a larger one is worth asking about.
LOCK_TIMEOUT_S = 600.0

#: What a build may be called: never a path, never a folder that a build is still being written into.
_BUILD_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")


def current_build(root: Path) -> Path:
    """The folder of the published build.

    Raises:
        IndexMissingError: None was published here.
        IndexDamagedError: ``CURRENT`` names a folder that is not there.
        QAError: It may not be read.
    """
    try:
        name = (root / CURRENT_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise IndexMissingError(f"no index in {root}", "qa build") from None
    except OSError as error:
        raise unreadable(root / CURRENT_FILE, error) from None
    except UnicodeDecodeError as error:
        raise IndexDamagedError(f"{root / CURRENT_FILE} cannot be read: {error}", "qa build") from None
    folder = root / name
    if not _BUILD_ID.fullmatch(name) or not folder.is_dir():
        raise IndexDamagedError(f"{root / CURRENT_FILE} names {name!r}, which is not there", "qa build")
    return folder


def published_build(root: Path) -> Path | None:
    """The folder that ``CURRENT`` names, there or not; None where nothing was published."""
    name = _named(root, CURRENT_FILE)
    return root / name if name else None


def build_folders(root: Path) -> list[Path]:
    """The folders of all published builds, oldest first: their names begin with the time."""
    return sorted(path.parent for path in root.glob(f"*/{MANIFEST_FILE}") if _BUILD_ID.fullmatch(path.parent.name))


def held_build(root: Path) -> str | None:
    """The build that a rollback holds in place, or None.

    ``HELD`` counts only while it agrees with ``CURRENT``: that way two files change as one, whichever of them a kill
    leaves behind.
    """
    held = _named(root, HELD_FILE)
    return held if held is not None and held == _named(root, CURRENT_FILE) else None


def _named(root: Path, pointer: str) -> str | None:
    try:
        return (root / pointer).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def hold(root: Path, build_id: str) -> None:
    """Let ``build_id`` answer and hold it in place. Needs `build_lock`; `qa.builds.roll_back` checks the build first.

    Raises:
        QAError: The folder cannot be written.
    """
    try:
        # This order: killed in between, HELD names what is not current and means nothing.
        _replace(root, HELD_FILE, build_id)
        _replace(root, CURRENT_FILE, build_id)
    except OSError as error:
        raise _unwritable(root, error) from None


def release(root: Path) -> None:
    """End what `hold` began. Needs `build_lock`.

    Raises:
        QAError: The folder cannot be written.
    """
    try:
        if (root / HELD_FILE).exists():
            (root / HELD_FILE).unlink()
            _sync(root)
    except OSError as error:
        raise _unwritable(root, error) from None


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
    staging, final = root / f"{TMP_PREFIX}{build_id}", root / build_id
    try:
        sweep(root)
        staging.mkdir()
        yield staging
        _sync_tree(staging)
        staging.rename(final)
        _sync(root)
        _replace(root, CURRENT_FILE, build_id)
    except Exception as error:
        reason = disk_trouble(error)
        if reason is None:
            raise
        raise _unwritable(root, reason) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if _named(root, CURRENT_FILE) != build_id and final.is_dir():
            # Finished and not published, for want of a few bytes: left there it would fill the disk further.
            _discard(final)


def _replace(root: Path, name: str, build_id: str) -> None:
    """Put a build's name into a one-line file, atomically and for good."""
    pointer = root / f"{TMP_PREFIX}{name}"
    pointer.write_text(build_id + "\n", encoding="ascii")
    # Before the rename: else a power cut may leave the new name with no content behind it.
    _sync(pointer)
    pointer.replace(root / name)
    _sync(root)


def share(source: Path, target: Path) -> None:
    """Give a file that is never written again a second name, or copy it where the disk has no such links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def sweep(root: Path) -> None:
    """Remove what killed builds left. Needs `build_lock`.

    Raises:
        QAError: It cannot be removed.
    """
    try:
        for leftover in root.glob(f"{TMP_PREFIX}*"):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
    except OSError as error:
        raise _unwritable(root, error) from None


def tidy(root: Path, keep: int, *, replaced: Path | None = None) -> None:
    """`sweep` and `prune`, at the end of every build, even one with nothing to do: the last may have been killed here.

    Raises:
        QAError: As `sweep`.
    """
    sweep(root)
    prune(root, keep, replaced=replaced)


def prune(root: Path, keep: int, *, replaced: Path | None = None) -> list[Path]:
    """Remove all but the published build and ``keep`` others, newest first; gives what was removed. Needs `build_lock`.

    A reader of a removed build goes on: it holds its files open.

    Args:
        root: The index folder.
        keep: How many stay beside the published one.
        replaced: The first to stay: what answered until now is what one goes back to, newer or not.
    """
    current = current_build(root)
    others = [folder for folder in reversed(build_folders(root)) if folder != current]
    others.sort(key=lambda folder: folder != replaced)
    return [folder for folder in others[keep:] if _discard(folder)]


def _discard(folder: Path) -> bool:
    # Renamed first: killed half-way through, it is a leftover for `sweep` and no build that lacks files.
    doomed = folder.with_name(f"{TMP_PREFIX}{folder.name}")
    try:
        folder.rename(doomed)
    except OSError:
        return False
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        # With a second name it is a published build's file, and was written out when that was published.
        if path.is_dir() or path.stat().st_nlink == 1:
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


#: How tantivy tells of an error of the system: "No space left on device (os error 28)", "Os { code: 28, kind: …".
_OS_ERROR = re.compile(r"\bos error (\d+)\b|\bOs \{ code: (\d+)")

#: What FAISS and a thread of tantivy say instead.
_WRITE_ERRORS = ("write error", "FileIOWriter", "io::Error")


def disk_trouble(error: Exception) -> str | None:
    """What the system says was wrong with the disk, whichever library tells it; None where that was not the trouble.

    SQLite, FAISS and tantivy each write their own files and wrap the system's error in one of their own.
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, sqlite3.OperationalError):
        return str(error)
    if isinstance(error, ValueError | RuntimeError | QAError):
        told = _OS_ERROR.search(str(error))
        if told:
            return os.strerror(int(told[1] or told[2]))
        if any(words in str(error) for words in _WRITE_ERRORS):
            return "a file could not be written whole"
    return None


def _unwritable(root: Path, error: OSError | str) -> QAError:
    reason = error if isinstance(error, str) else error.strerror or str(error)
    mend = "name another folder with --index DIR, or make room"
    return QAError(f"the index cannot be written to {root}: {reason}", mend)
