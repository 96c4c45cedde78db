"""The published index: opened, checked, and refused where it was built otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.articles import CLEANER_VERSION, Listing
from qa.chunks import CHUNKER_VERSION
from qa.corpus import ChunkRecord, Corpus
from qa.dense import open_store
from qa.errors import IndexDamagedError, IndexStaleError
from qa.lexical import LexicalIndex
from qa.manifest import Recipe, read_manifest, verify
from qa.only import ranges_of
from qa.publish import current_build, published_build
from qa.seen import sha256_or_reason
from qa.segments import Segments

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.only import CodeRange
    from qa.seen import Seen
    from qa.types import Encoder, Keys, Only, Selection, Vectors, VectorStore

#: Folders of `qa.segments`: the vectors of chunks and of sentences, ``(rows, dim)``, and the key of each chunk.
CHUNK_VECTORS = "chunks"
SENTENCE_VECTORS = "sentences"
CHUNK_KEYS = "keys"
VECTOR_TYPE = np.float16
KEY_TYPE = np.int64
LEXICAL_FOLDER = "lexical"
STORE = "faiss"


#: Filters whose passages stay worked out: at a million passages each keeps 125 KB, a bit for every vector.
KEPT_FILTERS = 16


@dataclass(frozen=True, slots=True)
class Allowed:
    """The passages that a filter lets in, as each of the searches needs them; ``count`` of them."""

    ranges: tuple[CodeRange, ...]
    selection: Selection
    count: int


class Index:
    """A published build, immutable, safe to use from many threads."""

    def __init__(self, folder: Path, *, check: bool = True) -> None:
        """Open a build.

        Args:
            folder: Folder of the build (see `qa.publish.current_build`).
            check: Compare every file with its checksum first.

        Raises:
            IndexDamagedError: A file is missing or damaged.
            IndexStaleError: Another version wrote it.
        """
        self.folder = folder
        self.manifest = read_manifest(folder)
        if check:
            verify(folder, self.manifest)
        self.corpus = Corpus(folder)
        self.store: VectorStore = open_store(self.manifest.recipe.store, folder)
        self.lexical = LexicalIndex.open(folder / LEXICAL_FOLDER)
        dim = self.manifest.recipe.dim
        self._chunk_vectors = Segments(folder / CHUNK_VECTORS, VECTOR_TYPE, (dim,))
        self._sentence_vectors = Segments(folder / SENTENCE_VECTORS, VECTOR_TYPE, (dim,))
        self._chunk_keys: Keys = Segments(folder / CHUNK_KEYS, KEY_TYPE).all()
        self.outlets = self.corpus.outlets()
        self.allowed = lru_cache(KEPT_FILTERS)(self._allowed)
        self.days = cache(self.corpus.days)

    @property
    def id(self) -> str:
        """Name of the build."""
        return self.manifest.build_id

    def _allowed(self, only: Only) -> Allowed:
        """The passages that a filter lets in; worked out once for the filters in use."""
        ranges = ranges_of(only, self.corpus.outlet_numbers())
        keys = self._chunk_keys[self.corpus.rows_of(ranges)]
        return Allowed(ranges, self.store.select(keys), len(keys))

    def vector_of(self, record: ChunkRecord) -> Vectors:
        """The vector of a chunk, ``(dim,)``."""
        vector: Vectors = self._chunk_vectors.rows(record.row, record.row + 1)[0].astype(np.float32)
        return vector

    def sentence_vectors_of(self, record: ChunkRecord) -> Vectors:
        """The vectors of a chunk's sentences, ``(len(record.sentences), dim)``."""
        end = record.sentence_row + len(record.sentences)
        vectors: Vectors = self._sentence_vectors.rows(record.sentence_row, end).astype(np.float32)
        return vectors

    def waste(self) -> float:
        """Share of what is stored that no article has any more, 0 to 1."""
        kept = self.manifest.chunk_count, self.manifest.sentence_count
        stored = len(self._chunk_vectors), len(self._sentence_vectors)
        dead = (1 - live / max(rows, 1) for live, rows in zip(kept, stored, strict=True) if rows)
        return max(self.corpus.dead_text(), *dead, 0.0)


def recipe_of(settings: Settings, encoder: Encoder) -> Recipe:
    """The recipe that these settings and this encoder make."""
    return Recipe(
        encoder_name=encoder.name,
        encoder_sha256=encoder.sha256,
        dim=encoder.dim,
        query_prompt=encoder.prompts.get("query", ""),
        passage_prompt=encoder.prompts.get("passage", ""),
        cleaner=CLEANER_VERSION,
        chunker=CHUNKER_VERSION,
        chunk_words=settings.chunk_words,
        store=STORE,
    )


def load_index(settings: Settings, encoder: Encoder) -> Index:
    """Open the published index, refusing one that was made in another way.

    Raises:
        IndexMissingError: There is none.
        IndexStaleError: It was built with another encoder, cleaner or chunker; names what differs.
        IndexDamagedError: It is damaged.
    """
    index = _open_current(settings.index)
    difference = index.manifest.recipe.difference(recipe_of(settings, encoder))
    if difference:
        raise IndexStaleError(f"the index in {settings.index} was built otherwise ({difference})", "qa build")
    return index


def _open_current(root: Path) -> Index:
    while True:
        folder = current_build(root)
        try:
            return Index(folder)
        except IndexDamagedError:
            # Another build may have been published, and this one removed, since the name was read.
            if published_build(root) == folder:
                raise


def articles_digest(folder: Path, listing: Listing, seen: Seen | None = None) -> str:
    """Hash over the path and bytes of every article file, in order; with ``seen`` only files new to it are read."""
    if seen is not None:
        return digest_of(seen.hashes(listing).items())
    return digest_of((path.relative_to(folder).as_posix(), sha256_or_reason(path)) for path in listing.files)


def digest_of(files: Iterable[tuple[str, str]]) -> str:
    """Hash over paths with the hash of their bytes, in order."""
    digest = hashlib.sha256()
    for name, sha256 in files:
        digest.update(f"{name}\0{sha256}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
