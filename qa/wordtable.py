"""Vectors of single words from an encoder's own table of word pieces: rows are looked up and added, nothing computed.

A bilingual encoder's rows lie near each other where words mean the same ("weapons", "Waffen"): its German rows were
trained towards the English ones. That makes words comparable across its languages at the price of a look-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from qa.types import Vectors

#: Words kept once they were looked up, 1.5 KB each; more, and all are forgotten.
REMEMBERED = 20_000


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
        self._rows = rows
        self._scales = scales
        self._pieces = pieces
        self._known: dict[str, NDArray[np.float32]] = {}

    @classmethod
    def none(cls, dim: int) -> WordTable:
        """A table that knows no word."""
        return cls(np.zeros((1, dim), np.float32), None, lambda words: [[0]] * len(words))

    def vectors(self, words: Sequence[str]) -> Vectors:
        """Rows of length 1, or of zeros where nothing is known of a word, ``(n, dim)``."""
        known = self._known
        new = [word for word in dict.fromkeys(words) if word not in known]
        if new:
            if len(known) + len(new) > REMEMBERED:
                known = self._known = {}
                new = list(dict.fromkeys(words))
            known.update(zip(new, self._look_up(new), strict=True))
        found = np.empty((len(words), self._rows.shape[1]), np.float32)
        for at, word in enumerate(words):
            found[at] = known[word]
        return found

    def _look_up(self, words: Sequence[str]) -> Vectors:
        ids = self._pieces(words)
        flat = np.array([piece for pieces in ids for piece in pieces], np.int64)
        rows = np.asarray(self._rows[flat], np.float32)
        if self._scales is not None:
            rows *= self._scales[flat]
        sums = np.zeros((len(words), self._rows.shape[1]), np.float32)
        np.add.at(sums, np.repeat(np.arange(len(words)), [len(pieces) for pieces in ids]), rows)
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        return sums
