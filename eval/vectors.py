"""Encoders for measuring: one that remembers what it has embedded, and one that makes up chunks from their sentences.

Embedding a million passages takes hours. Their sentences are 100,000 different ones, which `CachedEncoder` embeds
once; a passage that was never embedded gets the vector that `Composer` derives from those of its sentences.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.parallel import Batch
from qa.types import Encoded, PieceCodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

    from qa.types import Encoder, Vectors

#: Texts embedded between two writes: what is lost when it is stopped, and how often the files grow.
SLICE = 512

_KEYS, _ROWS = "texts.u64", "vectors.f16"
#: Codes of pieces, where each piece begins in its text, and which is the first after those of a text.
_CODES, _PLACES, _ENDS = "codes.u8", "places.i32", "ends.i64"


class CachedEncoder:
    """An `Encoder` that looks passages up in a folder where that has them; questions are always embedded.

    Vectors are kept in half precision, as an index keeps them, beside them the codes of pieces, if the encoder gives
    any. One process may write to a folder at a time.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        """The encoder's own vectors, kept in ``folder`` under its digest."""
        self._encoder = encoder
        self.name, self.sha256, self.dim, self.prompts = encoder.name, encoder.sha256, encoder.dim, encoder.prompts
        self.piece_bytes = encoder.piece_bytes
        self._folder = folder / encoder.sha256[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def _load(self) -> None:
        keys_file, rows_file = self._folder / _KEYS, self._folder / _ROWS
        keys = np.fromfile(keys_file, np.uint64) if keys_file.exists() else np.empty(0, np.uint64)
        size = rows_file.stat().st_size // (2 * self.dim) if rows_file.exists() else 0
        # Rows are written before their keys, and pieces before rows; a run that was stopped left some without.
        count = min(len(keys), size)
        self._at = {int(key): row for row, key in enumerate(keys[:count])}
        self._map(count)

    def _map(self, count: int) -> None:
        shape = (count, self.dim)
        self._rows = np.memmap(self._folder / _ROWS, np.float16, "r", 0, shape) if count else np.empty(shape, "f2")
        self._ends = self._mapped(_ENDS, np.int64, count)
        pieces = int(self._ends[-1]) if count and self.piece_bytes else 0
        self._codes = self._mapped(_CODES, np.uint8, pieces * self.piece_bytes).reshape(pieces, self.piece_bytes)
        self._places = self._mapped(_PLACES, np.int32, pieces)

    def _mapped(self, name: str, dtype: DTypeLike, count: int) -> NDArray[Any]:
        if not count or not self.piece_bytes:
            return np.empty(0, dtype)
        return np.memmap(self._folder / name, dtype, "r", 0, (count,))

    def __len__(self) -> int:
        return len(self._at)

    def knows(self, text: str) -> bool:
        """Whether a passage was embedded before."""
        return _key(text) in self._at

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As the encoder itself."""
        return self._encoder.encode_queries(texts)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the encoder has
        return getattr(self._encoder, name)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """As the encoder itself."""
        return self._encoder.word_cosines(asked, words)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 rows of length 1, up to the rounding of half precision, shape ``(n, dim)``."""
        keys = [_key(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._at}
        self._encode([*new], [*new.values()])
        rows = np.fromiter((self._at[key] for key in keys), np.int64, len(keys))
        vectors: Vectors = self._rows[rows].astype(np.float32)
        return vectors

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        """Passages to their vectors and the codes of their pieces."""
        vectors = self.encode_passages(texts)
        rows = [self._at[_key(text)] for text in texts]
        stretches = [slice(int(self._ends[row - 1]) if row else 0, int(self._ends[row])) for row in rows]
        codes = np.concatenate([self._codes[:0], *(self._codes[one] for one in stretches)])
        places = np.concatenate([self._places[:0], *(self._places[one] for one in stretches)])
        counts = np.array([one.stop - one.start for one in stretches], np.int64)
        return Encoded(vectors, PieceCodes(codes, places, counts))

    def _encode(self, keys: Sequence[int], texts: Sequence[str]) -> None:
        pieces = len(self._codes)
        for start in range(0, len(keys), SLICE):
            part = keys[start : start + SLICE]
            found = Batch(texts[start : start + SLICE], self.piece_bytes > 0).encoded(self._encoder)
            self._write(len(self._at), pieces, part, found)
            pieces += len(found.pieces.codes)
            self._at |= {key: len(self._at) + n for n, key in enumerate(part)}
        if keys:
            self._map(len(self._at))

    def _write(self, row: int, piece: int, keys: Sequence[int], found: Encoded) -> None:
        ends = piece + np.cumsum(found.pieces.counts)
        pieces = [
            (_CODES, self.piece_bytes * piece, found.pieces.codes.tobytes()),
            (_PLACES, 4 * piece, found.pieces.places.tobytes()),
            (_ENDS, 8 * row, ends.astype(np.int64).tobytes()),
        ]
        rows = [
            (_ROWS, 2 * self.dim * row, found.vectors.astype(np.float16).tobytes()),
            (_KEYS, 8 * row, np.array(keys, np.uint64).tobytes()),
        ]
        for name, start, data in (pieces if self.piece_bytes else []) + rows:
            path = self._folder / name
            path.touch()
            with path.open("r+b") as file:
                file.seek(start)
                file.write(data)


class Composer:
    """Vectors of passages from those of their sentences.

    The mean of the sentences, each weighing by its length, through the linear map that is best on passages which were
    embedded (least squares), plus what that map missed on one of these, drawn by the hash of the text. Of the encoder's
    own vectors it keeps how near questions and passages come: the best passage for an English question has a cosine of
    0.475 on the average, really 0.487, the 50th .315, really .322 (15,000 passages, 500 questions).
    """

    def __init__(self, means: Vectors, vectors: Vectors) -> None:
        """Fit to passages that were embedded: the means of their sentences and their own vectors, ``(n, dim)`` each."""
        self._map: Vectors = np.linalg.lstsq(means, vectors, rcond=None)[0].astype(np.float32)
        self._missed: Vectors = vectors - _unit(means @ self._map)

    @staticmethod
    def mean(texts: Sequence[str], vectors: Vectors) -> Vectors:
        """The mean of sentences, ``(dim,)``, of length 1."""
        weights = np.array([len(text) for text in texts], np.float32)
        return _unit((vectors * weights[:, None]).sum(axis=0))

    def compose(self, means: Vectors, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1 for passages, ``(n, dim)``, from the means of their sentences."""
        drawn = np.fromiter((_key(text) % len(self._missed) for text in texts), np.int64, len(texts))
        return _unit(_unit(means @ self._map) + self._missed[drawn])


def _unit(rows: Vectors) -> Vectors:
    units: Vectors = (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return units


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
