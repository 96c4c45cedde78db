"""One build written: what changed is read, parted from its copies, chunked, embedded and indexed; the rest is shared.

The vectors, the texts and the segments of the lexical index of the build before are linked. Where too much of them
belongs to no article any more, everything is written anew from them, still without embedding anything again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.chunks import ChunkedArticle, chunk_article, embedding_text, sentence_texts
from qa.corpus import ChunkRecord, FileRecord, content_key
from qa.corpus_writer import CorpusWriter, Labelled
from qa.errors import BadFileError
from qa.index import (
    CHUNK_KEYS,
    CHUNK_VECTORS,
    CODE_TYPE,
    KEY_TYPE,
    LEXICAL_FOLDER,
    PIECE_CODES,
    SENTENCE_VECTORS,
    VECTOR_TYPE,
    Index,
    recipe_of,
)
from qa.lexical import LexicalDoc, LexicalIndex
from qa.manifest import SCHEMA, Manifest, checksums
from qa.parallel import Batch, batches_of, encoded
from qa.pieces import joined, sentence_counts
from qa.publish import TMP_PREFIX
from qa.reader import Reader
from qa.segments import SegmentWriter

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from qa.config import Settings
    from qa.hosting import Hosted
    from qa.types import Article, Codes, Encoded, Encoder, Vectors, VectorStore

#: Texts embedded at a time; the encoder batches inside.
EMBED_SLICE = 256

#: Share of dead rows from which an update writes everything anew: 0.7 ms of processor time a chunk (6,300 of them),
#: nothing embedded. It comes once in as many removals: each pays for four chunks, however large the archive is.
WASTE = 0.25

#: Up to so many passages the lexical index is made anew whenever one is removed: 0.9 s. In a larger one those removed
#: count in the statistics of words until they are this share of all. At every removal 100,000 passages would take 45 s
#: each time; this way it is 0.3 s for each article removed, on the average. With 1 % removed of 12,500, scores are
#: 0.4 % off on the average, and the first ten of 78 % of the questions are the same in the same order (eval/LOG.md).
LEXICAL_EXACT = 2000
LEXICAL_WASTE = 0.01

#: Called with the stage (``read``, ``embed``, ``write``), how much is done and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a build has to take up.

    Attributes:
        digest: Hash over path and bytes of every file, the unchanged ones too.
        files: Path and hash of every file that is new, changed or was bad.
        gone: Paths that are no longer there.
        alone: Articles in memory that are indexed as they are; then there are no files.
    """

    digest: str
    files: Sequence[tuple[str, str]] = ()
    gone: Sequence[str] = ()
    alone: Sequence[Article] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files or self.gone or self.alone)


@dataclass(frozen=True, slots=True)
class Written:
    """A finished build; ``embedded`` and ``copies`` count articles."""

    manifest: Manifest
    embedded: int
    copies: int


@dataclass(frozen=True, slots=True)
class _Totals:
    """Articles in all, chunks, sentences and pieces more than before, and the files that could not be read."""

    articles: int
    chunks: int
    sentences: int
    pieces: int
    bad: dict[str, str]


def write_build(
    folder: Path,
    settings: Settings,
    encoder: Encoder,
    changes: Changes,
    old: Index | None,
    progress: Progress,
    hosted: Hosted,
) -> Written:
    """Fill the folder of a build.

    Args:
        folder: Empty.
        settings: Articles folder and chunk size.
        encoder: Embeds what is new.
        changes: Against ``old``.
        old: The build before, made with the same encoder and settings; not changed. None: begin with nothing.
        progress: See `Progress`.
        hosted: Where the vectors go.
    """
    base = old if old is not None and old.waste() <= WASTE and not old.corpus.stray() else None
    corpus = CorpusWriter(folder, before=None if base is None else base.folder)
    bad: dict[str, str] = {}
    for path in changes.gone if base is not None else ():
        corpus.drop(path)
    for record in _records(settings, changes, old, everything=base is None):
        corpus.put(record)
        if record.reason is not None:
            bad[record.path] = record.reason
    numbers = [corpus.put_alone(article) for article in changes.alone] or corpus.settle()
    store = hosted.store(encoder.dim, base)
    store.remove(np.array(corpus.removed.keys, dtype=KEY_TYPE))
    rows = _Rows(folder, encoder, base, corpus, store)
    try:
        embedded = _index(rows, corpus, numbers, settings, encoder, old, progress)
    except BaseException:  # an encoder that fails, Ctrl-C: nobody will come back to these files
        rows.abandon()
        corpus.abandon()
        raise
    progress("write", 0, rows.chunk_count)
    rows.close()
    store.save(folder)
    store.close()
    _write_lexical(folder, base, corpus, numbers, corpus.relabel())
    words = hosted.words()
    if words is not None:
        words.add(_docs(corpus.labelled()))
        words.save()
    articles, copies = corpus.article_count(), corpus.copy_count()
    corpus.close()
    gone = corpus.removed
    totals = _Totals(
        articles,
        rows.chunk_count - len(gone.keys),
        rows.sentence_count - gone.sentences,
        rows.piece_count - gone.pieces,
        dict(sorted(bad.items())),
    )
    manifest = _manifest(folder, settings, encoder, changes, base, totals)
    manifest = replace(manifest, collections=hosted.collections)
    manifest.write(folder)
    progress("write", rows.chunk_count, rows.chunk_count)
    return Written(manifest, embedded, copies)


def _records(settings: Settings, changes: Changes, old: Index | None, *, everything: bool) -> Iterator[FileRecord]:
    """The files to take up: what has changed, and where everything is written anew the others as they were."""
    if old is not None and everything:
        touched = {*changes.gone, *(path for path, _ in changes.files)}
        same = (old.corpus.file(path) for path in old.corpus.hashes() if path not in touched)
        yield from (record for record in same if record is not None)
    with Reader() as reader:
        for path, sha256 in changes.files:
            yield read_file(settings, path, sha256, reader)


def read_file(settings: Settings, path: str, sha256: str, reader: Reader) -> FileRecord:
    """A file of the articles folder, parsed, or the reason why it is none."""
    try:
        article = reader.read(settings.articles / path, settings.articles, max_bytes=settings.max_file_mb * 2**20)
    except BadFileError as error:
        return FileRecord(path, sha256, None, error.message)
    return FileRecord(path, sha256, article, None)


@dataclass(frozen=True, slots=True)
class _Passages:
    """The chunks of one article, and the old build's records of them where their vectors can be taken from there."""

    number: int
    article: Article
    chunked: ChunkedArticle
    reused: tuple[ChunkRecord, ...]

    @property
    def texts(self) -> list[str]:
        """What is embedded for the chunks."""
        return [embedding_text(self.article, chunk) for chunk in self.chunked.chunks]

    @property
    def sentence_texts(self) -> list[str]:
        """What is embedded for the sentences of all chunks."""
        return list(chain.from_iterable(sentence_texts(self.article, self.chunked)))

    def piece_counts(self, places: Sequence[NDArray[np.int32]]) -> list[tuple[int, ...]]:
        """Of each chunk how many pieces lie before its sentences and in each, by where those of its text begin."""
        return [
            sentence_counts(own, len(text) - chunk.end, spans)
            for own, text, chunk, spans in zip(
                places, self.texts, self.chunked.chunks, self.chunked.sentences, strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """What is kept of an article's texts, ``(n, dim)`` and ``(pieces, piece_bytes)``; ``piece_counts`` by chunk."""

    chunks: Vectors
    sentences: Vectors
    codes: Codes
    piece_counts: Sequence[tuple[int, ...]]


class _Rows:
    """The rows of a build: the vectors and keys of its chunks, the vectors of their sentences, and who they are.

    Where the encoder gives any, the codes of the chunks' word pieces too.
    """

    def __init__(
        self, folder: Path, encoder: Encoder, base: Index | None, corpus: CorpusWriter, store: VectorStore
    ) -> None:
        def lane(name: str, dtype: DTypeLike, shape: tuple[int, ...]) -> SegmentWriter:
            return SegmentWriter(folder / name, dtype, shape, before=None if base is None else base.folder / name)

        self._chunks = lane(CHUNK_VECTORS, VECTOR_TYPE, (encoder.dim,))
        self._sentences = lane(SENTENCE_VECTORS, VECTOR_TYPE, (encoder.dim,))
        self._keys = lane(CHUNK_KEYS, KEY_TYPE, ())
        self._lanes = [self._chunks, self._sentences, self._keys]
        self._pieces = lane(PIECE_CODES, CODE_TYPE, (encoder.piece_bytes,)) if encoder.piece_bytes else None
        if self._pieces is not None:
            self._lanes.append(self._pieces)
        self._corpus, self._store = corpus, store
        self.chunk_count = self.sentence_count = self.piece_count = 0

    def add(self, batch: Sequence[_Passages], encoded: Sequence[_Encoded]) -> None:
        """Add articles with what is kept of their texts."""
        keys, kept = [], []
        for one, found in zip(batch, encoded, strict=True):
            chunks = one.chunked.chunks
            own = found.chunks.astype(VECTOR_TYPE)
            row, sentence_row = self._chunks.append(own), self._sentences.append(found.sentences)
            piece_row = self._pieces.append(found.codes) if self._pieces is not None else 0
            keys.append(np.array([chunk.key for chunk in chunks], dtype=KEY_TYPE))
            self._keys.append(keys[-1])
            kept.append(own)
            records = []
            for place, (chunk, spans) in enumerate(zip(chunks, one.chunked.sentences, strict=True)):
                counts = found.piece_counts[place] if self._pieces is not None else ()
                records.append(ChunkRecord(chunk, spans, row + place, sentence_row, piece_row, counts))
                sentence_row += len(spans)
                piece_row += sum(counts)
            self._corpus.index(one.number, records)
            self.chunk_count += len(chunks)
            self.sentence_count += len(found.sentences)
            self.piece_count += len(found.codes)
        if keys:
            # What is stored, not what was given: an update that takes it from there must add the same numbers.
            self._store.add(np.concatenate(keys), np.concatenate(kept).astype(np.float32))

    def close(self) -> None:
        """Finish the files."""
        for lane in self._lanes:
            lane.close()

    def abandon(self) -> None:
        """Let go of the files as they are: they are to be removed."""
        for lane in self._lanes:
            lane.abandon()


def _index(
    rows: _Rows,
    corpus: CorpusWriter,
    numbers: Sequence[int],
    settings: Settings,
    encoder: Encoder,
    old: Index | None,
    progress: Progress,
) -> int:
    """Chunk and embed these articles; gives how many had to be embedded."""
    embedded = done = 0
    for batch in _embedded(_batches(corpus, numbers, settings, old), encoder):
        rows.add(batch.passages, _by_article(batch, old))
        embedded += sum(1 for one in batch.passages if one.chunked.chunks and not one.reused)
        done += len(batch.passages)
        progress("embed", done, len(numbers))
    return embedded


def _batches(
    corpus: CorpusWriter, numbers: Sequence[int], settings: Settings, old: Index | None
) -> Iterator[list[_Passages]]:
    """Articles in their chunks, as many together as make `EMBED_SLICE` texts."""
    batch: list[_Passages] = []
    waiting = 0
    for number in numbers:
        one = _passages(number, corpus.article(number), settings.chunk_words, old)
        batch.append(one)
        waiting += sum(map(len, one.chunked.sentences)) + len(one.chunked.chunks)
        if waiting >= EMBED_SLICE or number == numbers[-1]:
            yield batch
            batch, waiting = [], 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Articles, and of those that had to be embedded what the encoder made of all chunks, then of all sentences."""

    passages: Sequence[_Passages]
    encoded: Encoded


def _embedded(batches: Iterator[list[_Passages]], encoder: Encoder) -> Iterator[_Batch]:
    """The batches with their vectors. Where several workers encode, later ones are under way meanwhile."""
    ahead: deque[tuple[list[_Passages], int]] = deque()

    def slices() -> Iterator[Batch]:
        for batch in batches:
            new = [one for one in batch if not one.reused]
            chunks = [text for one in new for text in one.texts]
            sentences = [text for one in new for text in one.sentence_texts]
            if encoder.piece_bytes:
                parts = batches_of(chunks, EMBED_SLICE, pieces=True) + batches_of(sentences, EMBED_SLICE)
            else:
                parts = batches_of(chunks + sentences, EMBED_SLICE)
            ahead.append((batch, len(parts)))
            yield from parts

    stream = encoded(encoder, slices())
    for first in stream:
        batch, count = ahead.popleft()
        yield _Batch(batch, joined([first, *islice(stream, count - 1)]))


def _passages(number: int, article: Article, chunk_words: int, old: Index | None) -> _Passages:
    reused: tuple[ChunkRecord, ...] = ()
    if old is not None and old.corpus.content(article.id) == content_key(article):
        reused = tuple(old.corpus.chunks_of(article.id))
    if reused:
        chunked = ChunkedArticle(tuple(r.chunk for r in reused), tuple(r.sentences for r in reused))
    else:
        chunked = chunk_article(article, max_words=chunk_words)
    return _Passages(number, article, chunked, reused)


def _by_article(batch: _Batch, old: Index | None) -> list[_Encoded]:
    """What is kept of each article: the old build's where it has it, what is new for the rest."""
    at, sentence_at = 0, sum(len(one.chunked.chunks) for one in batch.passages if not one.reused)
    vectors, pieces = batch.encoded.vectors, batch.encoded.pieces
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(pieces.counts)])
    found = []
    for one in batch.passages:
        if old is not None and one.reused:
            found.append(_kept(one.reused, old))
            continue
        end, sentence_end = at + len(one.chunked.chunks), sentence_at + sum(map(len, one.chunked.sentences))
        places = [pieces.places[starts[row] : starts[row + 1]] for row in range(at, end)]
        codes = pieces.codes[starts[at] : starts[end]]
        found.append(_Encoded(vectors[at:end], vectors[sentence_at:sentence_end], codes, one.piece_counts(places)))
        at, sentence_at = end, sentence_end
    return found


def _kept(records: Sequence[ChunkRecord], old: Index) -> _Encoded:
    """What the old build has of an article's chunks, of which there is one at least."""
    return _Encoded(
        np.concatenate([old.vector_of(record)[None] for record in records]),
        np.concatenate([old.sentence_vectors_of(record) for record in records]),
        old.pieces_of(records).codes,
        [record.piece_counts for record in records],
    )


def _write_lexical(
    folder: Path, base: Index | None, corpus: CorpusWriter, new: Sequence[int], relabelled: Sequence[int]
) -> None:
    gone = corpus.removed.keys + corpus.keys_of(relabelled)
    removed = len(gone) + (base.lexical.removed if base is not None else 0)
    bearable = LEXICAL_WASTE * len(base.lexical) if base is not None and len(base.lexical) > LEXICAL_EXACT else 0
    if base is None or removed > bearable:
        index, chunks = LexicalIndex.create(folder / LEXICAL_FOLDER), corpus.labelled()
    else:
        index = base.lexical.extend(folder / LEXICAL_FOLDER)
        chunks = corpus.labelled([*new, *relabelled])
        index.remove(gone)
    index.add(_docs(chunks))
    index.commit()


def _docs(chunks: Iterable[Labelled]) -> Iterator[LexicalDoc]:
    return (LexicalDoc(one.key, one.text, one.article.title or "", one.article.lang, one.codes) for one in chunks)


def _manifest(
    folder: Path, settings: Settings, encoder: Encoder, changes: Changes, base: Index | None, totals: _Totals
) -> Manifest:
    before = None if base is None else base.manifest
    known = before.files if before else {}
    return Manifest(
        schema=SCHEMA,
        build_id=folder.name.removeprefix(TMP_PREFIX),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe_of(settings, encoder),
        articles_folder=str(settings.articles.resolve()),
        articles_digest=changes.digest,
        article_count=totals.articles,
        chunk_count=(before.chunk_count if before else 0) + totals.chunks,
        sentence_count=(before.sentence_count if before else 0) + totals.sentences,
        piece_count=(before.piece_count if before else 0) + totals.pieces,
        bad_files=totals.bad,
        files=checksums(folder, before=None if base is None else base.folder, known=known),
    )
