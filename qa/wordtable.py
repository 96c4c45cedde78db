"""Vectors of single words from an encoder's own table of word pieces: rows are looked up and added, nothing computed.

A bilingual encoder's rows lie near each other where words mean the same ("weapons", "Waffen"): its German rows were
trained towards the English ones. That makes words comparable across its languages at the price of a look-up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, repeat
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from qa.numbered import Numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from qa.numbered import WordList
    from qa.types import Vectors

#: Words whose pieces are kept, some 200 bytes each; more, and all are forgotten. 10,000 German passages have 100,000
#: words, and one question is compared with 3,000 of them: to cut those up anew takes 7 ms, to look them up 0.3.
REMEMBERED = 150_000
#: Rows multiplied at once, so that they stay in the processor's cache: 3,700 rows take 0.6 ms at 64 or 128, 1.5 at 256
#: to 1024, 2.3 all at once.
BLOCK = 128


@dataclass(frozen=True, slots=True)
class _Cut:
    """Words in pieces: those of word n are the ``lengths[n]`` numbers of ``flat`` from ``starts[n]``."""

    flat: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, words: Sequence[Sequence[int]]) -> _Cut:
        """Of the pieces of each word."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        flat = np.fromiter(chain.from_iterable(words), np.int64, int(lengths.sum()))
        return cls(flat, np.cumsum(lengths) - lengths, lengths)

    def sums(self, rows: Callable[[NDArray[np.int64]], Vectors], dim: int) -> Vectors:
        """The rows of the pieces of each word added up, ``(words, dim)``; ``rows`` looks up those of some pieces."""
        sums = np.zeros((len(self.lengths), dim), np.float32)
        # One piece of every word after the other: a quarter of the time of `np.add.at`, a tenth of `np.add.reduceat`.
        for at in range(int(self.lengths.max(initial=0))):
            longer = np.flatnonzero(self.lengths > at)
            sums[longer] += rows(self.flat[self.starts[longer] + at])
        return sums


class _Kept:
    """Words that were cut into pieces: only added to, so that a reader needs no lock."""

    def __init__(self, size: int) -> None:
        self.places: dict[str, int] = {}
        self.starts = np.empty(size, np.int64)
        self.lengths = np.empty(size, np.int64)
        self.norms = np.empty(size, np.float32)
        self.pieces = np.empty(1024, np.int64)
        self._filled = 0
        self._noted: WeakKeyDictionary[WordList, NDArray[np.int64]] = WeakKeyDictionary()
        self._lock = Lock()

    def noted(self, source: WordList) -> NDArray[np.int64]:
        """The places of the words of a list by their numbers, to be read and written; -1 where none was noted."""
        with self._lock:
            found = self._noted.get(source)
            if found is None:
                found = self._noted[source] = np.full(len(source), -1, np.int64)
            return found

    def find(self, words: Sequence[str]) -> NDArray[np.int64]:
        """The place of each word, ``(n,)``; -1 where it is not here."""
        return np.fromiter(map(self.places.get, words, repeat(-1)), np.int64, len(words))

    def cut(self, places: NDArray[np.int64]) -> _Cut:
        """The pieces of the words in these places."""
        lengths = self.lengths[places]
        starts = np.cumsum(lengths) - lengths
        flat = self.pieces[np.repeat(self.starts[places] - starts, lengths) + np.arange(lengths.sum())]
        return _Cut(flat, starts, lengths)

    def add(self, words: Sequence[str], cut: Sequence[Sequence[int]], norms: NDArray[np.float32]) -> bool:
        """Add distinct words with their pieces, one at least, and the lengths of the sums; False without room."""
        new = [at for at, word in enumerate(words) if word not in self.places]
        first, end = len(self.places), len(self.places) + len(new)
        if end > len(self.starts):
            return False
        flat = [piece for at in new for piece in cut[at]]
        if self._filled + len(flat) > len(self.pieces):
            self.pieces = np.concatenate([self.pieces, np.empty(len(self.pieces) + len(flat), np.int64)])
        self.pieces[self._filled : self._filled + len(flat)] = flat
        lengths = np.array([len(cut[at]) for at in new], np.int64)
        self.lengths[first:end] = lengths
        self.starts[first:end] = self._filled + np.cumsum(lengths) - lengths
        self.norms[first:end] = norms[new]
        self._filled += len(flat)
        # Last: whoever finds a word's place must find its pieces there.
        self.places.update({words[at]: first + n for n, at in enumerate(new)})
        return True


class WordTable:
    """Vectors of words; safe to share between threads."""

    def __init__(
        self,
        rows: NDArray[Any],
        scales: NDArray[np.float32] | None,
        pieces: Callable[[Sequence[str]], Sequence[Sequence[int]]],
    ) -> None:
        """A table of word pieces.

        Args:
            rows: ``(vocabulary, dim)``, of any number type; may lie in a file (`numpy.memmap`).
            scales: Factor of each row, ``(vocabulary, 1)``; None: 1.
            pieces: Words to the numbers of their pieces, without marks.
        """
        # Not as `memmap`, whose every slice takes some microseconds more.
        self._rows = np.asarray(rows)
        self._scales = None if scales is None else np.asarray(scales)
        self._pieces = pieces
        self._kept = _Kept(REMEMBERED)
        self._lock = Lock()

    @classmethod
    def none(cls, dim: int) -> WordTable:
        """A table that knows no word."""
        return cls(np.zeros((1, dim), np.float32), None, lambda words: [[0]] * len(words))

    def vectors(self, words: Sequence[str]) -> Vectors:
        """Rows of length 1, or of zeros where nothing is known of a word, ``(n, dim)``."""
        sums = self._sums(_Cut.of(self._pieces(words)))
        sums /= _length(sums)[:, None]
        return sums

    def cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """Cosine of each word asked for and each of some others, ``(asked, words)``; 0 where nothing is known of one.

        The vectors of the others are never made: they share pieces, and a sum of products is the product of a sum.
        """
        if not words:
            return np.zeros((len(asked), 0), np.float32)
        # Found together, because what is kept may be forgotten between two looks.
        kept, found = self._numbered(asked, words) if isinstance(words, Numbered) else self._places([*asked, *words])
        ours, places = np.split(found, [len(asked)])
        vectors = self._sums(kept.cut(ours)) / kept.norms[ours][:, None]
        cut = kept.cut(places)
        distinct, order = np.unique(cut.flat, return_inverse=True)
        products = self._products(vectors, distinct)
        cosines = replace(cut, flat=order).sums(lambda pieces: np.take(products, pieces, axis=0), len(asked))
        cosines /= kept.norms[places][:, None]
        return cosines.T

    def _places(self, words: Sequence[str]) -> tuple[_Kept, NDArray[np.int64]]:
        """Where the words are kept, after those that were not have been cut up."""
        kept = self._kept
        places = kept.find(words)
        if len(places) and places.min() < 0:
            new = list(dict.fromkeys(word for word, place in zip(words, places, strict=True) if place < 0))
            if not self._keep(kept, new):
                distinct = list(dict.fromkeys(words))
                kept = _Kept(max(REMEMBERED, len(distinct)))
                self._keep(kept, distinct)
                self._kept = kept
            places = kept.find(words)
        return kept, places

    def _numbered(self, asked: Sequence[str], words: Numbered) -> tuple[_Kept, NDArray[np.int64]]:
        """As `_places` of both, the numbered ones looked up by letters only when they are met for the first time."""
        kept, source, numbers = self._kept, words.source, words.numbers
        places = kept.noted(source)[numbers]
        new = np.flatnonzero(places < 0)
        found, got = self._places([*asked, *source.words(numbers[new])])
        if found is not kept:
            new = np.arange(len(numbers))
            found, got = self._places([*asked, *words])
        places[new] = got[len(asked) :]
        found.noted(source)[numbers[new]] = places[new]
        return found, np.concatenate([got[: len(asked)], places])

    def _keep(self, kept: _Kept, words: Sequence[str]) -> bool:
        cut = self._pieces(words)
        norms = _length(self._sums(_Cut.of(cut)))
        # A word without pieces is like none.
        norms[[not pieces for pieces in cut]] = np.inf
        with self._lock:
            return kept.add(words, [pieces or (0,) for pieces in cut], norms)

    def _products(self, vectors: Vectors, pieces: NDArray[np.int64]) -> Vectors:
        """Inner products of the rows of pieces and vectors, ``(pieces, vectors)``."""
        found = np.empty((len(pieces), len(vectors)), np.float32)
        columns = np.ascontiguousarray(vectors.T)
        block = np.empty((BLOCK, vectors.shape[1]), np.float32)
        for start in range(0, len(pieces), BLOCK):
            taken = np.take(self._rows, pieces[start : start + BLOCK], axis=0)
            rows = block[: len(taken)]
            rows[:] = taken
            np.matmul(rows, columns, out=found[start : start + BLOCK])
        if self._scales is not None:
            found *= self._scales[pieces]
        return found

    def _scaled(self, pieces: NDArray[np.int64]) -> Vectors:
        rows: Vectors = np.asarray(self._rows[pieces], np.float32)
        if self._scales is not None:
            rows *= self._scales[pieces]
        return rows

    def _sums(self, cut: _Cut) -> Vectors:
        return cut.sums(self._scaled, self._rows.shape[1])


def _length(rows: Vectors) -> NDArray[np.float32]:
    """Length of each row, or so little that zeros divided by it stay zeros."""
    lengths: NDArray[np.float32] = np.maximum(np.linalg.norm(rows, axis=1), np.float32(1e-12))
    return lengths
