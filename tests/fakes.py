"""Stand-ins whose results can be worked out by hand."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qa.corpus import Corpus
from qa.corpus_writer import CorpusWriter
from qa.lexical import plain_text
from qa.text import words
from qa.types import Article, Lang, Source

if TYPE_CHECKING:
    from pathlib import Path

    from qa.types import Vectors


class WordEncoder:
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
