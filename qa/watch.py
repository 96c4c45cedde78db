"""The articles folder is watched, and the index built again when it has changed and come to rest.

Looking at the listing and not the system's notifications (watchfiles was tried): those are silent about what another
machine changes on a network mount, so the listing must be read anyway, and it decides when a folder is at rest. A look
at 100,000 files takes 0.35 s; looks are spread so that they take at most `SHARE` of the time.

The build runs in a process of its own and at low priority: in a thread it would take the interpreter lock from the
answers (figures beside `NICENESS`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from qa.errors import ArticlesError, QAError
from qa.manifest import read_manifest
from qa.publish import current_build, held_build
from qa.reading.formats import READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from qa.config import Settings
    from qa.manifest import Manifest

LOG: Final = logging.getLogger("qa.watch")

#: Largest share of the time that looking at the folder may take: of 100,000 files every 17 s.
SHARE: Final = 0.02
#: What a build adds to its niceness, 0 to 19.
NICENESS: Final = 10
#: Seconds until a build that failed is tried again, though nothing has changed; doubled each time.
FIRST_RETRY: Final = 60.0
LAST_RETRY: Final = 3600.0
#: Seconds that a stopping server waits for a build to end that it has broken off.
STOPPING: Final = 3.0
#: Bad files named in the log; the rest are counted.
NAMED: Final = 5
#: Exit status of `qa build` that left bad files out.
BAD_FILES: Final = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """The files of a folder that can be articles: how many, and a digest over names, sizes and times of change."""

    digest: str
    count: int


@dataclass(frozen=True, slots=True)
class WatchState:
    """What became of the builds.

    Attributes:
        error: Why the last one failed, or None.
        bad_files: Files that the index lacks because they cannot be read; None where that is not known.
        built: How many ended well.
        failed: How many did not.
    """

    error: str | None = None
    bad_files: int | None = None
    built: int = 0
    failed: int = 0


def listed(folder: Path) -> Listed:
    """What is in the folder now, without opening a file.

    Raises:
        ArticlesError: The folder is not there or cannot be listed.
    """
    digest = hashlib.blake2b(digest_size=16)
    count = 0
    try:
        for name, about in _entries(folder):
            digest.update(f"{name}\0{about}\n".encode("utf-8", "surrogateescape"))
            count += 1
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ArticlesError(f"the articles folder {folder} cannot be read: {reason}", "bring it back") from None
    return Listed(digest.hexdigest(), count)


def _entries(root: Path) -> Iterator[tuple[str, str]]:
    """Path and what changes with the content, of every file that would be read; in one order whatever the system's."""
    pending = [str(root)]
    while pending:
        here = pending.pop()
        try:
            with os.scandir(here) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            if here == str(root):
                raise
            yield here, "cannot be listed"
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            elif os.path.splitext(entry.name)[1].lower() in READERS:  # noqa: PTH122 - of 100,000 names a Path costs as much as the rest
                yield entry.path, _about(entry)


def _about(entry: os.DirEntry[str]) -> str:
    try:
        seen = entry.stat()
    except OSError as error:
        return f"cannot be read: {error.errno}"
    # ctime too: a copy that keeps the time of its original changes nothing else where the size is the same.
    return f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns}"


class Watcher:
    """Builds the index again when the folder of articles has changed and come to rest.

    Args:
        settings: The folders, and how long a folder must be at rest.
        built: What the published index was built from; None: not known, so that the first look builds.
        build: Builds it, or raises a `QAError`; a process of its own (`Builder`) but in tests.
        clock: Seconds, growing.
    """

    def __init__(
        self,
        settings: Settings,
        built: Listed | None = None,
        *,
        build: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._built = built
        self._builder = Builder(settings)
        self._build = build or self._builder.run
        self._clock = clock
        self._pending: Listed | None = None
        self._pending_since = 0.0
        self._retry = FIRST_RETRY
        self._retry_at = 0.0
        self._failed = False
        self._held: str | None = None
        self._bad = {} if built is None else self._bad_files()
        self._stop = threading.Event()
        self.state = WatchState(bad_files=None if built is None else len(self._bad))

    def look(self) -> float:
        """Look at the folder, and build if it has changed and is at rest; gives the seconds until the next look.

        Nothing that goes wrong is raised: it stands in `state` and, once, in the log.
        """
        started = self._clock()
        try:
            now = listed(self._settings.articles)
        except ArticlesError as error:
            self._tell(str(error))
            return self._settings.watch_seconds
        spent = self._clock() - started
        pause = max(self._settings.watch_seconds, spent / SHARE)
        if now == self._built:
            self._pending = None
            if not self._failed:
                self._recovered()
                return pause
            released = self._held is not None and held_build(self._settings.index) is None
            if self._clock() < self._retry_at and not released:
                return pause
        elif now != self._pending:
            self._pending, self._pending_since = now, self._clock()
            return max(self._settings.settle_seconds, spent / SHARE)
        elif (left := self._pending_since + self._settings.settle_seconds - self._clock()) > 0:
            return left
        self._rebuild(now)
        return pause

    def _rebuild(self, now: Listed) -> None:
        """Build from a folder that is at rest; what changes meanwhile is another change."""
        if now != self._built:
            self._retry = FIRST_RETRY
        self._built, self._pending = now, None
        try:
            self._refuse_to_empty(now)
            self._respect_rollback()
            self._build()
        except QAError as error:
            if self._stop.is_set():
                return
            self._failed = True
            self._tell(str(error))
            self.state = replace(self.state, failed=self.state.failed + 1)
            self._retry_at = self._clock() + self._retry
            self._retry = min(2 * self._retry, LAST_RETRY)
            return
        self._failed = False
        self._recovered()
        bad = self._bad_files()
        if bad and bad != self._bad:
            named = "; ".join(f"{path}: {reason}" for path, reason in list(bad.items())[:NAMED])
            LOG.warning("files that cannot be read and cannot be quoted: %d (%s)", len(bad), named)
        self._bad = bad
        self.state = replace(self.state, bad_files=len(bad), built=self.state.built + 1)

    def _refuse_to_empty(self, now: Listed) -> None:
        """A mount that is not there looks like a folder without files; nobody wants the index to follow that.

        Raises:
            ArticlesError: The folder has become empty.
        """
        if now.count:
            return
        manifest = self._published()
        if manifest is not None and manifest.article_count:
            raise ArticlesError(
                f"{self._settings.articles} is empty now, and the index keeps its {manifest.article_count} articles",
                "if that is meant: qa build",
            )

    def _respect_rollback(self) -> None:
        """Whoever went back to an earlier build does not want the next change of an article to undo that.

        Raises:
            QAError: A rollback holds a build.
        """
        self._held = held_build(self._settings.index)
        if self._held is not None:
            raise QAError(f"the articles have changed, and a rollback holds build {self._held}", "qa build")

    def _bad_files(self) -> dict[str, str]:
        manifest = self._published()
        return {} if manifest is None else manifest.bad_files

    def _published(self) -> Manifest | None:
        try:
            return read_manifest(current_build(self._settings.index))
        except QAError:
            return None  # who loads the index says what is wrong with it

    def _tell(self, error: str) -> None:
        if error != self.state.error:
            LOG.error("%s; the index stays as it is", error)
            self.state = replace(self.state, error=error)

    def _recovered(self) -> None:
        if self.state.error is not None:
            LOG.info("the articles can be indexed again")
            self.state = replace(self.state, error=None)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look in a thread of its own, as long as the block lasts; a build under way is then broken off."""
        self._stop.clear()
        thread = threading.Thread(target=self._run, name="qa-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._builder.stop()
            thread.join(STOPPING)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                pause = self.look()
            except Exception:  # whatever a file system comes up with, watching goes on
                LOG.exception("looking at the articles failed")
                pause = LAST_RETRY


class Builder:
    """``qa build`` in a process of its own, at low priority."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Build, and wait until it is done.

        Raises:
            QAError: With what the build said last, where it failed.
        """
        settings = self._settings
        command = [sys.executable, "-m", "qa", "build", "--encoder", settings.encoder]
        command += ["--articles", str(settings.articles), "--index", str(settings.index)]
        with self._lock:
            if self._stopped:
                raise QAError("the server stops")
            # A session of its own: Ctrl-C in a terminal is for the server, which then ends the build itself.
            process = self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        with suppress(AttributeError, OSError):  # not on every system, and it may have ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
        _, said = process.communicate()
        if process.returncode not in {0, BAD_FILES}:
            lines = said.strip().splitlines() or [f"the build ended with status {process.returncode}"]
            raise QAError(lines[-1].removeprefix("qa: "))

    def stop(self) -> None:
        """Break off a build under way, and begin no other; what was published stays."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.terminate()
