"""One build written: what changed is read, parted from its copies, chunked, embedded and indexed; the rest is shared.

The vectors, the texts and the segments of the lexical index of the build before are linked. Where too much of them
belongs to no article any more, everything is written anew from them, still without embedding anything again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.articles import read_article
from qa.chunks import ChunkedArticle, chunk_article, embedding_text, sentence_texts
from qa.corpus import ChunkRecord, FileRecord, content_key
from qa.corpus_writer import CorpusWriter, Labelled
from qa.errors import BadFileError
from qa.index import (
    CHUNK_KEYS,
    CHUNK_VECTORS,
    KEY_TYPE,
    LEXICAL_FOLDER,
    SENTENCE_VECTORS,
    VECTOR_TYPE,
    Index,
    recipe_of,
)
from qa.lexical import LexicalDoc, LexicalIndex
from qa.manifest import SCHEMA, Manifest, checksums
from qa.publish import TMP_PREFIX
from qa.segments import SegmentWriter

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from qa.config import Settings
    from qa.hosting import Hosted
    from qa.types import Article, Encoder, Vectors, VectorStore

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
    """Articles in all, chunks and sentences more than before, and the files that could not be read."""

    articles: int
    chunks: int
    sentences: int
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
    rows = _Rows(folder, encoder.dim, base, corpus, store)
    embedded = _index(rows, corpus, numbers, settings, encoder, old, progress)
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
    added = rows.chunk_count - len(corpus.removed.keys), rows.sentence_count - corpus.removed.sentences
    manifest = _manifest(folder, settings, encoder, changes, base, _Totals(articles, *added, dict(sorted(bad.items()))))
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
    for path, sha256 in changes.files:
        yield read_file(settings, path, sha256)


def read_file(settings: Settings, path: str, sha256: str) -> FileRecord:
    """A file of the articles folder, parsed, or the reason why it is none."""
    try:
        article = read_article(settings.articles / path, settings.articles, max_bytes=settings.max_file_mb * 2**20)
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
        """What is embedded: the chunks, then the sentences of each."""
        chunks = [embedding_text(self.article, chunk) for chunk in self.chunked.chunks]
        return chunks + list(chain.from_iterable(sentence_texts(self.article, self.chunked)))


class _Rows:
    """The rows of a build: the vectors and keys of its chunks, the vectors of their sentences, and who they are."""

    def __init__(self, folder: Path, dim: int, base: Index | None, corpus: CorpusWriter, store: VectorStore) -> None:
        def lane(name: str, dtype: DTypeLike, shape: tuple[int, ...]) -> SegmentWriter:
            return SegmentWriter(folder / name, dtype, shape, before=None if base is None else base.folder / name)

        self._chunks = lane(CHUNK_VECTORS, VECTOR_TYPE, (dim,))
        self._sentences = lane(SENTENCE_VECTORS, VECTOR_TYPE, (dim,))
        self._keys = lane(CHUNK_KEYS, KEY_TYPE, ())
        self._corpus, self._store = corpus, store
        self.chunk_count = self.sentence_count = 0

    def add(self, batch: Sequence[_Passages], vectors: Sequence[Vectors]) -> None:
        """Add articles with the vectors of their `_Passages.texts`."""
        keys, kept = [], []
        for one, rows in zip(batch, vectors, strict=True):
            chunks = one.chunked.chunks
            own = rows[: len(chunks)].astype(VECTOR_TYPE)
            row, sentence_row = self._chunks.append(own), self._sentences.append(rows[len(chunks) :])
            keys.append(np.array([chunk.key for chunk in chunks], dtype=KEY_TYPE))
            self._keys.append(keys[-1])
            kept.append(own)
            records = []
            for place, (chunk, spans) in enumerate(zip(chunks, one.chunked.sentences, strict=True)):
                records.append(ChunkRecord(chunk, spans, row + place, sentence_row))
                sentence_row += len(spans)
            self._corpus.index(one.number, records)
            self.chunk_count += len(chunks)
            self.sentence_count += len(rows) - len(chunks)
        if keys:
            # What is stored, not what was given: an update that takes it from there must add the same numbers.
            self._store.add(np.concatenate(keys), np.concatenate(kept).astype(np.float32))

    def close(self) -> None:
        """Finish the files."""
        for lane in (self._chunks, self._sentences, self._keys):
            lane.close()


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
    batch: list[_Passages] = []
    waiting = 0
    for number in numbers:
        one = _passages(number, corpus.article(number), settings.chunk_words, old)
        batch.append(one)
        waiting += sum(map(len, one.chunked.sentences)) + len(one.chunked.chunks)
        if waiting >= EMBED_SLICE or number == numbers[-1]:
            rows.add(batch, _vectors(batch, encoder, old))
            embedded += sum(1 for one in batch if one.chunked.chunks and not one.reused)
            done += len(batch)
            progress("embed", done, len(numbers))
            batch, waiting = [], 0
    return embedded


def _passages(number: int, article: Article, chunk_words: int, old: Index | None) -> _Passages:
    reused: tuple[ChunkRecord, ...] = ()
    if old is not None and old.corpus.content(article.id) == content_key(article):
        reused = tuple(old.corpus.chunks_of(article.id))
    if reused:
        chunked = ChunkedArticle(tuple(r.chunk for r in reused), tuple(r.sentences for r in reused))
    else:
        chunked = chunk_article(article, max_words=chunk_words)
    return _Passages(number, article, chunked, reused)


def _vectors(batch: Sequence[_Passages], encoder: Encoder, old: Index | None) -> list[Vectors]:
    """The vectors of the texts of each article: the old build's where it has them, the encoder's for the rest."""
    texts = [text for one in batch if not one.reused for text in one.texts]
    slices = (texts[start : start + EMBED_SLICE] for start in range(0, len(texts), EMBED_SLICE))
    new = [np.empty((0, encoder.dim), dtype=np.float32), *map(encoder.encode_passages, slices)]
    embedded, at = np.concatenate(new), 0
    vectors = []
    for one in batch:
        if old is not None and one.reused:
            chunks = [old.vector_of(record)[None] for record in one.reused]
            vectors.append(np.concatenate([*chunks, *map(old.sentence_vectors_of, one.reused)]))
        else:
            count = len(one.chunked.chunks) + sum(map(len, one.chunked.sentences))
            vectors.append(embedded[at : at + count])
            at += count
    return vectors


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
        bad_files=totals.bad,
        files=checksums(folder, before=None if base is None else base.folder, known=known),
    )
