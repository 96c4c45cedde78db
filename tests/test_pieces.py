"""The codes of word pieces in an index: of each chunk all of them, counted by the sentence that they lie in."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.build import build_index, index_articles
from qa.chunks import embedding_text
from qa.config import Settings
from qa.copying import copy_index
from qa.corpus import ChunkRecord
from qa.errors import IndexDamagedError, IndexStaleError
from qa.index import Index, load_index
from qa.pieces import NoPieces, joined, sentence_counts, without_pieces
from qa.types import Article, Span
from tests.fakes import PieceEncoder, WordEncoder, article

TEXT = (
    "Die Brücke am Hafen ist neu. Sie kostet 40 Millionen Euro.\n\n"
    "Was danach kommt\n\n"
    "Der Rat berät im Mai 😀 darüber. Niemand weiß mehr."
)
ARTICLES = [
    article(TEXT, name="a", title="Neue Brücke"),
    article("A short text. It ends here.", name="b", lang="en"),
    article("", name="empty"),
]


@pytest.fixture
def folders(tmp_path: Path) -> Settings:
    return Settings(articles=tmp_path / "articles", index=tmp_path / "index", chunk_words=12)


def chunks(index: Index) -> list[tuple[Article, ChunkRecord]]:
    return [(one, record) for one in index.corpus.articles() for record in index.corpus.chunks_of(one.id)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9))), st.lists(st.integers(0, 80)), st.integers(-3, 20))
def test_every_piece_belongs_to_the_sentence_that_it_begins_in(
    lengths: list[tuple[int, int]], begins: list[int], before: int
) -> None:
    spans, end = [], 3
    for gap, length in lengths:
        spans.append(Span(end + gap, end + gap + length))
        end += gap + length
    places = sorted(begins)
    counts = sentence_counts(np.array(places, np.int32), before, spans)
    assert len(counts) == len(spans) + 1
    assert sum(counts) == len(places)
    starts = [0, *np.cumsum(counts).tolist()]
    for number, (start, end) in enumerate(pairwise(starts)):
        first = spans[number - 1].start + before if number else -1
        following = spans[number].start + before if number < len(spans) else 1000
        assert all(first <= place < following for place in places[start:end])


@given(st.lists(st.lists(st.text("ab \n", max_size=9), max_size=4), min_size=1, max_size=4))
def test_parts_come_together_as_if_never_parted(parts: list[list[str]]) -> None:
    encoder = PieceEncoder(8)
    found = joined([encoder.encode_pieces(part) for part in parts])
    whole = encoder.encode_pieces([text for part in parts for text in part])
    for one, two in ((found.vectors, whole.vectors), (found.pieces.codes, whole.pieces.codes)):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(found.pieces.places, whole.pieces.places)
    np.testing.assert_array_equal(found.pieces.counts, whole.pieces.counts)
    some = joined([whole, without_pieces(whole.vectors, encoder.piece_bytes)])
    assert some.pieces.counts.tolist() == [*whole.pieces.counts.tolist(), *[0] * len(whole.vectors)]


def test_an_index_holds_the_pieces_of_its_chunks_by_sentence(folders: Settings) -> None:
    encoder = PieceEncoder()
    index = index_articles(folders, encoder, ARTICLES)
    records = chunks(index)
    assert len(records) > 2
    assert sorted(encoder.with_pieces) == sorted(embedding_text(one, record.chunk) for one, record in records)
    for one, record in records:
        title = (one.title or "").split()
        heading = one.text[record.chunk.start : record.sentences[0].start].split()
        sentences = [span.of(one.text).split() for span in record.sentences]
        assert record.piece_counts == (len(title) + len(heading), *map(len, sentences))
        expected = encoder.encode_pieces([embedding_text(one, record.chunk)]).pieces.codes
        np.testing.assert_array_equal(index.piece_codes(record.piece_row, record.pieces), expected)
    assert any(one.text[record.chunk.start : record.sentences[0].start] for one, record in records)
    assert index.manifest.piece_count == sum(record.pieces for _, record in records)
    assert (index.piece_bytes, index.waste()) == (4, 0.0)


def test_the_pieces_of_many_chunks_are_read_at_once(folders: Settings) -> None:
    index = index_articles(folders, PieceEncoder(), ARTICLES)
    records = [record for _, record in chunks(index)][::-1]
    ranked = index.chunks.read([record.chunk.key for record in records])
    for found in (index.pieces_of(records), index.pieces_of(ranked)):
        ends = [*found.starts[1:].tolist(), len(found.codes)]
        for record, start, end in zip(records, found.starts, ends, strict=True):
            own = index.piece_codes(record.piece_row, record.pieces)
            np.testing.assert_array_equal(found.codes[start:end], own)
    none = index.pieces_of([])
    assert (none.codes.shape, none.starts.shape) == ((0, 4), (0,))


def test_of_a_text_that_is_cut_off_the_last_sentences_have_no_pieces(folders: Settings) -> None:
    index = index_articles(replace(folders, chunk_words=100), PieceEncoder(longest=9), ARTICLES[:1])
    (first, second) = [record for _, record in chunks(index)]
    assert (first.piece_counts, second.piece_counts) == ((2, 6, 1), (5, 4, 0))
    assert first.pieces == second.pieces == len(index.piece_codes(first.piece_row, first.pieces))


def test_an_encoder_without_pieces_leaves_no_files(folders: Settings) -> None:
    index = index_articles(folders, WordEncoder(), ARTICLES)
    assert not (index.folder / "pieces").exists()
    assert (index.piece_bytes, index.manifest.piece_count) == (0, 0)
    records = [record for _, record in chunks(index)]
    assert {record.piece_counts for record in records} == {()}
    found = index.pieces_of(records)
    assert (found.codes.shape, found.starts.tolist()) == ((0, 0), [0] * len(records))
    with pytest.raises(ValueError, match="gives no codes"):
        NoPieces().encode_pieces(["a"])


def written(folders: Settings) -> None:
    folders.articles.mkdir()
    for one in ARTICLES[:2]:
        (folders.articles / one.path).write_text(one.text, encoding="utf-8")


def test_an_index_of_other_pieces_is_refused(folders: Settings) -> None:
    written(folders)
    build_index(folders, PieceEncoder())
    other = PieceEncoder(numbers=32)
    with pytest.raises(IndexStaleError, match="piece_bytes 4 → 8"):
        load_index(folders, other)
    build_index(folders, other)
    assert load_index(folders, other).piece_bytes == 8


def test_damaged_codes_are_one_line(folders: Settings) -> None:
    written(folders)
    build_index(folders, PieceEncoder())
    index = load_index(folders, PieceEncoder())
    (path,) = (index.folder / "pieces").iterdir()
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(IndexDamagedError, match=r"pieces/0+ is damaged .* qa build"):
        load_index(folders, PieceEncoder())
    path.write_bytes(data[:-1])
    with pytest.raises(IndexDamagedError, match=r"pieces/0+ cannot be read") as caught:
        Index(index.folder, check=False)
    assert "\n" not in str(caught.value)


def test_a_copy_has_the_same_pieces(folders: Settings) -> None:
    written(folders)
    build_index(folders, PieceEncoder())
    before = load_index(folders, PieceEncoder())
    copy_index(folders, "faiss")
    after = load_index(folders, PieceEncoder())
    assert after.id != before.id
    assert after.manifest.piece_count == before.manifest.piece_count > 0
    for (_, one), (_, two) in zip(chunks(before), chunks(after), strict=True):
        assert one == two
        np.testing.assert_array_equal(before.pieces_of([one]).codes, after.pieces_of([two]).codes)
