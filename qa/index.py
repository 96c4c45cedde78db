"""The published index: opened, checked, and refused where it was built otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.articles import CLEANER_VERSION, Listing
from qa.chunk_cache import ChunkCache
from qa.chunks import CHUNKER_VERSION
from qa.corpus import ChunkRecord, Corpus
from qa.dense import open_store
from qa.errors import IndexDamagedError, IndexStaleError
from qa.lexical import LexicalIndex
from qa.manifest import Recipe, file_sha256, read_manifest, verify
from qa.only import outlet_numbers, ranges_of
from qa.publish import current_build

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.config import Settings
    from qa.only import CodeRange
    from qa.types import Encoder, Keys, Only, Selection, Vectors, VectorStore

CHUNK_VECTORS = "chunks.npy"
CHUNK_KEYS = "keys.npy"
SENTENCE_VECTORS = "sentences.npy"
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
        self.chunks = ChunkCache(self.corpus)
        self.store: VectorStore = open_store(self.manifest.recipe.store, folder)
        self.lexical = LexicalIndex.open(folder / LEXICAL_FOLDER)
        self._chunk_vectors = load_vectors(folder / CHUNK_VECTORS)
        self._sentence_vectors = load_vectors(folder / SENTENCE_VECTORS)
        self._chunk_keys: Keys = load_array(folder / CHUNK_KEYS)
        self.outlets = self.corpus.outlets()
        self.allowed = lru_cache(KEPT_FILTERS)(self._allowed)
        self.days = cache(self.corpus.days)

    @property
    def id(self) -> str:
        """Name of the build."""
        return self.manifest.build_id

    def _allowed(self, only: Only) -> Allowed:
        """The passages that a filter lets in; worked out once for the filters in use."""
        ranges = ranges_of(only, outlet_numbers(self.outlets))
        keys = self._chunk_keys[self.corpus.rows_of(ranges)]
        return Allowed(ranges, self.store.select(keys), len(keys))

    def vector_of(self, record: ChunkRecord) -> Vectors:
        """The vector of a chunk, ``(dim,)``."""
        vector: Vectors = self._chunk_vectors[record.row].astype(np.float32)
        return vector

    def sentence_vectors_of(self, record: ChunkRecord) -> Vectors:
        """The vectors of a chunk's sentences, ``(len(record.sentences), dim)``."""
        end = record.sentence_row + len(record.sentences)
        return self._sentence_vectors[record.sentence_row : end].astype(np.float32)


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
    index = Index(current_build(settings.index))
    difference = index.manifest.recipe.difference(recipe_of(settings, encoder))
    if difference:
        raise IndexStaleError(f"the index in {settings.index} was built otherwise ({difference})", "qa build")
    return index


def articles_digest(folder: Path, listing: Listing) -> str:
    """Hash over the path and bytes of every article file, in order."""
    return digest_of((path.relative_to(folder).as_posix(), sha256_or_reason(path)) for path in listing.files)


def load_vectors(path: Path) -> NDArray[np.float16]:
    """Map a file of vectors, ``(rows, dim)``.

    Raises:
        IndexDamagedError: It cannot be read.
    """
    vectors: NDArray[np.float16] = load_array(path)
    return vectors


def load_array(path: Path) -> NDArray[Any]:
    """Map a file of numbers.

    Raises:
        IndexDamagedError: It cannot be read.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise IndexDamagedError(f"{path} cannot be read: {error}", "qa build") from None
    return array


def digest_of(files: Iterable[tuple[str, str]]) -> str:
    """Hash over paths with the hash of their bytes, in order."""
    digest = hashlib.sha256()
    for name, sha256 in files:
        digest.update(f"{name}\0{sha256}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def sha256_or_reason(path: Path) -> str:
    """Hash of a file's bytes, or why it cannot be read: either says whether it is as it was."""
    try:
        return file_sha256(path)
    except OSError as error:
        return f"unreadable: {error.strerror}"
