"""Building the index of an archive for `eval.bench`, stage by stage, each with its time.

The same steps as `qa.ingest`, parted so that each can be timed alone. Vectors are looked up (`eval.vectors`), so what
embedding takes is measured elsewhere, on a sample.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eval.archive import articles, paragraphs, read_material
from eval.vectors import CachedEncoder, Composer
from qa.chunks import ChunkedArticle, chunk_article, embedding_text, sentence_texts
from qa.config import Settings
from qa.corpus import ChunkRecord
from qa.corpus_writer import CorpusWriter
from qa.dense import new_store
from qa.embed import load_encoder
from qa.index import (
    CHUNK_KEYS,
    CHUNK_VECTORS,
    CODE_TYPE,
    KEY_TYPE,
    LEXICAL_FOLDER,
    PIECE_CODES,
    SENTENCE_VECTORS,
    VECTOR_TYPE,
    recipe_of,
)
from qa.lexical import LexicalDoc, LexicalIndex
from qa.manifest import SCHEMA, Manifest, checksums
from qa.pieces import sentence_counts
from qa.segments import SegmentWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qa.types import Article, Chunk, Codes, Span, Vectors

#: Passages that the composer is fitted to.
FITTED = 12_000

#: Archives up to so many chunks are embedded, each text once; in larger ones, chunks that were not are made up.
EMBEDDED_UP_TO = 10_000

#: Archives of more chunks have no vectors of sentences (five a chunk) and no codes of pieces, and so no evidence.
SENTENCES_UP_TO = 200_000

#: Articles handled at once: bounds the memory.
SLICE = 500


@dataclass(slots=True)
class Built:
    """What building an archive took: seconds by stage, and what came of it."""

    chunks: int = 0
    sentences: int = 0
    pieces: int = 0
    articles: int = 0
    composed: int = 0
    peak_mb: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what the block takes to a stage."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Texts:
    """An article with what is embedded for its chunks and for the sentences of each."""

    article: Article
    chunked: ChunkedArticle

    @property
    def chunks(self) -> list[str]:
        return [embedding_text(self.article, chunk) for chunk in self.chunked.chunks]

    @property
    def sentences(self) -> list[list[str]]:
        return sentence_texts(self.article, self.chunked)


def fit_composer(encoder: CachedEncoder, archive: Iterable[Article], chunk_words: int) -> Composer:
    """A composer from the first `FITTED` passages that were embedded, as were all their sentences."""
    means: list[Vectors] = []
    texts: list[str] = []
    for article in archive:
        one = _Texts(article, chunk_article(article, max_words=chunk_words))
        for text, sentences in zip(one.chunks, one.sentences, strict=True):
            if encoder.knows(text) and all(map(encoder.knows, sentences)):
                texts.append(text)
                means.append(Composer.mean(sentences, encoder.encode_passages(sentences)))
        if len(texts) >= FITTED:
            break
    return Composer(np.stack(means), encoder.encode_passages(texts))


def build(
    folder: Path,
    archive: Iterator[Article],
    count: int,
    encoder: CachedEncoder,
    composer: Composer | None,
    *,
    with_sentences: bool,
) -> Built:
    """Build the index of the articles that have at least ``count`` chunks together, in a new folder.

    Args:
        folder: Is made.
        archive: In their order; more than are needed.
        count: How many chunks are wanted.
        encoder: Gives the vectors of sentences and, without a composer, of chunks.
        composer: Makes up the vectors of chunks that the encoder has not embedded before.
        with_sentences: False leaves the vectors of sentences and the codes of pieces out, and with them the evidence.
    """
    built, settings = Built(), Settings()
    folder.mkdir(parents=True)
    corpus, lexical = CorpusWriter(folder), LexicalIndex.create(folder / LEXICAL_FOLDER)
    lanes = [
        SegmentWriter(folder / name, kind, shape)
        for name, kind, shape in (
            (CHUNK_VECTORS, VECTOR_TYPE, (encoder.dim,)),
            (SENTENCE_VECTORS, VECTOR_TYPE, (encoder.dim,)),
            (CHUNK_KEYS, KEY_TYPE, ()),
            (PIECE_CODES, CODE_TYPE, (encoder.piece_bytes,)),
        )
    ]
    store = new_store("faiss", encoder.dim)
    while built.chunks < count:
        part = list(islice(archive, SLICE))
        with built.timed("chunk"):
            texts = [_Texts(one, chunk_article(one, max_words=settings.chunk_words)) for one in part]
        texts = list(_until(texts, count - built.chunks))
        with built.timed("look up"):
            vectors = _vectors(texts, encoder, composer, built)
            sentences = _sentence_vectors(texts, encoder) if with_sentences else None
            pieces = _pieces(texts, encoder) if with_sentences and encoder.piece_bytes else None
        _write(texts, vectors, sentences, pieces, corpus, lanes, built)
        keys = np.array([chunk.key for one in texts for chunk in one.chunked.chunks], KEY_TYPE)
        with built.timed("dense"):
            store.add(keys, vectors.astype(VECTOR_TYPE).astype(np.float32))
    _finish(corpus, lexical, lanes, built)
    with built.timed("dense"):
        store.save(folder)
    _manifest(folder, settings, encoder, built)
    return built


def _until(texts: Sequence[_Texts], count: int) -> Iterator[_Texts]:
    """The articles up to so many chunks."""
    for one in texts:
        if count <= 0:
            return
        count -= len(one.chunked.chunks)
        yield one


def _vectors(texts: Sequence[_Texts], encoder: CachedEncoder, composer: Composer | None, built: Built) -> Vectors:
    """The vectors of the chunks: those that are known, and the rest made up."""
    chunks = [text for one in texts for text in one.chunks]
    if composer is None:
        return encoder.encode_passages(chunks)
    groups = [group for one in texts for group in one.sentences]
    rows = np.empty((len(chunks), encoder.dim), np.float32)
    known = np.array([encoder.knows(text) for text in chunks])
    rows[known] = encoder.encode_passages([chunks[at] for at in np.flatnonzero(known)])
    unknown = np.flatnonzero(~known)
    if len(unknown):
        flat = [text for at in unknown for text in groups[at]]
        vectors, start, means = encoder.encode_passages(flat), 0, []
        for at in unknown:
            means.append(Composer.mean(groups[at], vectors[start : start + len(groups[at])]))
            start += len(groups[at])
        rows[unknown] = composer.compose(np.stack(means), [chunks[at] for at in unknown])
    built.composed += len(unknown)
    return rows


def _sentence_vectors(texts: Sequence[_Texts], encoder: CachedEncoder) -> Vectors:
    return encoder.encode_passages([sentence for one in texts for group in one.sentences for sentence in group])


@dataclass(frozen=True, slots=True)
class _ChunkPieces:
    """The codes of a chunk's pieces, and how many lie before its sentences and in each."""

    codes: Codes
    counts: tuple[int, ...]


def _pieces(texts: Sequence[_Texts], encoder: CachedEncoder) -> list[list[_ChunkPieces]]:
    """The pieces of each chunk of each article: its own where it was embedded, else those of its sentences."""
    return [
        [
            _pieces_of(text, chunk, spans, group, encoder)
            for text, chunk, spans, group in zip(
                one.chunks, one.chunked.chunks, one.chunked.sentences, one.sentences, strict=True
            )
        ]
        for one in texts
    ]


def _pieces_of(
    text: str, chunk: Chunk, spans: Sequence[Span], sentences: Sequence[str], encoder: CachedEncoder
) -> _ChunkPieces:
    if encoder.knows(text):
        own = encoder.encode_pieces([text]).pieces
        return _ChunkPieces(own.codes, sentence_counts(own.places, len(text) - chunk.end, spans))
    made_up = encoder.encode_pieces(sentences).pieces
    return _ChunkPieces(made_up.codes, (0, *made_up.counts.tolist()))


def _write(
    texts: Sequence[_Texts],
    vectors: Vectors,
    sentences: Vectors | None,
    pieces: Sequence[Sequence[_ChunkPieces]] | None,
    corpus: CorpusWriter,
    lanes: Sequence[SegmentWriter],
    built: Built,
) -> None:
    with built.timed("corpus"):
        chunk_lane, sentence_lane, key_lane, piece_lane = lanes
        at = sentence_at = 0
        for number, one in enumerate(texts):
            chunks, spans = one.chunked.chunks, one.chunked.sentences
            size, sentence_count = len(chunks), sum(map(len, spans))
            row = chunk_lane.append(vectors[at : at + size])
            own = sentences[sentence_at : sentence_at + sentence_count] if sentences is not None else None
            sentence_row = sentence_lane.append(own) if own is not None else 0
            key_lane.append(np.array([chunk.key for chunk in chunks], KEY_TYPE))
            found = pieces[number] if pieces is not None else []
            piece_row = piece_lane.append(np.concatenate([chunk.codes for chunk in found])) if found else 0
            records = []
            for place, (chunk, group) in enumerate(zip(chunks, spans, strict=True)):
                counts = found[place].counts if found else ()
                records.append(ChunkRecord(chunk, group, row + place, sentence_row, piece_row, counts))
                sentence_row += len(group)
                piece_row += sum(counts)
                built.pieces += sum(counts)
            corpus.index(corpus.put_alone(one.article), records)
            at, sentence_at = at + size, sentence_at + sentence_count
        built.articles += len(texts)
        built.chunks += at
        built.sentences += sentence_at if sentences is not None else 0


def _finish(corpus: CorpusWriter, lexical: LexicalIndex, lanes: Sequence[SegmentWriter], built: Built) -> None:
    with built.timed("corpus"):
        for lane in lanes:
            lane.close()
        corpus.relabel()
    with built.timed("words"):
        lexical.add(
            LexicalDoc(one.key, one.text, one.article.title or "", one.article.lang, one.codes)
            for one in corpus.labelled()
        )
        lexical.commit()
    with built.timed("corpus"):
        corpus.close()


def _manifest(folder: Path, settings: Settings, encoder: CachedEncoder, built: Built) -> None:
    with built.timed("checksums"):
        files = checksums(folder)
    Manifest(
        schema=SCHEMA,
        build_id=folder.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe_of(settings, encoder),
        articles_folder="",
        articles_digest="",
        article_count=built.articles,
        chunk_count=built.chunks,
        sentence_count=built.sentences,
        piece_count=built.pieces,
        bad_files={},
        files=files,
    ).write(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build one archive: what `eval.bench` starts as a process of its own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("count", type=int, help="chunks")
    parser.add_argument("folder", type=Path, help="of the new index; its times are written beside it")
    parser.add_argument("--vectors", type=Path, required=True, help="folder of vectors embedded before")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and dev/")
    options = parser.parse_args(arguments)
    encoder, material = CachedEncoder(load_encoder(), options.vectors), read_material(options.data / "train")
    made_up = options.count > EMBEDDED_UP_TO
    composer = fit_composer(encoder, articles(material), Settings().chunk_words) if made_up else None
    archive = chain(paragraphs(options.data / "dev"), articles(material))
    shutil.rmtree(options.folder, ignore_errors=True)
    with_sentences = options.count <= SENTENCES_UP_TO
    built = build(options.folder, archive, options.count, encoder, composer, with_sentences=with_sentences)
    built.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    built.write(options.folder.with_suffix(".json"))


if __name__ == "__main__":
    main()
