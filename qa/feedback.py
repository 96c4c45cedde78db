"""What readers said of answers: one SQLite file on this machine, and its rows as a question set.

Kept of an answer: the question, what was searched for, the status, where the quotes stand and what they say, the build,
the verdict with its reason and remark, and the time. Not kept: who said it, from where, and the questions before it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from qa.errors import QAError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qa.types import Lang, Status

Verdict = Literal["right", "wrong"]
#: Why an answer is wrong: it quotes beside the point; it answers what the articles do not say; it is out of date; it
#: is silent although the articles do say.
Reason = Literal["wrong passage", "not in the articles", "out of date", "missed"]
REASONS: Final[tuple[str, ...]] = get_args(Reason)

#: Number in the file's ``user_version``; grows when a column changes.
SCHEMA: Final = 1
#: Seconds that a writer waits for another. A row takes about 5 ms, so that is a thousand of them.
PATIENCE: Final = 10.0

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS feedback (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT, remark TEXT NOT NULL,
    question TEXT NOT NULL, searched_for TEXT NOT NULL, lang TEXT NOT NULL, status TEXT NOT NULL,
    filtered INTEGER NOT NULL, index_id TEXT, quotes TEXT NOT NULL
) STRICT
"""
_COLUMNS: Final = (
    "id", "at", "verdict", "reason", "remark", "question", "searched_for", "lang", "status", "filtered", "index_id",
    "quotes",
)  # fmt: skip


class FeedbackError(QAError):
    """The file cannot be used."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote of the answer; ``start`` and ``end`` in code points of the article's text."""

    article_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """One verdict on one answer.

    Attributes:
        id: Of the answer: a second verdict on it takes the place of the first.
        verdict: Whether the reader found it right.
        reason: Why not, where that was said.
        remark: In the reader's words, or "".
        question: As typed.
        searched_for: What was looked up.
        lang: Language of the question.
        status: Of the answer.
        filtered: Whether a filter was in force.
        index_id: Build that answered.
        quotes: What was quoted.
        at: When, UTC, ISO 8601 to the second; "" until it is kept.
    """

    id: str
    verdict: Verdict
    reason: Reason | None
    remark: str
    question: str
    searched_for: str
    lang: Lang
    status: Status
    filtered: bool
    index_id: str | None
    quotes: tuple[Quoted, ...] = ()
    at: str = ""


class FeedbackFile:
    """The file; safe from many threads and processes, each call being a transaction that is on the disk at its end."""

    def __init__(self, path: Path) -> None:
        """A file that is made, readable by its owner alone, when the first verdict is kept."""
        self.path = path

    def keep(self, feedback: Feedback) -> None:
        """Keep a verdict; one with the same id is replaced.

        Raises:
            FeedbackError: The file cannot be written.
        """
        at = datetime.now(UTC).replace(microsecond=0).isoformat()
        row = {**asdict(feedback), "at": at, "filtered": int(feedback.filtered)}
        row["quotes"] = json.dumps([asdict(one) for one in feedback.quotes], ensure_ascii=False)
        places = ", ".join(f":{name}" for name in _COLUMNS)
        with self._open(make=True) as database:
            database.execute(f"INSERT OR REPLACE INTO feedback ({', '.join(_COLUMNS)}) VALUES ({places})", row)  # noqa: S608 - our own names

    def rows(self, since: str | None = None) -> tuple[Feedback, ...]:
        """What was kept on or after the day ``since`` (ISO 8601), oldest first.

        Raises:
            FeedbackError: The file cannot be read.
        """
        if not self.path.exists():
            return ()
        with self._open() as database:
            found = database.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM feedback WHERE at >= ? ORDER BY at, id",  # noqa: S608 - our own names
                (since or "",),
            )
            return tuple(_read(dict(zip(_COLUMNS, row, strict=True))) for row in found)

    def clear(self) -> int:
        """Delete everything, from the disk too; gives how many verdicts that was.

        Raises:
            FeedbackError: The file cannot be written.
        """
        if not self.path.exists():
            return 0
        with self._open() as database:
            count = int(database.execute("SELECT count(*) FROM feedback").fetchone()[0])
            database.execute("PRAGMA secure_delete = ON")
            database.execute("DELETE FROM feedback")
        with self._open(transaction=False) as database:  # what was deleted must not live on in free pages or the log
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    @contextmanager
    def _open(self, *, make: bool = False, transaction: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each use: sqlite3's belong to one thread."""
        try:
            if make and not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as database:
                _prepare(database, self.path)
                if not transaction:
                    yield database
                    return
                database.execute("BEGIN IMMEDIATE")
                yield database
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise FeedbackError(
                f"Feedback cannot be kept in {self.path}: {error}",
                "make it writable, or set feedback_file or feedback = false in qa.toml",
            ) from error


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Set the connection up, and the file where it is new."""
    database.execute("PRAGMA synchronous = FULL")  # with WAL the default may lose the last rows in a power cut
    if database.execute("PRAGMA user_version").fetchone()[0] == SCHEMA:
        return
    _write_ahead(database)
    database.execute("BEGIN IMMEDIATE")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise FeedbackError(f"{path} is of a newer article-qa (schema {version}, known: {SCHEMA})", "update this one")
    database.execute(_TABLE)
    database.execute(f"PRAGMA user_version = {SCHEMA}")
    database.execute("COMMIT")


def _write_ahead(database: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log; SQLite does not wait for others by itself here, so it is asked again."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.01)
        else:
            return


def _read(row: dict[str, Any]) -> Feedback:
    quotes = tuple(Quoted(**one) for one in json.loads(row["quotes"]))
    return Feedback(**{**row, "filtered": bool(row["filtered"]), "quotes": quotes})
