"""Temporary folders that do not stay when their process is killed: the next one that needs such a folder removes them.

Who makes a folder holds a lock on it (``flock`` on the folder itself), which the system takes back however the process
ends. A folder of this user that can be locked has no owner any more. Neither its age nor a process id decides: clocks
are set, ids are given again and mean nothing to another container that shares the folder. Where there is no ``flock`` a
folder that was left stays.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "qa-lexical-"
#: Times that a folder is removed, a millisecond apart. On a machine with more to do than processors one in some hundred
#: was left empty, as if something had been put into it between reading and removing it.
ATTEMPTS: Final = 20
#: Where temporary files go, the first that takes one. Not `tempfile.gettempdir`: it tries the folder with a file of its
#: own, which stays where the process is killed that moment.
_VARIABLES: Final = ("TMPDIR", "TEMP", "TMP")
_PLACES: Final = ("/tmp", "/var/tmp")  # noqa: S108 - folders are made with names of their own, for this user alone


def places() -> list[Path]:
    """Folders for temporary files, the one to try first in front."""
    if tempfile.tempdir is not None or os.name != "posix":
        return [Path(os.fsdecode(tempfile.gettempdir()))]
    named = [os.environ[name] for name in _VARIABLES if os.environ.get(name)]
    return [Path(place).absolute() for place in (*named, *_PLACES)]


@contextmanager
def scratch_folder(place: Path) -> Iterator[Path]:
    """An empty folder in ``place`` for this user alone, to hold files and links; gone afterwards.

    Raises:
        OSError: Nothing can be made there.
    """
    sweep(place)
    folder, lock = _locked(place)
    try:
        yield folder
    finally:
        # Removed before the lock is given up: else another would do the same.
        _remove(folder)
        if lock is not None:
            os.close(lock)


def _remove(folder: Path) -> None:
    """Gone with what is in it; where that fails the next process removes it."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.001)


def sweep(place: Path) -> None:
    """Remove what killed processes of this user left there."""
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    with suppress(ImportError, OSError):
        lock = _lock(folder)
        if lock is None:
            return
        try:
            # By the descriptor: were the folder replaced by a link, that would lead nowhere.
            for name in os.listdir(lock):  # noqa: PTH208 - a path cannot be listed so
                os.unlink(name, dir_fd=lock)
            folder.rmdir()
        finally:
            os.close(lock)


def _locked(place: Path) -> tuple[Path, int | None]:
    """A new folder, and the descriptor that holds its lock; None where the file system has no locks."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        try:
            lock = _lock(folder)
        except FileNotFoundError:
            lock = None
        except (ImportError, OSError):
            return folder, None
        # None: taken for a leftover in the moment before it was locked. It goes, and another is made.
        if lock is not None:
            return folder, lock


def _lock(folder: Path) -> int | None:
    """A descriptor that holds the lock on a folder of this user; None where another has it, or the folder is gone.

    Raises:
        OSError: It is none, or a link, or the file system has no locks.
    """
    import fcntl  # noqa: PLC0415 - not on Windows

    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        held = os.fstat(lock)
        if held.st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(held, folder.lstat()):  # not removed in between
                return lock
    except BlockingIOError:
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None
