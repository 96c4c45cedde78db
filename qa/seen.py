"""What the files of the articles folder held when they were last read, so that they need not be read to be compared.

As in git's index, a file counts as unchanged while its `Stamp` is the same. A file written in the moment in which it is
read may be written again with the same stamp ("racily clean", git's Documentation/technical/racy-git.txt), so what was
that young is read again the next time.

This is a cache beside the builds, not a part of them: lost or broken, it costs the time to read every file once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from qa.articles import Listing, Stamp
from qa.manifest import file_sha256
from qa.publish import TMP_PREFIX

SEEN_FILE = "seen.json"

#: Files changed less than this long before they were read are not remembered: the coarsest clock of a file system in
#: use (FAT) ticks every two seconds.
YOUNG_NS = 2 * 10**9

#: What the reason begins with where a file has no hash.
UNREADABLE = "unreadable"

#: Files between two reports of progress: one for each would take as long as comparing the stamps.
_TOLD = 64

_Known = dict[str, tuple[Stamp, str]]


class Seen:
    """The stamp and hash of each file as it was last read."""

    def __init__(self, root: Path, articles: Path) -> None:
        """What is remembered in ``root``, the index folder, of the files in ``articles``."""
        self._path = root / SEEN_FILE
        self._articles = str(articles.resolve())
        self._known = self._load()
        self._stored = dict(self._known)

    def forget(self) -> None:
        """Read every file again."""
        self._known = {}

    def hashes(
        self, listing: Listing, progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> dict[str, str]:
        """The hash of every file's bytes by relative path, or why it cannot be read; only what is new is read.

        Args:
            listing: Listed just before.
            progress: Called with how many files are done and how many there are.
        """
        now = time.time_ns()
        found: dict[str, str] = {}
        known: _Known = {}
        for name, stamp in listing.stamps.items():
            before = self._known.get(name)
            if before is not None and before[0] == stamp:
                known[name] = before
                found[name] = before[1]
            else:
                found[name] = sha256_or_reason(listing.folder / name)
                if not found[name].startswith(UNREADABLE) and max(stamp.modified, stamp.changed) < now - YOUNG_NS:
                    known[name] = (stamp, found[name])
            if len(found) % _TOLD == 0:
                progress(len(found), len(listing.stamps))
        progress(len(found), len(listing.stamps))
        self._known = known
        return found

    def save(self) -> None:
        """Remember it for the next time, if it can be written. Needs `qa.publish.build_lock`."""
        if self._known == self._stored:
            return
        files = {
            name: [stamp.size, stamp.modified, stamp.changed, stamp.inode, sha256]
            for name, (stamp, sha256) in self._known.items()
        }
        text = json.dumps({"articles": self._articles, "files": files}, ensure_ascii=False)
        pointer = self._path.with_name(f"{TMP_PREFIX}{SEEN_FILE}")
        try:
            pointer.write_text(text, encoding="utf-8")
            pointer.replace(self._path)
        except OSError:
            # A build that has something to write says what is wrong with the disk; one that has not need not care.
            with suppress(OSError):
                pointer.unlink(missing_ok=True)

    def _load(self) -> _Known:
        try:
            record: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            if record["articles"] != self._articles:
                return {}
            return {
                name: (Stamp(size, modified, changed, inode), str(sha256))
                for name, (size, modified, changed, inode, sha256) in record["files"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def sha256_or_reason(path: Path) -> str:
    """Hash of a file's bytes, or why it cannot be read: either says whether it is as it was."""
    try:
        return file_sha256(path)
    except OSError as error:
        return f"{UNREADABLE}: {error.strerror}"
