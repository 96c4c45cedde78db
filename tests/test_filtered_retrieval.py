"""A filtered search finds exactly what a search of everything would leave after the filter."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qa.build import index_articles
from qa.config import Settings
from qa.index import Index
from qa.likeness import word_shares
from qa.retrieve import DEPTH, FUSION, dense_score, fused_score, retrieve
from qa.text import content_words, language
from qa.types import Article, Only, Source
from tests.fakes import WordEncoder, article

WORDS = "Haubitze Kursk Seoul Duma Vertrag Soldaten Raketen Panzer Kiew Moskau Abwehr Grenze Bericht Treffen".split()
OUTLETS = ("Hafenbote", "KBS World", "ntv.de")
SIZE = 240


def made(n: int, rng: random.Random) -> Article:
    """Three quarters have a date, three quarters an outlet, a fifth a copy elsewhere on another day."""

    def source(path: str) -> Source:
        day = f"{rng.randint(2023, 2025)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        moment = rng.choice([None, day, day, f"{day}T14:17"])
        return Source(path, outlet=rng.choice([None, *OUTLETS]), published=moment)

    text = "\n\n".join(" ".join(rng.choices(WORDS, k=9)) + f" {n}." for _ in range(rng.randint(1, 3)))
    own = source("")
    also = (source(f"copy{n}.md"),) if rng.random() < 0.2 else ()
    lang = rng.choice(["de", "de", "en"])
    return article(text, name=f"a{n:03}", lang=lang, published=own.published, outlet=own.outlet, also=also)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    rng = random.Random(5)
    # One passage of few words a paragraph, so that there are many more than a ranking keeps.
    options = Settings(index=tmp_path_factory.mktemp("filtered"), chunk_words=10)
    built = index_articles(options, WordEncoder(), [made(n, rng) for n in range(SIZE)])
    assert built.manifest.chunk_count > 4 * DEPTH
    return built


def lets_in(only: Only, one: Article) -> bool:
    """The filter by its definition, on the texts of the dates."""
    first = {4: "-01-01", 7: "-01", 10: ""}
    last = {4: "-12-31", 7: "-31", 10: ""}
    since = (only.since or "0000-01-01") + first[len(only.since or "0000-01-01")]
    until = (only.until or "9999-12-31") + last[len(only.until or "9999-12-31")]
    for source in (one, *one.also):
        if (only.since or only.until) and not (source.published and since <= source.published[:10] <= until):
            continue
        if not only.outlets or source.outlet in only.outlets:
            return True
    return False


dates = st.one_of(
    st.none(),
    st.builds("{}".format, st.integers(2022, 2026)),
    st.builds("{}-{:02}".format, st.integers(2022, 2026), st.integers(1, 12)),
    st.builds("{}-{:02}-{:02}".format, st.integers(2022, 2026), st.integers(1, 12), st.integers(1, 28)),
)
filters = st.builds(Only, dates, dates, st.lists(st.sampled_from(OUTLETS), unique=True, max_size=2).map(tuple))
questions = st.lists(st.sampled_from([*WORDS, "Bericht", "the"]), min_size=1, max_size=4).map(" ".join)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(only=filters, question=questions)
@example(only=Only("2024-10", "2024-10"), question="Kursk")
@example(only=Only(outlets=("KBS World",)), question="the Duma")
@example(only=Only("2030", None), question="Kursk")
def test_a_filtered_search_equals_brute_force(index: Index, only: Only, question: str) -> None:
    """Every passage is scored without a filter, those of other articles are struck out, each ranking is cut, fused.

    But for what is met of the question's words: that is weighed among the candidates, and of passages with equal
    vectors, of which there are many here, any may be the last one.
    """
    fusion = replace(FUSION, met=0.0, met_across=0.0)
    everything = retrieve(index, WordEncoder(), question, index.manifest.chunk_count).candidates
    assert len(everything) == index.manifest.chunk_count
    left = [one for one in everything if not only or lets_in(only, one.passage.article)]
    nearest = sorted(left, key=lambda one: one.passage.dense_rank or 0)[:DEPTH]
    words = [one for one in left if one.passage.lexical_rank is not None]
    lexical = sorted(words, key=lambda one: one.passage.lexical_rank or 0)[:DEPTH]
    known = {one.passage.chunk.key for one in lexical}
    expected = {}
    for one in [*nearest, *lexical]:
        # What lies below the ranking's end counts nothing, filter or not.
        key = one.passage.chunk.key
        scored = one.passage if key in known else replace(one.passage, lexical_score=None)
        dense = dense_score(one.passage.dense_score or 0.0, one.nearest, one.pieces, fusion)
        expected[key] = fused_score(scored, 0.0, dense, fusion, language(question))
    found = retrieve(index, WordEncoder(), question, 10, only=only, fusion=fusion).candidates
    assert len(found) == min(10, len(expected))
    for one in found:
        assert one.passage.score == pytest.approx(expected[one.passage.chunk.key], abs=1e-6)
    best = sorted(expected.values(), reverse=True)[:10]
    assert [one.passage.score for one in found] == pytest.approx(best, abs=1e-6)


def test_words_are_weighed_among_what_the_filter_lets_in(index: Index) -> None:
    only = Only("2024-10", "2024-10")
    found = retrieve(index, WordEncoder(), "Kursk Haubitze", 200, only=only).candidates
    texts = [content_words(one.passage.chunk.text, one.passage.article.lang) for one in found]
    met = word_shares("Kursk Haubitze", texts, WordEncoder().word_cosines)
    assert [one.met for one in found] == pytest.approx(met.tolist())
    assert len(set(met)) > 1


def test_an_answer_is_found_however_many_others_are_closer(tmp_path: Path) -> None:
    """A thousand passages that fit better must not keep the only allowed one out of the list."""
    crowd = [
        article("Die Haubitze K9 kommt aus Seoul. " * 3 + str(n), name=f"c{n}", published="2024-11-01")
        for n in range(300)
    ]
    wanted = article("Haubitze, sonst stehen hier ganz andere Wörter.", name="x", published="2024-10-01")
    index = index_articles(Settings(index=tmp_path), WordEncoder(), [*crowd, wanted])
    for only in (Only(until="2024-10"), Only("2024-10-01", "2024-10-01")):
        found = retrieve(index, WordEncoder(), "Haubitze K9 aus Seoul", 5, only=only).candidates
        assert [one.passage.article.path for one in found] == ["x.md"]


@pytest.mark.parametrize("only", [Only("2024"), Only(until="2024"), Only("2020", "2030")])
def test_what_has_no_date_is_in_no_span_of_time(index: Index, only: Only) -> None:
    found = retrieve(index, WordEncoder(), "Kursk Seoul", 200, only=only).candidates
    assert found
    assert all(any(source.published for source in (a, *a.also)) for a in (one.passage.article for one in found))


def test_a_filter_that_lets_in_nothing_finds_nothing(index: Index) -> None:
    for only in (Only("2030"), Only("2025", "2024"), Only(outlets=("nobody",))):
        assert retrieve(index, WordEncoder(), "Kursk", 5, only=only).candidates == ()


def test_filters_in_use_are_worked_out_once(index: Index) -> None:
    assert index.allowed(Only("2024")) is index.allowed(Only("2024"))
    assert index.allowed(Only("2024")).count == len(index.allowed(Only("2024")).selection)
