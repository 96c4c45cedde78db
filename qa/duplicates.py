"""The same text twice is one article: exact copies, and agency copy with small edits.

Candidates come from MinHash and locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman, Ullman, "Mining of
Massive Datasets", chapter 3) and are verified by the exact Jaccard similarity of their word shingles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
#: Half the time of `qa.text.words`, and "10.000", "10 000" and "10,000" come out alike here too.
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """What is compared of a text: its shingles as sorted distinct hashes, and its words for the numbers in them."""

    shingles: NDArray[np.uint64]
    words: frozenset[str]

    @property
    def numbers(self) -> frozenset[str]:
        """The words that begin with a digit."""
        return frozenset(word for word in self.words if word[0].isdigit())


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
    kept: dict[str, Article] = {}
    also: dict[str, list[Source]] = {}
    by_words: dict[bytes, str] = {}
    near = _NearCopies()
    for article in ordered:
        tokens = _words(article)
        key = hashlib.blake2b(" ".join(tokens or [article.text]).encode("utf-8", "replace"), digest_size=16).digest()
        original = by_words.get(key) or near.original(tokens)
        if original is None:
            kept[article.path] = article
            near.add(article)
        else:
            also.setdefault(original, []).extend(_sources(article))
        by_words.setdefault(key, original or article.path)
    return tuple(
        replace(article, also=(*article.also, *also[path])) if path in also else article
        for path, article in kept.items()
    )


def _words(article: Article) -> list[str]:
    return _WORD.findall(article.text.casefold())


def _sources(article: Article) -> list[Source]:
    own = Source(article.path, article.title, article.outlet, article.published, article.author, article.url)
    return [own, *article.also]


class _Hashes(dict[str, int]):
    """64-bit hashes of words, the same in every process."""

    def __missing__(self, word: str) -> int:
        value = self[word] = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        return value


class _NearCopies:
    """Finds the kept article that a text is an edited copy of."""

    def __init__(self) -> None:
        # Imported here: 0.7 s that a question over a finished index need not pay.
        from datasketch import MinHash, MinHashLSH  # noqa: PLC0415

        self._lsh = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
        self._empty = MinHash(num_perm=_BANDS * _ROWS, hashfunc=int)
        self._kept: dict[str, Article] = {}
        self._last: tuple[_Fingerprint, object] | None = None
        self._hashes = _Hashes()

    def original(self, tokens: list[str]) -> str | None:
        """Path of the most similar kept article, if it is similar enough; the earlier path of two."""
        self._last = None
        if len(tokens) < MIN_WORDS:
            return None
        print_ = self._fingerprint(tokens)
        sketch = self._empty.copy()
        sketch.update_batch((print_.shingles & np.uint64(0xFFFFFFFF)).tolist())
        self._last = (print_, sketch)
        best, best_similarity = None, 0.0
        for path in sorted(self._lsh.query(sketch)):
            similarity = _similarity(print_, self._fingerprint(_words(self._kept[path])))
            if similarity >= THRESHOLD and similarity > best_similarity:
                best, best_similarity = path, similarity
        return best

    def add(self, article: Article) -> None:
        """Keep the article that was just asked about."""
        if self._last is not None:
            self._kept[article.path] = article
            self._lsh.insert(article.path, self._last[1], check_duplication=False)

    def _fingerprint(self, tokens: list[str]) -> _Fingerprint:
        hashed = np.fromiter(map(self._hashes.__getitem__, tokens), dtype=np.uint64, count=len(tokens))
        mixed = np.zeros(len(hashed) - SHINGLE + 1, dtype=np.uint64)
        for offset in range(SHINGLE):
            mixed = (mixed ^ hashed[offset : len(hashed) - SHINGLE + 1 + offset]) * np.uint64(0x9E3779B97F4A7C15)
        return _Fingerprint(np.unique(mixed ^ (mixed >> np.uint64(32))), frozenset(tokens))


def _similarity(left: _Fingerprint, right: _Fingerprint) -> float:
    """Jaccard similarity of the shingles; 0 where a number of one stands against another number of the other."""
    ours, theirs = left.numbers, right.numbers
    if ours - theirs and theirs - ours:
        return 0.0
    shared = np.intersect1d(left.shingles, right.shingles, assume_unique=True).size
    return shared / (left.shingles.size + right.shingles.size - shared)
