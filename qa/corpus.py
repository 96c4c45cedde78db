"""What was indexed, in one SQLite file: the files read, the articles, their chunks and sentences.

Nothing is loaded up front, so opening it costs the same for five articles and for a million. Vectors lie beside it
(`qa.index`), row for row.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.errors import IndexDamagedError
from qa.only import all_days, codes_of, iso_day, outlet_names, outlet_numbers
from qa.types import Article, Chunk, Source, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.only import CodeRange

    Rows = NDArray[np.int64]

CORPUS_FILE = "corpus.db"

_SCHEMA = """
CREATE TABLE files (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, article TEXT, reason TEXT) WITHOUT ROWID;
CREATE TABLE articles (id TEXT PRIMARY KEY, position INTEGER NOT NULL, content TEXT NOT NULL, record TEXT NOT NULL,
                       text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (key INTEGER PRIMARY KEY, article_id TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
                     row INTEGER NOT NULL, sentence_row INTEGER NOT NULL, sentences BLOB NOT NULL);
CREATE INDEX chunks_by_article ON chunks (article_id, start);
CREATE TABLE outlets (number INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE publications (code INTEGER NOT NULL, row INTEGER NOT NULL, end_row INTEGER NOT NULL,
                           PRIMARY KEY (code, row)) WITHOUT ROWID;
"""


_BY_DATE = """
SELECT record, text FROM (
    SELECT id, row_number() OVER (ORDER BY published IS NULL, published {order}, label, position) AS place
    FROM (SELECT id, position, json_extract(record, '$.published') AS published,
                 coalesce(json_extract(record, '$.title'), json_extract(record, '$.path')) AS label FROM articles)
    ORDER BY place LIMIT ?
) JOIN articles USING (id) ORDER BY place
"""
_NEWEST, _OLDEST = _BY_DATE.format(order="DESC"), _BY_DATE.format(order="ASC")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the articles folder as it was read: either an article or the reason why not."""

    path: str
    sha256: str
    article: Article | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """A chunk with its quotable sentences and where its vectors lie.

    ``row`` counts in the chunk vectors; the sentences' vectors are the ``len(sentences)`` rows from ``sentence_row``.
    """

    chunk: Chunk
    sentences: tuple[Span, ...]
    row: int
    sentence_row: int


class Corpus:
    """Reader of a published corpus; safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        """Open ``corpus.db`` in ``folder`` read-only.

        Raises:
            IndexDamagedError: It is missing or is not such a file.
        """
        path = folder / CORPUS_FILE
        self._lock = threading.Lock()
        try:
            # immutable: a published build never changes, so no lock files appear beside it.
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, check_same_thread=False)
            self._db.execute("SELECT count(*) FROM articles").fetchone()
        except sqlite3.Error as error:
            raise IndexDamagedError(f"{path} cannot be read: {error}", "qa build") from None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def articles(self) -> Iterator[Article]:
        """All indexed articles by path."""
        for record, text in self._rows("SELECT record, text FROM articles ORDER BY position"):
            yield _article(record, text)

    def newest(self, limit: int, *, oldest: bool = False) -> Iterator[Article]:
        """Articles by date, newest first or oldest first, those without a date last, then by title.

        Args:
            limit: How many at most; -1 for all.
            oldest: Begin with the oldest.
        """
        # The texts are read of those alone that are wanted: of thousands they are most of the file.
        rows = self._rows(_OLDEST if oldest else _NEWEST, limit)
        return (_article(record, text) for record, text in rows)

    def article_count(self) -> int:
        """How many articles are indexed."""
        return int(self._rows("SELECT count(*) FROM articles")[0][0])

    def dated_count(self) -> int:
        """How many of them bear a date."""
        return int(self._rows("SELECT count(json_extract(record, '$.published')) FROM articles")[0][0])

    def article(self, article_id: str) -> Article | None:
        """One article, or None."""
        found = self._rows("SELECT record, text FROM articles WHERE id = ?", article_id)
        return _article(*found[0]) if found else None

    def contents(self) -> dict[str, str]:
        """`content_key` of every indexed article by id."""
        return dict(self._rows("SELECT id, content FROM articles"))

    def outlets(self) -> tuple[str, ...]:
        """The outlets of the articles and their copies, by name; the first has the number 1 (`qa.only`)."""
        return tuple(name for (name,) in self._rows("SELECT name FROM outlets ORDER BY number"))

    def days(self) -> tuple[str, ...]:
        """Every day on which an article was published, as ``2024-10-24``, ascending."""
        dated = all_days()
        query = "SELECT DISTINCT code FROM publications WHERE code BETWEEN ? AND ? ORDER BY code"
        return tuple(iso_day(code) for (code,) in self._rows(query, dated.first, dated.last))

    def rows_of(self, ranges: Sequence[CodeRange]) -> Rows:
        """The rows of the chunks whose articles have a publication in one of the ranges, ascending, each once."""
        stretches = [
            stretch
            for one in ranges
            for stretch in self._rows(
                "SELECT DISTINCT row, end_row FROM publications WHERE code BETWEEN ? AND ?", one.first, one.last
            )
        ]
        if not stretches:
            return np.empty(0, dtype=np.int64)
        # Rows of one article lie together: where its stretch begins one more is let in, where it ends one fewer.
        starts, ends = np.array(stretches, dtype=np.int64).T
        change = np.bincount(starts, minlength=ends.max() + 1) - np.bincount(ends, minlength=ends.max() + 1)
        rows: Rows = np.flatnonzero(np.cumsum(change) > 0)
        return rows

    def files(self) -> dict[str, FileRecord]:
        """Every file that was read, by path."""
        rows = self._rows("SELECT path, sha256, article, reason FROM files ORDER BY path")
        return {row[0]: _file_record(*row) for row in rows}

    def chunks(self, keys: Sequence[int]) -> dict[int, ChunkRecord]:
        """The chunks with these keys; a key that is not there is left out."""
        if not keys:
            return {}
        marks = ",".join("?" * len(keys))
        rows = self._rows(
            "SELECT c.key, c.article_id, c.start, c.end, substr(a.text, c.start + 1, c.end - c.start), c.row,"  # noqa: S608
            f" c.sentence_row, c.sentences FROM chunks c JOIN articles a ON a.id = c.article_id WHERE key IN ({marks})",
            *keys,
        )
        return {row[0]: _chunk_record(*row) for row in rows}

    def chunks_of(self, article_id: str) -> list[ChunkRecord]:
        """The chunks of one article in reading order."""
        rows = self._rows(
            "SELECT c.key, c.article_id, c.start, c.end, substr(a.text, c.start + 1, c.end - c.start), c.row,"
            " c.sentence_row, c.sentences FROM chunks c JOIN articles a ON a.id = c.article_id"
            " WHERE c.article_id = ? ORDER BY c.start",
            article_id,
        )
        return [_chunk_record(*row) for row in rows]

    def _rows(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


def content_key(article: Article) -> str:
    """What decides the chunks and vectors of an article: its title, its text and how sentences are found in it."""
    return f"{article.lang}:{article.sha256}"


def write_corpus(
    folder: Path, files: Iterable[FileRecord], articles: Sequence[Article], records: Iterable[ChunkRecord]
) -> None:
    """Write ``corpus.db`` into ``folder``; the same content gives the same file.

    Raises:
        sqlite3.IntegrityError: Two chunks share a key.
    """
    db = sqlite3.connect(folder / CORPUS_FILE)
    try:
        # The folder is published whole or not at all, so the journal would only cost time.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(_SCHEMA)
        with db:
            db.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", map(_file_row, files))
            db.executemany(
                "INSERT INTO articles VALUES (?, ?, ?, ?, ?)",
                ((a.id, n, content_key(a), _without_text(a), a.text) for n, a in enumerate(articles)),
            )
            rows = _RowsByArticle()
            chunks = (_chunk_row(record) for record in rows.noting(records))
            db.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)", chunks)
            outlets = outlet_names(articles)
            db.executemany("INSERT INTO outlets VALUES (?, ?)", enumerate(outlets, start=1))
            numbers = outlet_numbers(outlets)
            db.executemany(
                "INSERT INTO publications VALUES (?, ?, ?)",
                sorted((code, *rows.of[a.id]) for a in articles if a.id in rows.of for code in codes_of(a, numbers)),
            )
    finally:
        db.close()


class _RowsByArticle:
    """First row and the row after the last of each article, noted while its chunks pass."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[int, int]] = {}

    def noting(self, records: Iterable[ChunkRecord]) -> Iterator[ChunkRecord]:
        for record in records:
            first, end = self.of.get(record.chunk.article_id, (record.row, record.row))
            self.of[record.chunk.article_id] = (min(first, record.row), max(end, record.row + 1))
            yield record


def _without_text(article: Article) -> str:
    record = asdict(article)
    del record["text"]
    return json.dumps(record, ensure_ascii=False)


def _article(record: str, text: str) -> Article:
    values = json.loads(record)
    values["also"] = tuple(Source(**source) for source in values["also"])
    return Article(text=text, **values)


def _file_row(record: FileRecord) -> tuple[str, str, str | None, str | None]:
    article = None
    if record.article is not None:
        article = json.dumps([_without_text(record.article), record.article.text], ensure_ascii=False)
    return record.path, record.sha256, article, record.reason


def _file_record(path: str, sha256: str, article: str | None, reason: str | None) -> FileRecord:
    return FileRecord(path, sha256, _article(*json.loads(article)) if article else None, reason)


def _chunk_row(record: ChunkRecord) -> tuple[int, str, int, int, int, int, bytes]:
    spans = np.array([(span.start, span.end) for span in record.sentences], dtype="<u4").tobytes()
    chunk = record.chunk
    return chunk.key, chunk.article_id, chunk.start, chunk.end, record.row, record.sentence_row, spans


def _chunk_record(
    key: int, article_id: str, start: int, end: int, text: str, row: int, sentence_row: int, spans: bytes
) -> ChunkRecord:
    pairs = np.frombuffer(spans, dtype="<u4").reshape(-1, 2).tolist()
    chunk = Chunk(f"{key:016x}", article_id, start, end, text)
    return ChunkRecord(chunk, tuple(Span(*pair) for pair in pairs), row, sentence_row)
