"""Writing a corpus: from nothing, or a copy of an earlier one brought up to date.

What an update costs grows with what it changes, but for copying the database: 35 MB at 100,000 chunks, 0.05 s.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from qa.corpus import (
    CORPUS_FILE,
    PIECE_COUNTS,
    SPAN_BYTES,
    SPANS,
    TEXTS_FOLDER,
    WORD_LIST_FOLDER,
    WORDS_FOLDER,
    ChunkRecord,
    FileRecord,
    article_of,
    content_key,
    lang_of,
)
from qa.duplicates import COPIES_SCHEMA, Copies, source_of
from qa.numbered import END, NUMBER_TYPE, listed
from qa.only import codes_of, outlet_names
from qa.segments import Segments, SegmentWriter
from qa.text import content_words
from qa.types import Article, Lang

_SCHEMA = """
CREATE TABLE files (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, reason TEXT, article INTEGER) WITHOUT ROWID;
CREATE TABLE articles (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, content TEXT NOT NULL,
                       record TEXT NOT NULL, also TEXT NOT NULL, original INTEGER, row INTEGER, end_row INTEGER,
                       text_at INTEGER NOT NULL, text_bytes INTEGER NOT NULL);
CREATE TABLE texts (dead_bytes INTEGER NOT NULL);
INSERT INTO texts VALUES (0);
CREATE TABLE chunks (key INTEGER PRIMARY KEY, article INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
                     row INTEGER NOT NULL, sentence_row INTEGER NOT NULL, sentences BLOB NOT NULL,
                     word_row INTEGER NOT NULL, words INTEGER NOT NULL,
                     piece_row INTEGER NOT NULL, pieces INTEGER NOT NULL, piece_counts BLOB NOT NULL);
CREATE INDEX chunks_by_article ON chunks (article, start);
CREATE TABLE outlets (folded TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE outlet_uses (name TEXT NOT NULL, article INTEGER NOT NULL, PRIMARY KEY (name, article)) WITHOUT ROWID;
CREATE INDEX outlet_uses_by_article ON outlet_uses (article);
CREATE TABLE publications (code INTEGER NOT NULL, row INTEGER NOT NULL, end_row INTEGER NOT NULL,
                           PRIMARY KEY (code, row)) WITHOUT ROWID;
CREATE INDEX publications_by_row ON publications (row);
"""

_INDEXED = "SELECT number FROM articles WHERE row IS NOT NULL"

#: Share of free pages from which the database is packed: below it new rows fill them again.
_FREE = 0.25


@dataclass(slots=True)
class Removed:
    """The chunks taken out of a corpus: their keys, and how many sentences and word pieces they had."""

    keys: list[int] = field(default_factory=list)
    sentences: int = 0
    pieces: int = 0


@dataclass(frozen=True, slots=True)
class Labelled:
    """A chunk's key, its text and article, and the numbers that a search can be restricted by (`qa.only`)."""

    key: int
    text: str
    article: Article
    codes: tuple[int, ...]


class CorpusWriter:
    """A corpus being written.

    First files are put and dropped, then `settle` says which articles have to be chunked, then `index` takes their
    chunks, then `relabel` says which articles are published otherwise than before; `close` ends it.
    """

    def __init__(self, folder: Path, *, before: Path | None = None) -> None:
        """Begin with nothing, or with the corpus of an earlier build.

        Args:
            folder: Where ``corpus.db`` and the texts are written.
            before: Folder of the earlier build; not changed.
        """
        path = folder / CORPUS_FILE
        if before is not None:
            shutil.copyfile(before / CORPUS_FILE, path)
        self._db = sqlite3.connect(path)
        # The folder is published whole or not at all, so the journal would only cost time.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        if before is None:
            self._db.executescript(_SCHEMA + COPIES_SCHEMA)
        self._texts, self._words, self._word_list = self._lanes = [
            SegmentWriter(folder / name, dtype, before=None if before is None else before / name)
            for name, dtype in ((TEXTS_FOLDER, np.uint8), (WORDS_FOLDER, NUMBER_TYPE), (WORD_LIST_FOLDER, np.uint8))
        ]
        self._before = before
        self._copies = Copies(self._db, self._text_of)
        self._outlets: dict[str, int] = dict(self._db.execute("SELECT folded, number FROM outlets"))
        # Never used again, not even after the newest article is gone: what was noted of one must not meet another.
        self._next = int(self._one("SELECT coalesce(max(number), 0) + 1 FROM articles"))
        self._relabel: set[int] = set()
        self._fresh: set[int] = set()
        self._alone: set[int] = set()
        self.removed = Removed()

    def put(self, record: FileRecord) -> None:
        """Add a file, or what it has become."""
        number = self._one("SELECT article FROM files WHERE path = ?", record.path)
        article = record.article
        same = "SELECT number FROM articles WHERE number = ? AND content = ?"
        if number is not None and article is not None and self._one(same, number, content_key(article)):
            self._describe(number, article)
        else:
            if number is not None:
                self._forget(number)
            number = None if article is None else self._insert(article)
            if number is not None and article is not None:
                self._copies.add(number, article.path, article.text)
        row = (record.path, record.sha256, record.reason, number)
        self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", row)

    def drop(self, path: str) -> None:
        """Take a file out that is no longer there."""
        number = self._one("SELECT article FROM files WHERE path = ?", path)
        if number is not None:
            self._forget(number)
        self._db.execute("DELETE FROM files WHERE path = ?", (path,))

    def put_alone(self, article: Article) -> int:
        """Add an article that is no file's and is compared with no other; gives its number, for `index`."""
        number = self._insert(article)
        self._alone.add(number)
        return number

    def settle(self) -> list[int]:
        """Merge copies; gives the numbers of the articles that are to be indexed and are not yet, by path."""
        missing = set()
        for number, verdict in self._copies.settle().items():
            self._db.execute("UPDATE articles SET original = ? WHERE number = ?", (verdict.after, number))
            self._relabel |= {other for other in (verdict.before, verdict.after) if other is not None}
            if verdict.after is None:
                missing.add(number)
            else:
                self._unindex(number)
        return self._by_path(missing)

    def article(self, number: int) -> Article:
        """An article by its number."""
        query = "SELECT id, record, also FROM articles WHERE number = ?"
        name, record, also = self._db.execute(query, (number,)).fetchone()
        return article_of(name, record, also, self._text_of(number))

    def index(self, number: int, records: Sequence[ChunkRecord]) -> None:
        """Store the chunks of an article, whose rows follow one another.

        Raises:
            sqlite3.IntegrityError: Two chunks share a key.
            OverflowError: A sentence has more than 65,535 word pieces.
        """
        lang = lang_of(self._one("SELECT content FROM articles WHERE number = ?", number))
        words = [self._numbers_of(one.chunk.text, lang) for one in records]
        at = self._words.append(np.array([*chain.from_iterable(words)], NUMBER_TYPE))
        rows = []
        for one, own in zip(records, words, strict=True):
            chunk = one.chunk
            place = chunk.key, number, chunk.start, chunk.end, one.row, one.sentence_row, _spans(one), at, len(own)
            rows.append((*place, one.piece_row, one.pieces, np.array(one.piece_counts, PIECE_COUNTS).tobytes()))
            at += len(own)
        self._db.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        if records:
            stretch = records[0].row, records[-1].row + 1
            self._db.execute("UPDATE articles SET row = ?, end_row = ? WHERE number = ?", (*stretch, number))
        self._fresh.add(number)
        self._relabel.add(number)

    def relabel(self) -> list[int]:
        """Write down where articles were published.

        Returns:
            By path, the articles with chunks for which that has changed and that were indexed before.
        """
        changed = []
        for number in self._by_path(self._relabel):
            if number not in self._alone:
                copies = self._db.execute("SELECT record FROM articles WHERE original = ? ORDER BY path", (number,))
                also = [asdict(source_of(article_of("", record, "[]", ""))) for (record,) in copies]
                text = json.dumps(also, ensure_ascii=False)
                self._db.execute("UPDATE articles SET also = ? WHERE number = ?", (text, number))
            row, end_row, record, also = self._db.execute(
                "SELECT row, end_row, record, also FROM articles WHERE number = ?", (number,)
            ).fetchone()
            if row is None:
                continue
            codes = codes_of(article_of("", record, also, ""), self._outlets)
            if number in self._fresh or codes != self._codes_of(row):
                self._db.execute("DELETE FROM publications WHERE row = ?", (row,))
                rows = ((code, row, end_row) for code in codes)
                self._db.executemany("INSERT INTO publications VALUES (?, ?, ?)", rows)
                if number not in self._fresh:
                    changed.append(number)
        return changed

    def labelled(self, numbers: Iterable[int] | None = None) -> Iterator[Labelled]:
        """The chunks of these articles in their order, or of all indexed ones by path."""
        if numbers is None:
            numbers = self._by_path(number for (number,) in self._db.execute(_INDEXED).fetchall())
        for number in numbers:
            row = self._one("SELECT row FROM articles WHERE number = ?", number)
            if row is not None:
                article, codes = self.article(number), self._codes_of(row)
                spans = "SELECT key, start, end FROM chunks WHERE article = ? ORDER BY start"
                for key, start, end in self._db.execute(spans, (number,)).fetchall():
                    yield Labelled(key, article.text[start:end], article, codes)

    def keys_of(self, numbers: Iterable[int]) -> list[int]:
        """The keys of the chunks of these articles."""
        query = "SELECT key FROM chunks WHERE article = ? ORDER BY start"
        return [key for number in numbers for (key,) in self._db.execute(query, (number,)).fetchall()]

    def article_count(self) -> int:
        """How many articles can be quoted."""
        return int(self._one("SELECT count(*) FROM articles WHERE original IS NULL"))

    def copy_count(self) -> int:
        """How many files are copies of others."""
        return int(self._one("SELECT count(*) FROM articles WHERE original IS NOT NULL"))

    def close(self) -> None:
        """Finish the files."""
        for lane in self._lanes:
            lane.close()
        self._db.commit()
        free, pages = self._one("PRAGMA freelist_count"), self._one("PRAGMA page_count")
        if free > _FREE * pages:
            self._db.execute("VACUUM")
        self._db.close()

    def abandon(self) -> None:
        """Let go of the files as they are: they are to be removed."""
        for lane in self._lanes:
            lane.abandon()
        self._db.close()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The list of words so far; read when first needed, 0.1 s for that of 100,000 chunks."""
        if self._before is None:
            return {}
        text = Segments(self._before / WORD_LIST_FOLDER, np.uint8).all().tobytes().decode()
        return {word: number for number, word in enumerate(text.split(END)[:-1])}

    def _numbers_of(self, text: str, lang: Lang) -> list[int]:
        """The numbers of the distinct content words of a text in order; new ones are put at the end of the list."""
        known = self._numbers
        words = dict.fromkeys(content_words(text, lang))
        new = [word for word in words if word not in known]
        if new:
            # Kept for good, as those of outlets: no number may come to mean another word.
            known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
            self._word_list.append(np.frombuffer(listed(new), dtype=np.uint8))
        return [known[word] for word in words]

    def _insert(self, article: Article) -> int:
        number, self._next = self._next, self._next + 1
        data = article.text.encode()
        at = self._texts.append(np.frombuffer(data, dtype=np.uint8))
        also = json.dumps([asdict(one) for one in article.also], ensure_ascii=False)
        self._db.execute(
            "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, ?, ?)",
            (number, article.id, article.path, content_key(article), _record(article), also, at, len(data)),
        )
        self._note_outlets(number, article)
        return number

    def _describe(self, number: int, article: Article) -> None:
        """What a file says about an article has changed, its title and text have not."""
        self._db.execute("UPDATE articles SET record = ? WHERE number = ?", (_record(article), number))
        self._db.execute("DELETE FROM outlet_uses WHERE article = ?", (number,))
        self._note_outlets(number, article)
        original = self._one("SELECT original FROM articles WHERE number = ?", number)
        self._relabel.add(number if original is None else original)

    def _note_outlets(self, number: int, article: Article) -> None:
        for name in outlet_names([article]):
            self._db.execute("INSERT INTO outlet_uses VALUES (?, ?)", (name, number))
            if name.casefold() not in self._outlets:
                # Kept for good: the numbers stand in every index that can be restricted by them.
                self._outlets[name.casefold()] = place = len(self._outlets) + 1
                self._db.execute("INSERT INTO outlets VALUES (?, ?)", (name.casefold(), place))

    def _forget(self, number: int) -> None:
        self._copies.remove(number)
        self._unindex(number)
        original, size = self._db.execute(
            "SELECT original, text_bytes FROM articles WHERE number = ?", (number,)
        ).fetchone()
        self._relabel.discard(number)
        if original is not None:
            self._relabel.add(original)
        self._db.execute("DELETE FROM outlet_uses WHERE article = ?", (number,))
        self._db.execute("DELETE FROM articles WHERE number = ?", (number,))
        self._db.execute("UPDATE texts SET dead_bytes = dead_bytes + ?", (size,))

    def _unindex(self, number: int) -> None:
        query = "SELECT key, length(sentences), pieces FROM chunks WHERE article = ?"
        found = self._db.execute(query, (number,)).fetchall()
        self.removed.keys += [key for key, _, _ in found]
        self.removed.sentences += sum(size for _, size, _ in found) // SPAN_BYTES
        self.removed.pieces += sum(pieces for _, _, pieces in found)
        self._db.execute("DELETE FROM chunks WHERE article = ?", (number,))
        row = self._one("SELECT row FROM articles WHERE number = ?", number)
        self._db.execute("DELETE FROM publications WHERE row = ?", (row,))
        self._db.execute("UPDATE articles SET row = NULL, end_row = NULL WHERE number = ?", (number,))

    def _codes_of(self, row: int) -> tuple[int, ...]:
        rows = self._db.execute("SELECT code FROM publications WHERE row = ? ORDER BY code", (row,))
        return tuple(code for (code,) in rows)

    def _text_of(self, number: int) -> str:
        at, size = self._db.execute("SELECT text_at, text_bytes FROM articles WHERE number = ?", (number,)).fetchone()
        return self._texts.rows(at, at + size).tobytes().decode()

    def _by_path(self, numbers: Iterable[int]) -> list[int]:
        """Those of the articles that are still there, by path."""
        paths = ((self._one("SELECT path FROM articles WHERE number = ?", number), number) for number in numbers)
        return [number for _, number in sorted(one for one in paths if one[0] is not None)]

    def _one(self, query: str, *values: str | int) -> Any:  # noqa: ANN401 - of whatever type the column is
        found = self._db.execute(query, values).fetchone()
        return found[0] if found else None


def _record(article: Article) -> str:
    record = asdict(article)
    for column in ("id", "text", "also"):
        del record[column]
    return json.dumps(record, ensure_ascii=False)


def _spans(record: ChunkRecord) -> bytes:
    return np.array([(span.start, span.end) for span in record.sentences], dtype=SPANS).tobytes()
