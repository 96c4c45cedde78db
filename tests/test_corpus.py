from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from qa.chunks import chunk_article
from qa.corpus import ChunkRecord, Corpus, FileRecord, content_key
from qa.corpus_writer import CorpusWriter
from qa.errors import IndexDamagedError
from qa.only import CodeRange, ranges_of
from qa.text import content_words
from qa.types import Only, Source
from tests.fakes import article, corpus_of

ONE = replace(
    article("Erster Satz. Zweiter Satz 😀 mit Bild. Dritter Satz.", title="Eins"),
    published="2024-10-24",
)
COPY = replace(article(ONE.text.upper(), name="copy"), outlet="Agentur")
SOURCE = Source("copy.md", outlet="Agentur")
TWO = article("A sentence. Another one.", name="b", lang="en")


def records() -> list[ChunkRecord]:
    found, row, sentence_row, piece_row = [], 0, 0, 0
    for source in (ONE, TWO):
        chunked = chunk_article(source, max_words=20)
        for chunk, spans in zip(chunked.chunks, chunked.sentences, strict=True):
            counts = tuple(range(len(spans) + 1))
            found.append(ChunkRecord(chunk, spans, row, sentence_row, piece_row, counts))
            row, sentence_row, piece_row = row + 1, sentence_row + len(spans), piece_row + sum(counts)
    return found


FILES = [
    FileRecord("a.md", "h1", ONE, None),
    FileRecord("b.md", "h2", TWO, None),
    FileRecord("c.pdf", "h3", None, "encrypted"),
    FileRecord("copy.md", "h4", COPY, None),
]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    write(tmp_path)
    return Corpus(tmp_path)


def write(folder: Path) -> None:
    writer = CorpusWriter(folder)
    for file in FILES:
        writer.put(file)
    for number in writer.settle():
        name = writer.article(number).id
        writer.index(number, [one for one in records() if one.chunk.article_id == name])
    assert writer.relabel() == []
    writer.close()


def test_everything_comes_back_as_it_was(corpus: Corpus) -> None:
    assert list(corpus.articles()) == [replace(ONE, also=(SOURCE,)), TWO]
    assert corpus.article(TWO.id) == TWO
    assert corpus.article("none") is None
    assert list(corpus.files().values()) == FILES
    assert corpus.chunks([r.chunk.key for r in records()]) == {r.chunk.key: r for r in records()}
    assert corpus.chunks_of(ONE.id) == [r for r in records() if r.chunk.article_id == ONE.id]
    assert [corpus.content(one.id) for one in (ONE, TWO, COPY)] == [content_key(ONE), content_key(TWO), None]
    assert [corpus.file(file.path) for file in FILES] == FILES
    assert corpus.file("none") is None
    assert corpus.hashes() == {"a.md": "h1", "b.md": "h2", "copy.md": "h4"}
    assert (corpus.article_count(), corpus.copy_count(), corpus.dead_text()) == (2, 1, 0.0)


def test_chunks_are_slices_in_code_points(corpus: Corpus) -> None:
    for record in corpus.chunks_of(ONE.id):
        assert ONE.text[record.chunk.start : record.chunk.end] == record.chunk.text
    assert "😀" in corpus.chunks_of(ONE.id)[0].chunk.text


def test_articles_are_read_together(corpus: Corpus) -> None:
    found = corpus.articles_of([ONE.id, TWO.id, COPY.id, "none"])
    assert found == {ONE.id: replace(ONE, also=(SOURCE,)), TWO.id: TWO}
    assert corpus.articles_of([]) == {}


def test_words_are_those_of_the_text_in_its_language(corpus: Corpus) -> None:
    keys = [record.chunk.key for record in records()]
    found = corpus.words_of([*keys, 12345])
    assert [*found] == sorted(keys)
    for record in records():
        own = found[record.chunk.key]
        lang = ONE.lang if record.chunk.article_id == ONE.id else TWO.lang
        assert (own.key, own.row, own.lang) == (record.chunk.key, record.row, lang)
        assert (own.sentence_row, own.sentences) == (record.sentence_row, len(record.sentences))
        assert (own.piece_row, own.pieces) == (record.piece_row, sum(record.piece_counts))
        assert corpus.word_list.words(own.words) == list(dict.fromkeys(content_words(record.chunk.text, lang)))
    assert corpus.words_of([]) == {}


def test_a_chunk_may_have_no_words(tmp_path: Path) -> None:
    one = article("Und sie? Er auch.", name="few")
    chunked = chunk_article(one, max_words=20)
    writer = CorpusWriter(tmp_path)
    writer.index(writer.put_alone(one), [ChunkRecord(chunked.chunks[0], chunked.sentences[0], 0, 0)])
    writer.close()
    key = chunked.chunks[0].key
    assert Corpus(tmp_path).words_of([key])[key].words.tolist() == []


def test_unknown_keys_are_left_out(corpus: Corpus) -> None:
    assert corpus.chunks([]) == {}
    assert corpus.chunks([12345]) == {}


def test_the_same_content_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    assert (tmp_path / "x" / "corpus.db").read_bytes() == (tmp_path / "y" / "corpus.db").read_bytes()


def test_reading_leaves_no_files_behind(corpus: Corpus, tmp_path: Path) -> None:
    list(corpus.articles())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.db", "texts", "word_list", "words"]


def test_many_threads_read_at_once(corpus: Corpus) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: corpus.article(TWO.id), range(200))) == {TWO}


def test_a_key_used_twice_is_refused(tmp_path: Path) -> None:
    writer = CorpusWriter(tmp_path)
    with pytest.raises(sqlite3.IntegrityError):
        writer.index(writer.put_alone(ONE), [records()[0], records()[0]])
    writer.close()


@pytest.mark.parametrize("content", [None, b"", b"not a database"])
def test_a_missing_or_broken_file_is_damage(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "corpus.db").write_bytes(content)
    with pytest.raises(IndexDamagedError, match="qa build"):
        Corpus(tmp_path)


def test_the_rows_of_a_publication_are_those_of_its_article(corpus: Corpus) -> None:
    rows = {one.id: [r.row for r in records() if r.chunk.article_id == one.id] for one in (ONE, TWO)}
    assert corpus.outlets() == ("Agentur",)
    assert corpus.days() == ("2024-10-24",)
    everything = CodeRange(0, 9 * 10**17)
    assert corpus.rows_of([everything]).tolist() == rows[ONE.id]  # the other says nothing of its publication
    assert corpus.rows_of([everything, everything]).tolist() == rows[ONE.id]
    for only in (Only("2024-10", "2024-10"), Only(outlets=("Agentur",))):
        assert corpus.rows_of(ranges_of(only, corpus.outlet_numbers())).tolist() == rows[ONE.id]
    # The day is that of one publication, the outlet that of the other.
    for only in (Only("2024-11"), Only("2024", None, ("Agentur",))):
        assert corpus.rows_of(ranges_of(only, corpus.outlet_numbers())).tolist() == []
    assert corpus.rows_of([]).tolist() == []


def test_dates_are_looked_up_not_read_through(corpus: Corpus) -> None:
    plan = corpus._rows("EXPLAIN QUERY PLAN SELECT DISTINCT row, end_row FROM publications WHERE code BETWEEN 1 AND 2")
    assert "SEARCH publications USING PRIMARY KEY" in plan[0][3]


def dated(folder: Path, *dates: str | None, title: str | None = "T") -> Corpus:
    folder.mkdir(exist_ok=True)
    articles = [replace(article("Text.", name=f"n{n}", title=title), published=date) for n, date in enumerate(dates)]
    return corpus_of(folder, articles)


def test_articles_come_newest_first_and_undated_last(tmp_path: Path) -> None:
    corpus = dated(tmp_path, None, "2024-10-24", "2024-10-24T14:17", "2023-01-01")
    names = [one.path for one in corpus.newest(-1)]
    assert names == ["n2.md", "n1.md", "n3.md", "n0.md"]
    assert [one.path for one in corpus.newest(-1, oldest=True)] == ["n3.md", "n1.md", "n2.md", "n0.md"]
    assert [one.path for one in corpus.newest(2)] == names[:2]
    assert (corpus.article_count(), corpus.dated_count()) == (4, 3)


def test_articles_of_one_date_come_by_title_or_path(tmp_path: Path) -> None:
    articles = [article("Text.", name=name, title=title) for name, title in (("x", "B"), ("Z", None), ("c", "A"))]
    assert list(corpus_of(tmp_path, articles).newest(-1)) == [articles[2], articles[0], articles[1]]


def test_a_corpus_without_articles_lists_none(tmp_path: Path) -> None:
    corpus = dated(tmp_path)
    assert list(corpus.newest(-1)) == []
    assert (corpus.article_count(), corpus.dated_count()) == (0, 0)
