"""What was indexed: the files read, the articles, their chunks and sentences.

One SQLite file says what there is and where it lies; the texts lie beside it in `qa.segments`, so that a new build has
little to copy. So do the words of the chunks, cut once: a question is compared with those of a hundred. Nothing is
loaded up front but the list of distinct words, 2 MB at 100,000 chunks: opening it costs nearly the same for five
articles and for a million. `qa.corpus_writer` writes it. Vectors lie in segments too (`qa.index`), row for row.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.errors import IndexDamagedError
from qa.numbered import NUMBER_TYPE, WordList
from qa.only import all_days, iso_day, unique_outlets
from qa.segments import Segments
from qa.types import Article, Chunk, Source, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.numbered import Numbers
    from qa.only import CodeRange
    from qa.types import Lang

    Rows = NDArray[np.int64]

CORPUS_FILE = "corpus.db"

#: So much of the database is mapped: 180 MB at a million chunks.
_MAPPED_BYTES = 1 << 30
TEXTS_FOLDER = "texts"
#: The distinct content words of each chunk in order, as numbers of words of the list.
WORDS_FOLDER = "words"
WORD_LIST_FOLDER = "word_list"
#: Type of the offsets of sentences, two each.
SPANS = "<u4"
SPAN_BYTES = 2 * np.dtype(SPANS).itemsize
#: Type of how many pieces there are before the first sentence of a chunk and in each of them.
PIECE_COUNTS = "<u2"

_BY_DATE = """
SELECT number, id, record, also, text_at, text_bytes FROM (
    SELECT number, row_number() OVER (ORDER BY published IS NULL, published {order}, label, path) AS place
    FROM (SELECT number, path, json_extract(record, '$.published') AS published,
                 coalesce(json_extract(record, '$.title'), path) AS label FROM articles WHERE original IS NULL)
    ORDER BY place LIMIT ?
) JOIN articles USING (number) ORDER BY place
"""
_NEWEST, _OLDEST = _BY_DATE.format(order="DESC"), _BY_DATE.format(order="ASC")
_ARTICLE = "SELECT number, id, record, also, text_at, text_bytes FROM articles"
_CHUNK = (
    "SELECT c.key, a.id, c.start, c.end, c.row, c.sentence_row, c.sentences, c.piece_row, c.piece_counts,"
    " a.text_at, a.text_bytes"
    " FROM chunks c JOIN articles a ON a.number = c.article"
)
_WORDS = (
    "SELECT c.key, c.row, c.sentence_row, length(c.sentences), a.content, c.word_row, c.words, c.piece_row, c.pieces"
    " FROM chunks c JOIN articles a ON a.number = c.article WHERE a.original IS NULL"
)


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
    The codes of its word pieces are the ``pieces`` rows from ``piece_row``: ``piece_counts`` says how many stand before
    its first sentence (in the title of the article or in a heading), then how many in each. () where none are kept.
    """

    chunk: Chunk
    sentences: tuple[Span, ...]
    row: int
    sentence_row: int
    piece_row: int = 0
    piece_counts: tuple[int, ...] = ()

    @property
    def pieces(self) -> int:
        """How many pieces it has, those of the title included."""
        return sum(self.piece_counts)


@dataclass(frozen=True, slots=True)
class ChunkWords:
    """What a chunk is ranked by: where its vectors lie, the language of its article, its words.

    ``row`` counts in the chunk vectors; those of its sentences are the ``sentences`` rows from ``sentence_row``.
    ``words`` are the numbers of its distinct content words in order (`Corpus.word_list`). The codes of its word pieces
    are the ``pieces`` rows from ``piece_row``.
    """

    key: int
    row: int
    sentence_row: int
    sentences: int
    lang: Lang
    words: Numbers
    piece_row: int
    pieces: int


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
            # Read in place: 85 of a million chunks take 1.3 ms and not 2.7.
            self._db.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
            self._db.execute("SELECT count(*) FROM articles WHERE number = 0").fetchone()
        except sqlite3.Error as error:
            raise IndexDamagedError(f"{path} cannot be read: {error}", "qa build") from None
        self._texts = Segments(folder / TEXTS_FOLDER, np.uint8)
        self._words = Segments(folder / WORDS_FOLDER, NUMBER_TYPE)
        self.word_list = WordList(Segments(folder / WORD_LIST_FOLDER, np.uint8).all().tobytes())

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def articles(self) -> Iterator[Article]:
        """All indexed articles by path."""
        return map(self._article, self._rows(f"{_ARTICLE} WHERE original IS NULL ORDER BY path"))

    def newest(self, limit: int, *, oldest: bool = False) -> Iterator[Article]:
        """Articles by date, newest first or oldest first, those without a date last, then by title.

        Args:
            limit: How many at most; -1 for all.
            oldest: Begin with the oldest.
        """
        # The texts are read of those alone that are wanted: of thousands they are most of the corpus.
        return map(self._article, self._rows(_OLDEST if oldest else _NEWEST, limit))

    def article_count(self) -> int:
        """How many articles are indexed."""
        return int(self._rows("SELECT count(*) FROM articles WHERE original IS NULL")[0][0])

    def copy_count(self) -> int:
        """How many files are copies of them."""
        return int(self._rows("SELECT count(*) FROM articles WHERE original IS NOT NULL")[0][0])

    def dated_count(self) -> int:
        """How many of the indexed articles bear a date."""
        query = "SELECT count(json_extract(record, '$.published')) FROM articles WHERE original IS NULL"
        return int(self._rows(query)[0][0])

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        found = self._rows(f"{_ARTICLE} WHERE id = ? AND original IS NULL", article_id)
        return self._article(found[0]) if found else None

    def articles_of(self, article_ids: Collection[str]) -> dict[str, Article]:
        """Indexed articles by id; those not there are left out."""
        marks = ",".join("?" * len(article_ids))
        found = map(self._article, self._rows(f"{_ARTICLE} WHERE id IN ({marks}) AND original IS NULL", *article_ids))
        return {article.id: article for article in found}

    def outlets(self) -> tuple[str, ...]:
        """The outlets of the articles and their copies, by name; of spellings in other cases the first."""
        return unique_outlets(name for (name,) in self._rows("SELECT DISTINCT name FROM outlet_uses"))

    def outlet_numbers(self) -> dict[str, int]:
        """The number of each outlet by its name in `str.casefold` (`qa.only`)."""
        return dict(self._rows("SELECT folded, number FROM outlets"))

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

    def chunk_rows(self) -> Rows:
        """The rows of all chunks, ascending: the rows of the files less those that no article has any more."""
        with self._lock:
            found = self._db.execute("SELECT row FROM chunks")
            rows: Rows = np.sort(np.fromiter((row for (row,) in found), dtype=np.int64))
        return rows

    def files(self) -> dict[str, FileRecord]:
        """Every file that was read, by path."""
        rows = self._rows(
            "SELECT f.path, f.sha256, f.reason, a.number, a.id, a.record, '[]', a.text_at, a.text_bytes"
            " FROM files f LEFT JOIN articles a ON a.number = f.article ORDER BY f.path"
        )
        return {
            row[0]: FileRecord(row[0], row[1], None if row[3] is None else self._article(row[3:]), row[2])
            for row in rows
        }

    def file(self, path: str) -> FileRecord | None:
        """One file that was read, or None."""
        found = self._rows("SELECT sha256, reason, article FROM files WHERE path = ?", path)
        if not found:
            return None
        sha256, reason, number = found[0]
        rows = self._rows(f"{_ARTICLE} WHERE number = ?", -1 if number is None else number)
        article = self._article((*rows[0][:3], "[]", *rows[0][4:])) if rows else None
        return FileRecord(path, sha256, article, reason)

    def hashes(self) -> dict[str, str]:
        """The hash of every file that was read as an article, by path."""
        return dict(self._rows("SELECT path, sha256 FROM files WHERE reason IS NULL"))

    def stray(self) -> int:
        """How many articles came from no file (`qa.build.index_articles`)."""
        return int(
            self._rows(
                "SELECT (SELECT count(*) FROM articles) - (SELECT count(*) FROM files WHERE article IS NOT NULL)"
            )[0][0]
        )

    def dead_text(self) -> float:
        """Share of the stored text that no article has any more, 0 to 1."""
        dead: int = self._rows("SELECT dead_bytes FROM texts")[0][0]
        return dead / max(len(self._texts), 1)

    def content(self, article_id: str) -> str | None:
        """`content_key` of an indexed article, or None."""
        found = self._rows("SELECT content FROM articles WHERE id = ? AND original IS NULL", article_id)
        return found[0][0] if found else None

    def chunks(self, keys: Sequence[int]) -> dict[int, ChunkRecord]:
        """The chunks with these keys; a key that is not there is left out."""
        if not keys:
            return {}
        marks = ",".join("?" * len(keys))
        return {row[0]: self._chunk(row) for row in self._rows(f"{_CHUNK} WHERE c.key IN ({marks})", *keys)}

    def words_of(self, keys: Sequence[int]) -> dict[int, ChunkWords]:
        """What the chunks with these keys are ranked by, without reading their texts; a key not there is left out."""
        if not keys:
            return {}
        marks = ",".join("?" * len(keys))
        return {row[0]: self._chunk_words(row) for row in self._rows(f"{_WORDS} AND c.key IN ({marks})", *keys)}

    def chunks_of(self, article_id: str) -> list[ChunkRecord]:
        """The chunks of one article in reading order."""
        return [self._chunk(row) for row in self._rows(f"{_CHUNK} WHERE a.id = ? ORDER BY c.start", article_id)]

    def _text(self, at: int, size: int) -> str:
        return self._texts.rows(at, at + size).tobytes().decode()

    def _article(self, row: Sequence[Any]) -> Article:
        _, name, record, also, at, size = row
        return article_of(name, record, also, self._text(at, size))

    def _chunk(self, row: Sequence[Any]) -> ChunkRecord:
        key, article_id, start, end, number, sentence_row, spans, piece_row, piece_counts, at, size = row
        chunk = Chunk(f"{key:016x}", article_id, start, end, self._text(at, size)[start:end])
        pairs = np.frombuffer(spans, dtype=SPANS).reshape(-1, 2).tolist()
        sentences = tuple(Span(*pair) for pair in pairs)
        counts = tuple(np.frombuffer(piece_counts, dtype=PIECE_COUNTS).tolist())
        return ChunkRecord(chunk, sentences, number, sentence_row, piece_row, counts)

    def _chunk_words(self, row: Sequence[Any]) -> ChunkWords:
        key, number, sentence_row, span_bytes, content, at, count, piece_row, pieces = row
        words = self._words.rows(at, at + count).copy()
        sentences = span_bytes // SPAN_BYTES
        return ChunkWords(key, number, sentence_row, sentences, lang_of(content), words, piece_row, pieces)

    def _rows(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


def article_of(name: str, record: str, also: str, text: str) -> Article:
    """An article from its columns."""
    return Article(id=name, text=text, also=tuple(Source(**one) for one in json.loads(also)), **json.loads(record))


def content_key(article: Article) -> str:
    """What decides the chunks and vectors of an article: its title, its text and how sentences are found in it."""
    return f"{article.lang}:{article.sha256}"


def lang_of(content: str) -> Lang:
    """The language in a `content_key`."""
    return "de" if content.startswith("de:") else "en"
