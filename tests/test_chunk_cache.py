"""Chunks kept in memory: the same as read from the corpus, and never more than allowed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from qa import chunk_cache
from qa.build import index_articles
from qa.chunk_cache import ChunkCache
from qa.config import Settings
from qa.index import Index
from qa.text import content_words
from tests.fakes import WordEncoder, article

TEXTS = {
    "de": "Die Haubitze K9 kommt aus Seoul. Die Haubitze wiegt 47 Tonnen.",
    "en": "The die was cast. It was a man from Seoul.",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    articles = [article(f"{TEXTS[lang]} {n}", name=f"{lang}{n}", lang=lang) for n in range(20) for lang in ("de", "en")]
    return index_articles(Settings(index=tmp_path_factory.mktemp("index")), WordEncoder(), articles)


def keys(index: Index) -> list[int]:
    return [one.chunk.key for found in index.corpus.articles() for one in index.corpus.chunks_of(found.id)]


def test_a_chunk_is_as_the_corpus_has_it_with_the_words_of_its_language(index: Index) -> None:
    wanted = keys(index)
    cache = ChunkCache(index.corpus)
    for _ in range(2):
        found = cache.read(wanted[::-1])
        assert [one.key for one in found] == wanted[::-1]
        for one in found:
            record = index.corpus.chunks([one.key])[one.key]
            article = index.corpus.article(record.chunk.article_id)
            assert article is not None
            assert (one.lang, one.row) == (article.lang, record.row)
            assert index.corpus.word_list.words(one.words) == list(
                dict.fromkeys(content_words(record.chunk.text, article.lang))
            )


def test_a_key_that_is_not_there_is_left_out(index: Index) -> None:
    some = keys(index)[:2]
    cache = ChunkCache(index.corpus)
    assert [one.key for one in cache.read([some[0], 7, some[1]])] == some
    assert cache.read([]) == []


def test_the_last_used_are_kept(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_cache, "KEPT", 3)
    cache, wanted, asked = ChunkCache(index.corpus), keys(index), []
    read = index.corpus.words_of
    monkeypatch.setattr(index.corpus, "words_of", lambda missing: (asked.append(list(missing)), read(missing))[1])
    cache.read(wanted[:3])
    cache.read(wanted[:1])
    cache.read(wanted[3:4])
    cache.read(wanted[:1])
    cache.read(wanted[1:2])
    assert len(cache) == 3
    assert asked == [wanted[:3], wanted[3:4], wanted[1:2]]
    assert len(cache.read(wanted)) == len(wanted)


def test_threads_read_the_same(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_cache, "KEPT", 10)
    cache, wanted = ChunkCache(index.corpus), keys(index)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: cache.read(wanted[n % 30 : n % 30 + 8]), range(200)))
    assert all([one.key for one in part] == wanted[n % 30 : n % 30 + 8] for n, part in enumerate(found))
    assert len(cache) <= 10
