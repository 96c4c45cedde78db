"""Building the index from a folder of articles, or bringing it up to date.

Work grows with what changed: a file whose bytes are known is not parsed again, and an article whose title and text
are known is not embedded again. Everything else is written anew in the order of the paths, so that an updated index
equals one that was built from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.articles import Listing, Skipped, list_files
from qa.chunks import ChunkedArticle, chunk_article, embedding_text, sentence_texts
from qa.corpus import ChunkRecord, FileRecord, content_key, write_corpus
from qa.dense import new_store
from qa.duplicates import merge_duplicates
from qa.errors import BadFileError, IndexDamagedError, IndexMissingError, IndexStaleError
from qa.index import (
    CHUNK_KEYS,
    CHUNK_VECTORS,
    LEXICAL_FOLDER,
    SENTENCE_VECTORS,
    STORE,
    Index,
    articles_digest,
    digest_of,
    load_index,
    load_vectors,
    recipe_of,
    sha256_or_reason,
)
from qa.lexical import LexicalDoc, LexicalIndex
from qa.manifest import SCHEMA, Manifest, Recipe, checksums
from qa.only import codes_of, outlet_names, outlet_numbers
from qa.parallel import encoded
from qa.publish import build_lock, prune, publishing
from qa.reader import Reader

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.types import Article, Encoder

#: Texts embedded between two reports of progress, and what a worker encodes at once; the encoder batches inside.
EMBED_SLICE = 256

#: Earlier builds that stay beside the published one, for readers that opened them and for going back.
KEEP_BUILDS = 1

#: Called with the stage (``read``, ``embed``, ``write``), how much is done and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """What a build did. ``embedded`` counts articles; ``built`` is False when the index was already up to date."""

    manifest: Manifest
    folder: Path
    built: bool
    embedded: int
    duplicates: int
    bad: tuple[Skipped, ...]
    skipped: tuple[Skipped, ...]


def build_index(
    settings: Settings,
    encoder: Encoder,
    *,
    fresh: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
    waiting: Callable[[], None] = lambda: None,
) -> BuildSummary:
    """Bring the index up to date with the articles folder and publish it.

    Args:
        settings: Folders and chunk size.
        encoder: Embeds what is new.
        fresh: Reuse nothing of the published index.
        progress: See `Progress`.
        waiting: Called once if another build is under way.

    Raises:
        ArticlesError: The articles folder cannot be used.
        IndexBusyError: Another build does not end.
        QAError: The index cannot be written.
    """
    listing = list_files(settings.articles)
    with build_lock(settings.index, waiting=waiting):
        old = None if fresh else _reusable(settings, encoder)
        files = _read_files(settings, listing, old, progress)
        digest = digest_of((record.path, record.sha256) for record in files)
        read = [record.article for record in files if record.article is not None]
        articles = merge_duplicates(read)
        bad = tuple(Skipped(record.path, record.reason) for record in files if record.reason is not None)
        rest = (len(read) - len(articles), bad, listing.skipped)
        if old is not None and old.manifest.articles_digest == digest and old.manifest.bad_files == _reasons(files):
            return BuildSummary(old.manifest, old.folder, False, 0, *rest)
        plan = _plan(articles, settings.chunk_words, old)
        manifest = _publish(settings, encoder, _Inputs(files, digest, plan, old), progress)
    return BuildSummary(manifest, settings.index / manifest.build_id, True, plan.embedded, *rest)


def index_articles(
    settings: Settings,
    encoder: Encoder,
    articles: Sequence[Article],
    *,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Index:
    """Publish an index of articles that are in memory, and open it: for question sets that bring their own texts.

    Args:
        settings: Where it is published, and the chunk size.
        encoder: Embeds all of them.
        articles: With unique ids; indexed as they are, copies not merged.
        progress: See `Progress`.

    Raises:
        IndexBusyError, QAError: As `build_index`.
    """
    digest = digest_of((article.path, article.sha256) for article in articles)
    with build_lock(settings.index):
        plan = _plan(articles, settings.chunk_words, None)
        _publish(settings, encoder, _Inputs((), digest, plan, None), progress)
    return load_index(settings, encoder)


@dataclass(frozen=True, slots=True)
class _Inputs:
    files: Sequence[FileRecord]
    digest: str
    plan: _BuildPlan
    old: Index | None


def _publish(settings: Settings, encoder: Encoder, inputs: _Inputs, progress: Progress) -> Manifest:
    build_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{inputs.digest[:8]}"
    with publishing(settings.index, build_id) as folder:
        _embed(folder, inputs.plan, inputs.old, encoder, progress)
        _write(folder, inputs.plan, inputs.files, progress)
        manifest = _manifest(folder, build_id, settings, recipe_of(settings, encoder), inputs)
        manifest.write(folder)
    prune(settings.index, KEEP_BUILDS)
    return manifest


def ensure_index(
    settings: Settings,
    encoder: Encoder,
    *,
    build: bool = True,
    starting: Callable[[str], None] = lambda _reason: None,
    progress: Progress = lambda _stage, _done, _total: None,
    waiting: Callable[[], None] = lambda: None,
) -> Index:
    """The index of the articles as they are now, built first where there is none or they have changed.

    Args:
        settings: Folders and chunk size.
        encoder: Embeds what is new, and must be the one of the index.
        build: False refuses instead of building.
        starting: Called with the reason before a build.
        progress: See `Progress`.
        waiting: Called once if another build is under way.

    Raises:
        IndexMissingError, IndexStaleError, IndexDamagedError: A build is needed and ``build`` is False.
        QAError: As `build_index`.
    """
    try:
        return _current_index(settings, encoder)
    except (IndexMissingError, IndexStaleError, IndexDamagedError) as error:
        if not build:
            raise
        starting(error.message)
    build_index(settings, encoder, progress=progress, waiting=waiting)
    return load_index(settings, encoder)


def _current_index(settings: Settings, encoder: Encoder) -> Index:
    listing = list_files(settings.articles)
    index = load_index(settings, encoder)
    if index.manifest.articles_digest != articles_digest(settings.articles, listing):
        raise IndexStaleError(f"the articles in {settings.articles} have changed since the index was built", "qa build")
    return index


def _reusable(settings: Settings, encoder: Encoder) -> Index | None:
    """The published index, if vectors and parsed files can be taken from it."""
    try:
        return load_index(settings, encoder)
    except (IndexMissingError, IndexStaleError, IndexDamagedError):
        return None


def _read_files(settings: Settings, listing: Listing, old: Index | None, progress: Progress) -> list[FileRecord]:
    known = old.corpus.files() if old is not None else {}
    limit = settings.max_file_mb * 2**20
    records = []
    with Reader() as reader:
        for done, path in enumerate(listing.files, start=1):
            name = path.relative_to(settings.articles).as_posix()
            sha256 = sha256_or_reason(path)
            record = known.get(name)
            if record is None or record.sha256 != sha256 or record.reason is not None:
                # A bad file is tried again: the limit or the permission may be what has changed.
                record = _read_file(reader, path, settings.articles, name, sha256, limit)
            records.append(record)
            progress("read", done, len(listing.files))
    return records


def _read_file(reader: Reader, path: Path, root: Path, name: str, sha256: str, limit: int) -> FileRecord:
    try:
        return FileRecord(name, sha256, reader.read(path, root, max_bytes=limit), None)
    except BadFileError as error:
        return FileRecord(name, sha256, None, error.message)


@dataclass(frozen=True, slots=True)
class _Passages:
    """The chunks of one article, and the old build's records of the same chunks where they can be reused."""

    article: Article
    chunked: ChunkedArticle
    records: tuple[ChunkRecord, ...]
    reused: tuple[ChunkRecord, ...]


@dataclass(frozen=True, slots=True)
class _BuildPlan:
    """What the new build holds, row numbers assigned."""

    passages: tuple[_Passages, ...]
    chunk_count: int
    sentence_count: int

    @property
    def embedded(self) -> int:
        """How many articles have to be embedded."""
        return sum(1 for one in self.passages if one.records and not one.reused)

    @property
    def records(self) -> Iterator[ChunkRecord]:
        """All chunks in row order."""
        return (record for one in self.passages for record in one.records)


def _plan(articles: Sequence[Article], chunk_words: int, old: Index | None) -> _BuildPlan:
    known = old.corpus.contents() if old is not None else {}
    passages: list[_Passages] = []
    row = sentence_row = 0
    for article in articles:
        reused: tuple[ChunkRecord, ...] = ()
        if old is not None and known.get(article.id) == content_key(article):
            reused = tuple(old.corpus.chunks_of(article.id))
        if reused:
            chunked = ChunkedArticle(tuple(r.chunk for r in reused), tuple(r.sentences for r in reused))
        else:
            chunked = chunk_article(article, max_words=chunk_words)
        records = []
        for chunk, spans in zip(chunked.chunks, chunked.sentences, strict=True):
            records.append(ChunkRecord(chunk, spans, row, sentence_row))
            row += 1
            sentence_row += len(spans)
        passages.append(_Passages(article, chunked, tuple(records), reused))
    return _BuildPlan(tuple(passages), row, sentence_row)


def _embed(folder: Path, plan: _BuildPlan, old: Index | None, encoder: Encoder, progress: Progress) -> None:
    """Write both vector files: rows of the old build where they can be reused, the encoder's for the rest."""
    chunk_rows = _vector_file(folder / CHUNK_VECTORS, plan.chunk_count, encoder.dim)
    sentence_rows = _vector_file(folder / SENTENCE_VECTORS, plan.sentence_count, encoder.dim)
    work: list[_Row] = []
    for one in plan.passages:
        if old is not None and one.reused:
            for record, before in zip(one.records, one.reused, strict=True):
                chunk_rows[record.row] = old.vector_of(before)
                end = record.sentence_row + len(record.sentences)
                sentence_rows[record.sentence_row : end] = old.sentence_vectors_of(before)
            continue
        for record, texts in zip(one.records, sentence_texts(one.article, one.chunked), strict=True):
            work.append(_Row(chunk_rows, record.row, embedding_text(one.article, record.chunk)))
            work.extend(_Row(sentence_rows, record.sentence_row + n, text) for n, text in enumerate(texts))
    parts = [work[start : start + EMBED_SLICE] for start in range(0, len(work), EMBED_SLICE)]
    done = 0
    for part, vectors in zip(parts, encoded(encoder, ([row.text for row in part] for part in parts)), strict=True):
        for target, vector in zip(part, vectors, strict=True):
            target.vectors[target.row] = vector
        done += len(part)
        progress("embed", done, len(work))
    chunk_rows.flush()
    sentence_rows.flush()


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a vector file and the text whose vector goes there."""

    vectors: np.memmap[tuple[int, int], np.dtype[np.float16]]
    row: int
    text: str


def _write(folder: Path, plan: _BuildPlan, files: Sequence[FileRecord], progress: Progress) -> None:
    """Write the corpus and both search structures."""
    total = plan.chunk_count
    write_corpus(folder, files, [one.article for one in plan.passages], plan.records)
    progress("write", 0, total)
    keys = np.fromiter((record.chunk.key for record in plan.records), dtype=np.int64, count=total)
    np.save(folder / CHUNK_KEYS, keys)
    vectors = load_vectors(folder / CHUNK_VECTORS)
    store = new_store(STORE, vectors.shape[1])
    for start in range(0, total, EMBED_SLICE):
        end = start + EMBED_SLICE
        store.add(keys[start:end], vectors[start:end].astype(np.float32))
    store.save(folder)
    lexical = LexicalIndex.create(folder / LEXICAL_FOLDER)
    outlets = outlet_numbers(outlet_names(one.article for one in plan.passages))
    lexical.add(
        LexicalDoc(record.chunk.key, record.chunk.text, one.article.title or "", one.article.lang, codes)
        for one in plan.passages
        for codes in (codes_of(one.article, outlets),)
        for record in one.records
    )
    lexical.commit()
    progress("write", total, total)


def _manifest(folder: Path, build_id: str, settings: Settings, recipe: Recipe, inputs: _Inputs) -> Manifest:
    return Manifest(
        schema=SCHEMA,
        build_id=build_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe,
        articles_folder=str(settings.articles.resolve()),
        articles_digest=inputs.digest,
        article_count=len(inputs.plan.passages),
        chunk_count=inputs.plan.chunk_count,
        sentence_count=inputs.plan.sentence_count,
        bad_files=_reasons(inputs.files),
        files=checksums(folder),
    )


def _reasons(files: Sequence[FileRecord]) -> dict[str, str]:
    return {record.path: record.reason for record in files if record.reason is not None}


def _vector_file(path: Path, rows: int, dim: int) -> np.memmap[tuple[int, int], np.dtype[np.float16]]:
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(rows, dim))
