"""The same text twice is one article: exact copies, and agency copy with small edits.

Candidates come from MinHash and locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman, Ullman, "Mining of
Massive Datasets", chapter 3) and are verified by the exact Jaccard similarity of their word shingles.

The signatures are kept in the database of the build (`Copies`), so that an update compares only what has changed.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from qa.types import Article, Source

#: Words in a row that are compared, and the Jaccard similarity from which two texts are copies. Chosen on 400 pieces of
#: 16 sentences of German and English news, edited by rule, over shingles of 2 to 5 words and thresholds 0.60 to 0.90.
#: Shares folded at 0.75: 1 % of the words replaced 1.00, 3 % 0.98, a sentence dropped and 2 % replaced 0.93, the last
#: two sentences cut 0.98, the first sentence new 0.87; against 3 of 16 sentences new 0.09, 4 of 16 0.01, half or
#: all 0.00. At 0.70 it folds 0.24 of the reports with three new sentences; at 0.80 it misses 0.28 of the texts
#: with a sentence dropped. Longer shingles part the two groups less.
SHINGLE = 3
THRESHOLD = 0.75
#: Texts with fewer words are copies only if all their words agree: one changed word is a large part of them.
MIN_WORDS = 60

#: Bands and rows of the hash tables: they miss 1 in 100,000 pairs at the threshold and offer 1 in 1,000 of those
#: that share 4 % of their shingles (1 - (1 - s**3)**21).
_BANDS, _ROWS = 21, 3
#: "10.000", "10 000" and "10,000" come out alike here too.
_WORD = re.compile(r"[^\W_]+")
#: Letters, or shingles, handled at once: bounds the memory that a text of 20 MB takes to 35 MB.
_BLOCK = 1 << 16
#: The code points below have the alphabets of Europe and their punctuation.
_ALPHABETS = 0x3000
#: Fingerprints kept while copies of one text are compared with it.
_KEPT_PRINTS = 256

#: ``original`` is the article that this one is a copy of, NULL for one that is kept. Buckets hold the kept ones apart
#: from the copies (``copy``), so that of a thousand copies of one text each is compared with that one alone.
COPIES_SCHEMA = """
CREATE TABLE prints (article INTEGER PRIMARY KEY, path TEXT NOT NULL, words BLOB NOT NULL, original INTEGER);
CREATE INDEX prints_by_words ON prints (words, path);
CREATE INDEX prints_by_original ON prints (original) WHERE original IS NOT NULL;
CREATE TABLE buckets (bucket INTEGER NOT NULL, copy INTEGER NOT NULL, article INTEGER NOT NULL,
                      PRIMARY KEY (bucket, copy, article)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """What is compared of a text: its shingles as sorted distinct hashes, and its words for the numbers in them."""

    shingles: NDArray[np.uint64]
    words: frozenset[str]

    @property
    def numbers(self) -> frozenset[str]:
        """The words that begin with a digit."""
        return frozenset(word for word in self.words if word[0].isdigit())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an article was a copy of and what it is now; None where it is kept. ``new``: it was not there before."""

    before: int | None
    after: int | None
    new: bool


def merge_duplicates(articles: Sequence[Article]) -> tuple[Article, ...]:
    """Fold copies into one article each, whose ``also`` names the sources of the others.

    The first by relative path is kept, so the result does not depend on the order given. Two texts are copies when
    their words agree (case and punctuation aside), or when the Jaccard similarity of their word shingles reaches
    `THRESHOLD` and neither has a number in place of another number (a report with new figures is a new report).
    Chains are not followed: a copy is folded only into a kept article that it resembles itself, the most similar
    one; so of A ~ B ~ C with A and C unlike, B goes to A and C stays.

    Returns:
        The kept articles by path.
    """
    ordered = sorted(articles, key=lambda article: article.path)
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(COPIES_SCHEMA)
        copies = Copies(db, lambda number: ordered[number].text)
        for number, article in enumerate(ordered):
            copies.add(number, article.path, article.text)
        verdicts = copies.settle()
    finally:
        db.close()
    also: dict[int, list[Source]] = {}
    for number, article in enumerate(ordered):
        original = verdicts[number].after
        if original is not None:
            also.setdefault(original, []).extend((source_of(article), *article.also))
    return tuple(
        replace(article, also=(*article.also, *also.get(number, ())))
        for number, article in enumerate(ordered)
        if verdicts[number].after is None
    )


def source_of(article: Article) -> Source:
    """Where an article was published."""
    return Source(article.path, article.title, article.outlet, article.published, article.author, article.url)


class Copies:
    """Which articles are copies of which, as `merge_duplicates` has it, kept up to date in a database.

    An article depends only on articles with an earlier path: on the first with the same words, else on the kept ones
    that resemble it. So what changes is followed in the order of the paths, and each article is judged once.
    """

    def __init__(self, db: sqlite3.Connection, text_of: Callable[[int], str]) -> None:
        """Go on with what ``db`` holds.

        Args:
            db: With the tables of `COPIES_SCHEMA`.
            text_of: The text of an article by its number.
        """
        self._db = db
        self._text_of = text_of
        self._new: dict[int, list[int]] = {}
        self._pending: dict[int, str] = {}
        self._print_of = lru_cache(_KEPT_PRINTS)(self._fingerprint_of)

    def add(self, number: int, path: str, text: str) -> None:
        """A new article under a number and a path that no other has; judged by `settle`."""
        words = word_hashes(text)
        said = words.tobytes() if len(words) else text.encode("utf-8", "replace")
        key = hashlib.blake2b(said, digest_size=16).digest()
        self._db.execute("INSERT INTO prints VALUES (?, ?, ?, NULL)", (number, path, key))
        self._new[number] = _buckets(words)
        self._pending[number] = path

    def remove(self, number: int) -> None:
        """Forget an article; its text must still be there."""
        path, words, original = self._db.execute(
            "SELECT path, words, original FROM prints WHERE article = ?", (number,)
        ).fetchone()
        self._db.execute("DELETE FROM prints WHERE article = ?", (number,))
        self._db.executemany(
            "DELETE FROM buckets WHERE bucket = ? AND copy = ? AND article = ?",
            ((bucket, original is not None, number) for bucket in _buckets(word_hashes(self._text_of(number)))),
        )
        self._pending.update(self._same_words(words, path))
        self._pending.update(self._copies_of(number))

    def settle(self) -> dict[int, Verdict]:
        """Judge what was added and what that and the removals touch.

        Returns:
            By number: every new article, and every other whose original is another than before.
        """
        everything = self._db.execute("SELECT count(*) FROM prints").fetchone()[0] == len(self._new)
        queue = [(path, number) for number, path in self._pending.items()]
        heapify(queue)
        verdicts: dict[int, Verdict] = {}
        while queue:
            path, number = heappop(queue)
            found = self._db.execute("SELECT words, original FROM prints WHERE article = ?", (number,)).fetchone()
            if found is None:
                continue  # it was removed after one that it depended on
            words, before = found
            new = number in self._new
            buckets = self._new[number] if new else _buckets(word_hashes(self._text_of(number)))
            verdict = Verdict(before, self._original(number, path, words, buckets), new)
            if new or verdict.before != verdict.after:
                verdicts[number] = verdict
                self._note(number, verdict, buckets)
                # With all of them new there is no other to touch.
                touched = {} if everything else self._touched(number, path, words, verdict, buckets)
                for other, place in touched.items():
                    if other not in self._pending:
                        self._pending[other] = place
                        heappush(queue, (place, other))
        self._pending.clear()
        self._new.clear()
        return verdicts

    def _note(self, number: int, verdict: Verdict, buckets: Sequence[int]) -> None:
        self._db.execute("UPDATE prints SET original = ? WHERE article = ?", (verdict.after, number))
        copy = verdict.after is not None
        if verdict.new:
            rows = ((bucket, copy, number) for bucket in buckets)
            self._db.executemany("INSERT OR IGNORE INTO buckets VALUES (?, ?, ?)", rows)
        elif copy != (verdict.before is not None):
            self._db.executemany(
                "UPDATE OR REPLACE buckets SET copy = ? WHERE bucket = ? AND copy = ? AND article = ?",
                ((copy, bucket, not copy, number) for bucket in buckets),
            )

    def _touched(
        self, number: int, path: str, words: bytes, verdict: Verdict, buckets: Sequence[int]
    ) -> dict[int, str]:
        """The later articles whose original may be another after this verdict."""
        touched = self._same_words(words, path)
        if verdict.after is None:
            touched.update(self._sharing(buckets, "p.path > ?", path))
        elif verdict.before is None and not verdict.new:
            touched.update(self._copies_of(number))
        return touched

    def _same_words(self, words: bytes, path: str) -> dict[int, str]:
        return dict(self._db.execute("SELECT article, path FROM prints WHERE words = ? AND path > ?", (words, path)))

    def _copies_of(self, number: int) -> dict[int, str]:
        return dict(self._db.execute("SELECT article, path FROM prints WHERE original = ?", (number,)))

    def _sharing(self, buckets: Sequence[int], where: str, path: str) -> Iterator[tuple[int, str]]:
        """Articles that share a bucket, with their paths, by path."""
        if not buckets:
            return iter(())
        marks = ",".join("?" * len(buckets))
        query = (
            "SELECT DISTINCT p.article, p.path FROM buckets b JOIN prints p USING (article)"  # noqa: S608 - no values
            f" WHERE b.bucket IN ({marks}) AND {where} ORDER BY p.path"
        )
        return iter(self._db.execute(query, (*buckets, path)).fetchall())

    def _original(self, number: int, path: str, words: bytes, buckets: Sequence[int]) -> int | None:
        """What an article is a copy of: of two that are as similar the earlier."""
        first = self._db.execute(
            "SELECT article, original FROM prints WHERE words = ? AND path < ? ORDER BY path LIMIT 1", (words, path)
        ).fetchone()
        if first is not None:
            original: int = first[0] if first[1] is None else first[1]
            return original
        best, best_similarity = None, 0.0
        for other, _ in self._sharing(buckets, "b.copy = 0 AND p.path < ?", path):
            similarity = _similarity(self._print_of(number), self._print_of(other))
            if similarity >= THRESHOLD and similarity > best_similarity:
                best, best_similarity = other, similarity
        return best

    def _fingerprint_of(self, number: int) -> _Fingerprint:
        text = self._text_of(number)
        return _Fingerprint(np.unique(_shingles(word_hashes(text))), frozenset(_WORD.findall(text.casefold())))


def word_hashes(text: str) -> NDArray[np.uint64]:
    """A hash of every word of a text in order, case and punctuation aside; the same in every process, ``(n,)``."""
    text = text.casefold()
    parts = [np.empty(0, dtype=np.uint64)]
    start = 0
    while start < len(text):
        # Parted at a space; where a block has none, there.
        end = max(text.rfind(" ", start, start + _BLOCK), 0) + 1 if start + _BLOCK < len(text) else len(text)
        end = end if end > start else start + _BLOCK
        parts.append(_word_hashes(text[start:end]))
        start = end
    return np.concatenate(parts)


def _word_hashes(text: str) -> NDArray[np.uint64]:
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    # The table of all code points takes 0.1 s, that of most alphabets 1 ms.
    table = _word_letters(_ALPHABETS if letters.max(initial=0) < _ALPHABETS else sys.maxunicode + 1)
    inside = table[letters]
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    # A word is the sum of its letters, each mixed with its place in the word.
    places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    mixed = _mix(letters[inside].astype(np.uint64) + (places.astype(np.uint64) << np.uint64(32)))
    if not len(starts):
        return mixed
    words: NDArray[np.uint64] = _mix(np.add.reduceat(mixed, np.cumsum(lengths) - lengths))
    return words


@cache
def _word_letters(count: int) -> NDArray[np.bool_]:
    """Whether each of the first code points is part of a word, as in ``_WORD``."""
    return np.fromiter(map(str.isalnum, map(chr, range(count))), dtype=np.bool_, count=count)


def _shingles(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(words) - SHINGLE + 1, dtype=np.uint64)
    for offset in range(SHINGLE):
        mixed = (mixed ^ words[offset : len(words) - SHINGLE + 1 + offset]) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(32))


def _buckets(words: NDArray[np.uint64]) -> list[int]:
    """The hash tables' places of a text, as SQLite's signed numbers; none for a short one."""
    if len(words) < MIN_WORDS:
        return []
    shingles = _shingles(words)
    least = np.full(_BANDS * _ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(shingles), _BLOCK):
        # The high half of a product with an odd number is a hash of its own (Dietzfelbinger et al. 1997).
        hashed = (shingles[start : start + _BLOCK, None] * _FACTORS) >> np.uint64(32)
        least = np.minimum(least, hashed.min(axis=0))
    rows = least.reshape(_BANDS, _ROWS)
    places = np.arange(_BANDS, dtype=np.uint64)
    for row in range(_ROWS):
        places = _mix(places ^ rows[:, row])
    return [int(place) for place in places.view(np.int64)]


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed


#: Stored buckets depend on them, so they are written out by rule and not drawn from a library's generator.
_FACTORS = _mix(np.arange(1, _BANDS * _ROWS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)


def _similarity(left: _Fingerprint, right: _Fingerprint) -> float:
    """Jaccard similarity of the shingles; 0 where a number of one stands against another number of the other."""
    ours, theirs = left.numbers, right.numbers
    if ours - theirs and theirs - ours:
        return 0.0
    shared = np.intersect1d(left.shingles, right.shingles, assume_unique=True).size
    return shared / (left.shingles.size + right.shingles.size - shared)
