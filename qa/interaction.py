"""Late interaction: each word piece of a question with the nearest piece of a text.

Khattab and Zaharia 2020, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over
BERT". One vector of a passage is a mean of what it says; here every piece keeps a vector of its own, as short as it can
be made: the encoder's last states projected to fewer dimensions, two bits each (Santhanam et al. 2022, "ColBERTv2",
store residuals in as many). Pieces of a question count by how rare they are, and those of a text that stand in nearly
every text are not kept.

All products are of whole numbers that a float32 holds exactly, so that what a text gets depends neither on the texts
beside it nor on the order in which a processor adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from qa.errors import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Codes = NDArray[np.uint8]

_MEND = "write it again with python -m qa.train.interaction"

#: Numbers in a byte of a code.
PER_BYTE = 4
#: Where the four levels of a number part, and the levels themselves, in units of its spread: least squared error where
#: numbers are spread as a normal distribution (Lloyd 1982), as those of a rotated vector are.
_PARTS = (-0.9816, 0.0, 0.9816)
_LEVELS = (-1.5104, -0.4528, 0.4528, 1.5104)
#: The levels as whole numbers of the same ratio, within 0.1 %: 1.5104 / 0.4528 = 3.336 and 10 / 3 = 3.333.
_WHOLE = np.array([-10, -3, 3, 10], np.float32)
_UNIT = _LEVELS[3] / 10
#: Largest whole number of a question's piece: sums stay below 127 * 10 * dim, far within the 2**24 that are exact.
_PEAK = 127

#: The four numbers of each byte.
_OF_BYTE = _WHOLE[(np.arange(256)[:, None] >> (2 * np.arange(PER_BYTE))) & 3]

#: Scores of a text's pieces worked out at once: bounds the memory beside the codes to some 6 MB at 128 dimensions.
_SLICE = 12_288

#: Multiplications up to which OpenBLAS keeps a product in the thread that asks for it. Its threads wait for each other
#: longer than they work: 100 passages take a question 1.3 ms in pieces of this size, 4 to 8 ms with four threads.
_ALONE = 1 << 18


@dataclass(frozen=True, slots=True)
class AskedPieces:
    """The pieces of a question.

    Attributes:
        rows: Whole numbers from -127 to 127, float32 ``(n, dim)``.
        scales: What makes their products with codes cosines, ``(n,)``.
        weights: How much each counts, 0 or more, ``(n,)``.
    """

    rows: Vectors
    scales: Vectors
    weights: Vectors

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def none(cls) -> AskedPieces:
        """Of an encoder that knows no pieces."""
        return cls(np.empty((0, 0), np.float32), np.empty(0, np.float32), np.empty(0, np.float32))

    def nearest(self, codes: Codes, starts: NDArray[np.int64]) -> Vectors:
        """The cosine of each piece and the nearest one of each text, ``(texts, n)``; 0 for a text without pieces.

        Args:
            codes: Of the texts one after another, ``(pieces, bytes)``.
            starts: Row of ``codes`` where each text begins, ascending, ``(texts,)``; the last one ends with them.
        """
        ends = np.append(starts[1:], len(codes))
        best = np.zeros((len(starts), len(self)), np.float32)
        there = np.flatnonzero(ends > starts)
        first = 0
        while len(self) and first < len(there):
            # Whole texts, as many as fit.
            last = int(np.searchsorted(ends[there], starts[there[first]] + _SLICE, side="right"))
            part = there[first : max(last, first + 1)]
            begin, end = int(starts[part[0]]), int(ends[part[-1]])
            products = _product(decoded(codes[begin:end]), self.rows.T).T
            best[part] = np.maximum.reduceat(products, starts[part] - begin, axis=1).T
            first += len(part)
        found: Vectors = best * self.scales
        return found

    def mean(self, nearest: Vectors) -> Vectors:
        """The mean over the pieces by their weights, ``(texts, n)`` to ``(texts,)``; 0 for a question without any."""
        # One by one: of a product of matrices the last bits depend on the row, and equal texts would not tie.
        sums = np.einsum("ij,j->i", nearest.astype(np.float64), self.weights.astype(np.float64))
        mean: Vectors = (sums / max(float(self.weights.sum()), 1e-9)).astype(np.float32)
        return mean


@dataclass(frozen=True, slots=True)
class Interaction:
    """What makes pieces out of an encoder's states.

    Attributes:
        projection: Of states to pieces, float32 ``(width, dim)``; ``dim`` is divided by 4.
        weights: How much each piece of the vocabulary counts in a question, float32 ``(vocabulary,)``.
        least: Pieces of a text that weigh less are not kept.
    """

    projection: Vectors
    weights: Vectors
    least: float

    @classmethod
    def read(cls, path: Path) -> Interaction:
        """Read a file of what `to_bytes` gave.

        Raises:
            EncoderError: The file is missing or damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                projection, weights = (stored[name].astype(np.float32) for name in ("projection", "weights"))
                least = float(stored["least"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise EncoderError(f"encoder file {path} cannot be read: {error}", _MEND) from error
        if projection.ndim != 2 or projection.shape[1] % PER_BYTE or weights.ndim != 1:  # noqa: PLR2004 - ranks
            raise EncoderError(f"encoder file {path} has shapes {projection.shape} and {weights.shape}", _MEND)
        return cls(projection, weights, least)

    def to_bytes(self) -> bytes:
        """In half precision, always the same bytes."""
        half: dict[str, Any] = {
            "projection": self.projection.astype(np.float16),
            "weights": self.weights.astype(np.float16),
            "least": np.float32(self.least),
        }
        file = BytesIO()
        np.savez(file, **half)
        return file.getvalue()

    @property
    def piece_bytes(self) -> int:
        """Bytes of a code."""
        return int(self.projection.shape[1]) // PER_BYTE

    def keeps(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pieces of a text are kept, ``(n,)``."""
        kept: NDArray[np.bool_] = self.weights[ids] >= self.least
        return kept

    def codes(self, states: Vectors) -> Codes:
        """States ``(n, width)`` to codes ``(n, piece_bytes)``."""
        pieces = self._pieces(states)
        levels = np.searchsorted(np.array(_PARTS, np.float32), pieces.ravel() * np.sqrt(pieces.shape[1]), side="right")
        shifted = levels.reshape(-1, PER_BYTE).astype(np.uint8) << (2 * np.arange(PER_BYTE, dtype=np.uint8))
        codes: Codes = np.bitwise_or.reduce(shifted, axis=1).reshape(len(states), self.piece_bytes)
        return codes

    def asked(self, ids: NDArray[np.int64], states: Vectors) -> AskedPieces:
        """The pieces of a question: those of the vocabulary ``(n,)`` and their states ``(n, width)``."""
        pieces = self._pieces(states)
        peaks = np.maximum(np.abs(pieces).max(axis=1, initial=1e-9), 1e-9)
        rows = np.rint(pieces * (_PEAK / peaks)[:, None])
        scales = peaks / _PEAK * (_UNIT / np.sqrt(self.projection.shape[1]))
        return AskedPieces(rows, scales.astype(np.float32), self.weights[ids])

    def _pieces(self, states: Vectors) -> Vectors:
        """Unit vectors, ``(n, dim)``."""
        pieces = _product(states, self.projection)
        norms = np.linalg.norm(pieces, axis=1, keepdims=True)
        unit: Vectors = pieces / np.maximum(norms, 1e-9)
        return unit


def _product(rows: Vectors, columns: Vectors) -> Vectors:
    """``rows`` ``(n, k)`` times ``columns`` ``(k, m)``, a few rows at a time."""
    product = np.empty((len(rows), columns.shape[1]), np.float32)
    most = max(1, _ALONE // max(1, columns.size))
    for start in range(0, len(rows), most):
        np.matmul(rows[start : start + most], columns, out=product[start : start + most])
    return product


def decoded(codes: Codes) -> Vectors:
    """Codes ``(n, bytes)`` as whole numbers, float32 ``(n, 4 * bytes)``."""
    numbers: Vectors = np.take(_OF_BYTE, codes, axis=0).reshape(len(codes), PER_BYTE * codes.shape[1])
    return numbers
