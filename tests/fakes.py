"""Stand-ins whose results can be worked out by hand."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qa.corpus import Corpus
from qa.corpus_writer import CorpusWriter
from qa.interaction import Interaction
from qa.lexical import plain_text
from qa.pieces import NoPieces
from qa.text import words
from qa.types import Article, Encoded, EncodedQuestion, Lang, PieceCodes, Source

if TYPE_CHECKING:
    from pathlib import Path

    from qa.types import Vectors


class WordEncoder(NoPieces):
    """One dimension a word (by checksum): the cosine of two texts is their share of words in common.

    Counts the passages it was given, so that a test can see what was embedded.
    """

    def __init__(self, dim: int = 256, salt: str = "") -> None:
        self.dim = dim
        self.name = "words"
        self.sha256 = hashlib.sha256(f"words {dim} {salt}".encode()).hexdigest()
        self.prompts: Mapping[str, str] = {"query": "", "passage": ""}
        self.embedded: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        return self._encode(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self._encode(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        return self._encode(asked) @ self._encode(words).T

    def _encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in set(words(text)) or {""}:
                row[zlib.crc32(word.encode()) % self.dim] = 1.0
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1.0)


class PieceEncoder(WordEncoder):
    """As `WordEncoder`, with a piece for every stretch without a space: ``numbers`` drawn by its checksum.

    A word is near itself and has a cosine around 0 with any other. What follows the first ``longest`` pieces of a text
    is cut off.
    """

    def __init__(self, dim: int = 256, salt: str = "", longest: int = 1000, numbers: int = 16) -> None:
        super().__init__(dim, f"{salt} pieces {longest}")
        self._interaction = Interaction(np.eye(numbers, dtype=np.float32), np.ones(1, np.float32), 0.0)
        self.piece_bytes = self._interaction.piece_bytes
        self.longest = longest
        self.with_pieces: list[str] = []

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        self.with_pieces.extend(texts)
        found = [[*re.finditer(r"\S+", text)][: self.longest] for text in texts]
        flat = [one for pieces in found for one in pieces]
        pieces = PieceCodes(
            self._interaction.codes(self._drawn([one[0] for one in flat])),
            np.array([one.start() for one in flat], np.int32),
            np.array([len(one) for one in found], np.int64),
        )
        return Encoded(self.encode_passages(texts), pieces)

    def encode_question(self, text: str) -> EncodedQuestion:
        words = re.findall(r"[^\s?]+", text)[: self.longest]
        return EncodedQuestion(
            self.encode_queries([text]), self._interaction.asked(np.zeros(len(words), np.int64), self._drawn(words))
        )

    def _drawn(self, words: Sequence[str]) -> Vectors:
        """Numbers for each word, ``(n, numbers)``; what ends a sentence does not count."""
        numbers = 4 * self.piece_bytes
        seeds = [zlib.crc32(word.lower().strip(".,;:!?").encode()) for word in words]
        rows = [np.random.default_rng(seed).standard_normal(numbers) for seed in seeds]
        return np.array(rows, np.float32).reshape(len(words), numbers)


def article(
    text: str,
    *,
    name: str = "a",
    title: str | None = None,
    lang: Lang = "de",
    published: str | None = None,
    outlet: str | None = None,
    also: tuple[Source, ...] = (),
) -> Article:
    """An article as `qa.articles` would make it from ``name.md``."""
    digest = hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()
    return Article(f"{name}-id", title, text, lang, published, outlet, None, None, f"{name}.md", digest, also)


def corpus_of(folder: Path, articles: Iterable[Article]) -> Corpus:
    """A corpus of articles without passages."""
    writer = CorpusWriter(folder)
    for one in articles:
        writer.put_alone(one)
    writer.close()
    return Corpus(folder)


class Words:
    """A vocabulary by hand: every word stands in as many passages as it is given times, and has no other forms."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = [plain_text(word) for word in words]
        self.asked = 0

    def frequency(self, word: str) -> int:
        self.asked += 1
        return self.words.count(word)

    def starting(self, prefix: str) -> Sequence[str]:
        return sorted({word for word in self.words if word.startswith(prefix)})

    def finds(self, word: str) -> bool:
        return plain_text(word) in self.words
