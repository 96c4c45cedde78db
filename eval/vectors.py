"""An encoder that remembers: what it has embedded once, in this run or an earlier one, it looks up in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.types import Encoder, Vectors

#: Texts embedded between two writes: what is lost when it is stopped, and how often the files grow.
SLICE = 512

_KEYS, _ROWS = "texts.u64", "vectors.f16"


class CachedEncoder:
    """An `Encoder` for measuring: passages come from a folder where it has them, questions never do.

    Vectors are kept in half precision, as an index keeps them. One process may use a folder at a time.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        """The encoder's own vectors, kept in ``folder`` under its digest."""
        self._encoder = encoder
        self.name, self.sha256, self.dim, self.prompts = encoder.name, encoder.sha256, encoder.dim, encoder.prompts
        self.encoded = 0
        self._folder = folder / encoder.sha256[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def _load(self) -> None:
        keys_file, rows_file = self._folder / _KEYS, self._folder / _ROWS
        keys = np.fromfile(keys_file, np.uint64) if keys_file.exists() else np.empty(0, np.uint64)
        size = rows_file.stat().st_size // (2 * self.dim) if rows_file.exists() else 0
        # Rows are written before their keys; a run that was stopped in between left rows without.
        count = min(len(keys), size)
        self._at = {int(key): row for row, key in enumerate(keys[:count])}
        rows_file.touch()
        with rows_file.open("r+b") as file:
            file.truncate(2 * self.dim * count)
        keys[:count].tofile(keys_file)
        self._map(count)

    def _map(self, count: int) -> None:
        shape = (count, self.dim)
        self._rows = np.memmap(self._folder / _ROWS, np.float16, "r", 0, shape) if count else np.empty(shape, "f2")

    def __len__(self) -> int:
        return len(self._at)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As the encoder itself."""
        return self._encoder.encode_queries(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """As the encoder itself."""
        return self._encoder.encode_words(words)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 rows of length 1, up to the rounding of half precision, shape ``(n, dim)``."""
        keys = [_key(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._at}
        self._encode([*new], [*new.values()])
        rows = np.fromiter((self._at[key] for key in keys), np.int64, len(keys))
        vectors: Vectors = self._rows[rows].astype(np.float32)
        return vectors

    def _encode(self, keys: Sequence[int], texts: Sequence[str]) -> None:
        for start in range(0, len(keys), SLICE):
            part = keys[start : start + SLICE]
            vectors = self._encoder.encode_passages(texts[start : start + SLICE]).astype(np.float16)
            with (self._folder / _ROWS).open("ab") as file:
                vectors.tofile(file)
            with (self._folder / _KEYS).open("ab") as file:
                np.array(part, np.uint64).tofile(file)
            self._at |= {key: len(self._at) + n for n, key in enumerate(part)}
            self.encoded += len(part)
        if keys:
            self._map(len(self._at))


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
