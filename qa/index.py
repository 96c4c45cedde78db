"""The published index: opened, checked, and refused where it was built otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from qa.articles import CLEANER_VERSION, Listing
from qa.chunk_cache import ChunkCache
from qa.chunks import CHUNKER_VERSION
from qa.corpus import Corpus
from qa.dense import FaissStore, open_store
from qa.errors import IndexDamagedError, IndexStaleError
from qa.lexical import Lexical, LexicalIndex
from qa.manifest import Recipe, read_manifest, verify
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore
from qa.milvus.words import MilvusWords
from qa.only import ranges_of
from qa.publish import current_build, published_build
from qa.seen import sha256_or_reason
from qa.segments import Segments
from qa.text import words_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.config import Settings
    from qa.corpus import ChunkRecord, ChunkWords
    from qa.only import CodeRange
    from qa.seen import Seen
    from qa.types import Codes, Encoder, Keys, Only, Selection, Vectors, VectorStore

#: Folders of `qa.segments`: the vectors of chunks and of sentences, ``(rows, dim)``, the codes of the chunks' word
#: pieces, ``(rows, piece_bytes)``, where the encoder gives any, and the key of each chunk.
CHUNK_VECTORS = "chunks"
SENTENCE_VECTORS = "sentences"
PIECE_CODES = "pieces"
CHUNK_KEYS = "keys"
VECTOR_TYPE = np.float16
KEY_TYPE = np.int64
CODE_TYPE = np.uint8
LEXICAL_FOLDER = "lexical"


#: Filters whose passages stay worked out: at a million passages each keeps 125 KB, a bit for every vector.
KEPT_FILTERS = 16


@dataclass(frozen=True, slots=True)
class Allowed:
    """The passages that a filter lets in, as each of the searches needs them; ``count`` of them."""

    ranges: tuple[CodeRange, ...]
    selection: Selection
    count: int


@dataclass(frozen=True, slots=True)
class Live:
    """Chunks by key ``(n,)`` with their vectors ``(n, dim)``."""

    keys: Keys
    vectors: Vectors


class HasPieces(Protocol):
    """A chunk, by the rows of its word pieces."""

    @property
    def piece_row(self) -> int:
        """The first."""

    @property
    def pieces(self) -> int:
        """How many there are."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The codes of the word pieces of some chunks.

    Attributes:
        codes: Of one chunk after another, ``(pieces, piece_bytes)``.
        starts: Row of ``codes`` where each chunk begins, int64 ``(chunks,)``; it ends where the next one begins.
    """

    codes: Codes
    starts: NDArray[np.int64]


class Index:
    """A published build, immutable, safe to use from many threads."""

    def __init__(self, folder: Path, *, check: bool = True, settings: Settings | None = None) -> None:
        """Open a build.

        Args:
            folder: Folder of the build (see `qa.publish.current_build`).
            check: Compare every file with its checksum first.
            settings: Lead to the server of a build that is on one.

        Raises:
            IndexDamagedError: A file is missing or damaged.
            IndexStaleError: Another version wrote it.
        """
        self.folder = folder
        self.manifest = read_manifest(folder)
        if check:
            verify(folder, self.manifest)
        self.corpus = Corpus(folder)
        self._settings = settings
        self.chunks = ChunkCache(self.corpus)
        self.lexical = LexicalIndex.open(folder / LEXICAL_FOLDER)
        dim = self.manifest.recipe.dim
        self._chunk_vectors = Segments(folder / CHUNK_VECTORS, VECTOR_TYPE, (dim,))
        self._sentence_vectors = Segments(folder / SENTENCE_VECTORS, VECTOR_TYPE, (dim,))
        self._piece_codes = Segments(folder / PIECE_CODES, CODE_TYPE, (self.manifest.recipe.piece_bytes,))
        self._chunk_keys: Keys = Segments(folder / CHUNK_KEYS, KEY_TYPE).all()
        self.outlets = self.corpus.outlets()
        self.allowed = lru_cache(KEPT_FILTERS)(self._allowed)
        self.keys_in = lru_cache(KEPT_FILTERS)(self._keys_in)
        self.days = cache(self.corpus.days)

    @property
    def id(self) -> str:
        """Name of the build."""
        return self.manifest.build_id

    @cached_property
    def store(self) -> VectorStore:
        """The vectors; opened when first asked for, so that what is in the files can be had without its server."""
        recipe, collections = self.manifest.recipe, self.manifest.collections
        name = collections.get("vectors", "")
        return open_store(recipe.store, self.folder, settings=self._settings, collection=name, dim=recipe.dim)

    @cached_property
    def words(self) -> Lexical:
        """What ranks passages by their words: `lexical`, or the server where the settings say so."""
        name, settings = self.manifest.collections.get("words"), self._settings
        if name is None or settings is None or not settings.milvus_bm25:
            return self.lexical
        return MilvusWords.open(Client(Server.of(settings)), name, self.keys_in)

    def close(self) -> None:
        """Let go of files, memory and connections; nobody may use it any more."""
        self.corpus.close()
        self.close_stores()
        # `allowed` refers back to this object: without this the garbage collector alone would find the ring, and a
        # server that loads a new index now and then would hold several.
        vars(self).clear()

    def close_stores(self) -> None:
        """End the connections to a server; the index is not searched again."""
        for opened in (vars(self).pop("store", None), vars(self).pop("words", None)):
            if isinstance(opened, FaissStore | MilvusStore | MilvusWords):
                opened.close()

    def _keys_in(self, ranges: tuple[CodeRange, ...]) -> Keys:
        keys: Keys = np.sort(self._chunk_keys[self.corpus.rows_of(ranges)])
        return keys

    def _allowed(self, only: Only) -> Allowed:
        """The passages that a filter lets in; worked out once for the filters in use."""
        ranges = ranges_of(only, self.corpus.outlet_numbers())
        keys = self.keys_in(ranges)
        return Allowed(ranges, self.store.select(keys), len(keys))

    def live(self, size: int) -> Iterator[Live]:
        """The keys and vectors of all chunks in the order of the files, ``size`` at a time."""
        rows = self.corpus.chunk_rows()
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            vectors = [self._chunk_vectors.rows(int(row), int(row) + 1) for row in part]
            yield Live(self._chunk_keys[part], np.concatenate(vectors).astype(np.float32))

    def vector_of(self, record: ChunkRecord) -> Vectors:
        """The vector of a chunk, ``(dim,)``."""
        vector: Vectors = self._chunk_vectors.rows(record.row, record.row + 1)[0].astype(np.float32)
        return vector

    def similarities(self, rows: Sequence[int], query: Vectors) -> list[float]:
        """Inner products of the vectors in these rows and a question's ``(dim,)``."""
        vectors = np.array([self._chunk_vectors.rows(row, row + 1)[0] for row in rows], np.float32)
        # One by one: of a product of matrices the last bits depend on the row, and equal passages would not tie.
        return [float(vector @ query) for vector in vectors]

    def sentence_vectors_of(self, record: ChunkRecord) -> Vectors:
        """The vectors of a chunk's sentences, ``(len(record.sentences), dim)``."""
        end = record.sentence_row + len(record.sentences)
        vectors: Vectors = self._sentence_vectors.rows(record.sentence_row, end).astype(np.float32)
        return vectors

    def best_sentences(self, chunks: Sequence[ChunkWords], query: Vectors) -> Vectors:
        """Cosine of a question's vector ``(dim,)`` and the best sentence of each chunk, ``(chunks,)``.

        A chunk whose sentences have no vectors stands for them itself. What a chunk gets does not depend on the others
        to the last bit, as a matrix product's rows do.
        """
        none = np.empty((0, len(query)), VECTOR_TYPE)
        parts = [none]
        for chunk in chunks:
            # None at all in an archive of `eval.bench` above 200,000 passages.
            kept = chunk.sentences if len(self._sentence_vectors) else 0
            rows = self._sentence_vectors.rows(chunk.sentence_row, chunk.sentence_row + kept)
            parts.append(rows if len(rows) else self._chunk_vectors.rows(chunk.row, chunk.row + 1))
        cosines = np.einsum("ij,j->i", np.concatenate(parts).astype(np.float32), query)
        starts = np.cumsum([len(part) for part in parts])[:-1]
        best: Vectors = np.maximum.reduceat(cosines, starts) if chunks else cosines
        return best

    @property
    def piece_bytes(self) -> int:
        """Bytes of the code of a word piece; 0 where none are kept."""
        return self.manifest.recipe.piece_bytes if len(self._piece_codes) else 0

    def piece_codes(self, row: int, count: int) -> Codes:
        """Codes of a chunk's word pieces, ``(count, piece_bytes)``, mapped: `ChunkRecord` says what they stand for."""
        return self._piece_codes.rows(row, row + count)

    def pieces_of(self, chunks: Sequence[HasPieces]) -> Pieces:
        """The codes of all word pieces of these chunks, in memory."""
        parts = [self._piece_codes.rows(one.piece_row, one.piece_row + one.pieces) for one in chunks]
        ends = np.cumsum([one.pieces for one in chunks], dtype=np.int64)
        codes = np.concatenate(parts) if parts else self._piece_codes.rows(0, 0)
        return Pieces(codes, np.concatenate([np.zeros(1, np.int64), ends])[: len(parts)])

    def waste(self) -> float:
        """Share of what is stored that no article has any more, 0 to 1."""
        kept = self.manifest.chunk_count, self.manifest.sentence_count, self.manifest.piece_count
        stored = len(self._chunk_vectors), len(self._sentence_vectors), len(self._piece_codes)
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
        store=settings.store,
        words=words_id(),
        piece_bytes=encoder.piece_bytes,
    )


def load_index(settings: Settings, encoder: Encoder, *, any_store: bool = False) -> Index:
    """Open the published index, refusing one that was made in another way.

    Args:
        settings: Where it is, and how it must have been made.
        encoder: The one it must have been made with.
        any_store: Whatever its vectors are searched by, which is then not opened: for making another build of it.

    Raises:
        IndexMissingError: There is none.
        IndexStaleError: It was built with another encoder, cleaner or chunker; names what differs.
        IndexDamagedError: It is damaged.
        StoreError: It is on a server that cannot be reached or refuses.
    """
    index = _open_current(settings)
    made, wanted = index.manifest.recipe, recipe_of(settings, encoder)
    difference = replace(made, store=wanted.store).difference(wanted)
    if difference:
        raise IndexStaleError(f"the index in {settings.index} was built otherwise ({difference})", "qa build")
    if not any_store:
        open_stores(index, settings)
    return index


def open_stores(index: Index, settings: Settings) -> None:
    """Have the stores opened now and not when the first question comes.

    Raises:
        IndexStaleError: They are others than the settings name.
        IndexDamagedError: A collection is gone, or passages are missing.
        StoreError: The server cannot be reached or refuses.
    """
    kind, mend = index.manifest.recipe.store, f"qa index copy --to {settings.store}"
    if kind != settings.store:
        raise IndexStaleError(
            f"the index in {settings.index} is in {kind}, not in {settings.store}", f'set store = "{kind}", or {mend}'
        )
    if kind == "milvus" and settings.milvus_bm25 and "words" not in index.manifest.collections:
        raise IndexStaleError(f"the words of the index in {settings.index} are not on the server", mend)
    held = len(index.store)
    if held != index.manifest.chunk_count:
        raise IndexDamagedError(
            f"the vector store of {index.folder} holds {held} of {index.manifest.chunk_count} passages", mend
        )
    _ = index.words


def _open_current(settings: Settings) -> Index:
    while True:
        folder = current_build(settings.index)
        try:
            return Index(folder, settings=settings)
        except IndexDamagedError:
            # Another build may have been published, and this one removed, since the name was read.
            if published_build(settings.index) == folder:
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
