from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer import (
    EVIDENCE,
    FEATURES,
    OF_PIECES,
    WITHOUT_PIECES,
    EvidenceModel,
    compose,
    evidence_model,
    sentence_features,
)
from qa.build import index_articles
from qa.config import Settings
from qa.index import Index
from qa.retrieve import retrieve
from qa.types import Answer, Source
from tests.fakes import PieceEncoder, WordEncoder, article

#: Only the similarity of question and sentence counts: confidence 0.5 at a cosine of 0.5.
BY_SIMILARITY = EvidenceModel((10.0, *[0.0] * (len(FEATURES) - 1)), bias=-5.0, slope=1.0, intercept=0.0)

ARTICLES = [
    replace(
        article(
            "Die Haubitzen kommen aus Seoul. Das Wetter bleibt mild.\n\nDie Haubitzen kommen bald.",
            name="a",
            title="Waffen",
        ),
        outlet="Blatt",
        published="2024-10-24",
        also=(Source("copy.md", outlet="Agentur"),),
    ),
    article("Die Haubitzen kommen aus Seoul! Niemand widerspricht dem Minister.", name="b"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return index_articles(Settings(index=tmp_path_factory.mktemp("answer")), WordEncoder(dim=4096), ARTICLES)


def ask(index: Index, question: str, top: int = 4, threshold: float = 0.3) -> Answer:
    retrieval = retrieve(index, WordEncoder(dim=4096), question, 10)
    return compose(index, question, retrieval, top=top, threshold=threshold, model=BY_SIMILARITY)


def test_quotes_are_slices_numbered_in_order(index: Index) -> None:
    answer = ask(index, "Die Haubitzen kommen aus Seoul")
    assert answer.status == "answered"
    assert [c.number for c in answer.citations] == list(range(1, len(answer.citations) + 1))
    for citation in answer.citations:
        source = index.corpus.article(citation.article_id)
        assert source is not None
        assert source.text[citation.start : citation.end] == citation.quote


def test_the_same_sentence_is_quoted_once(index: Index) -> None:
    citations = [c for c in ask(index, "Die Haubitzen kommen aus Seoul").citations if "aus Seoul" in c.quote]
    first, copy = citations
    assert (first.same_as, copy.same_as) == (None, first.number)
    assert {first.article_id, copy.article_id} == {"a-id", "b-id"}


def test_quotes_of_one_article_stand_together_best_article_first(index: Index) -> None:
    answer = ask(index, "Niemand widerspricht dem Minister, die Haubitzen kommen", threshold=0.01)
    ids = [c.article_id for c in answer.citations]
    assert ids == sorted(ids, key=ids.index)
    assert answer.citations[0].quote == "Niemand widerspricht dem Minister."


def test_a_citation_carries_what_is_known_of_its_source(index: Index) -> None:
    best = ask(index, "Das Wetter bleibt mild").citations[0]
    assert (best.title, best.outlet, best.published, best.lang) == ("Waffen", "Blatt", "2024-10-24", "de")
    assert best.also == (Source("copy.md", outlet="Agentur"),)


def test_no_more_quotes_than_asked_for(index: Index) -> None:
    assert len(ask(index, "Die Haubitzen kommen", top=1).citations) == 1


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("Wer gewann gestern das Endspiel?", "Dazu steht nichts in den Artikeln."),
        ("Who won the final yesterday?", "The articles do not say."),
    ],
)
def test_without_evidence_it_says_so_in_the_language_of_the_question(index: Index, question: str, message: str) -> None:
    answer = ask(index, question)
    assert (answer.status, answer.message, answer.citations) == ("abstained", message, ())
    assert 0 < len(answer.passages) <= 3
    assert answer.confidence < 0.3


def test_confidence_is_that_of_the_best_sentence(index: Index) -> None:
    answer = ask(index, "Das Wetter bleibt mild")
    assert answer.confidence == max(c.score for c in answer.citations)
    assert answer.confidence == pytest.approx(1 / (1 + np.exp(-5)), abs=1e-3)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("Welche Waffen?", "Es sind noch keine Artikel da, aus denen ich antworten könnte."),
        ("Which weapons?", "There are no articles to answer from yet."),
    ],
)
def test_an_empty_index_is_another_message(tmp_path: Path, question: str, message: str) -> None:
    empty = index_articles(Settings(index=tmp_path), WordEncoder(dim=4096), [])
    answer = ask(empty, question)
    assert (answer.status, answer.message, answer.passages) == ("empty_index", message, ())


def test_features_are_finite_and_in_their_columns(index: Index) -> None:
    retrieval = retrieve(index, WordEncoder(dim=4096), "Die Haubitzen kommen aus Seoul", 10)
    features = sentence_features(index, "Die Haubitzen kommen aus Seoul", retrieval)
    assert features.shape == (sum(len(c.record.sentences) for c in retrieval.candidates), len(FEATURES))
    assert np.isfinite(features).all()
    assert features[:, FEATURES.index("sentence")].max() == pytest.approx(1.0, abs=1e-3)
    assert features[:, FEATURES.index("overlap")].max() == pytest.approx(1.0)
    assert set(features[:, FEATURES.index("crossed")]) == {0.0}


def test_an_english_question_over_german_text_is_crossed(index: Index) -> None:
    question = "Where do the howitzers come from?"
    features = sentence_features(index, question, retrieve(index, WordEncoder(dim=4096), question, 10))
    assert set(features[:, FEATURES.index("crossed")]) == {1.0}


def test_a_rare_word_weighs_more_than_a_common_one(index: Index) -> None:
    """ "Haubitzen" stands in three of the five sentences, "Wetter" in one."""
    question = "Haubitzen Wetter"
    retrieval = retrieve(index, WordEncoder(dim=4096), question, 10)
    overlap = sentence_features(index, question, retrieval)[:, FEATURES.index("overlap")]
    rare, common = math.log(6 / 1.5), math.log(6 / 3.5)
    assert sorted(set(overlap.round(6))) == pytest.approx([0.0, common / (rare + common), rare / (rare + common)])


def test_word_pieces_tell_the_sentence_that_has_them_all(tmp_path: Path) -> None:
    encoder = PieceEncoder(dim=4096)
    index = index_articles(Settings(index=tmp_path), encoder, ARTICLES)
    question = "Haubitzen kommen aus Seoul"
    retrieval = retrieve(index, encoder, question, 10)
    features = sentence_features(index, question, retrieval)
    sentences = [span.of(c.passage.article.text) for c in retrieval.candidates for span in c.record.sentences]
    pieces, least = (features[:, FEATURES.index(name)] for name in OF_PIECES)
    for sentence, near, lowest in zip(sentences, pieces, least, strict=True):
        assert lowest <= near + 1e-6
        assert (lowest == least.max()) == ("Haubitzen kommen aus Seoul" in sentence) == (near == pieces.max())


@pytest.mark.parametrize("question", ["", "Haubitzen"])
def test_no_word_pieces_no_features_of_them(index: Index, question: str) -> None:
    features = sentence_features(index, question, retrieve(index, WordEncoder(dim=4096), question, 10))
    assert not features[:, [FEATURES.index(name) for name in OF_PIECES]].any()


def test_the_model_is_the_one_for_what_the_index_holds(index: Index, tmp_path: Path) -> None:
    with_pieces = index_articles(Settings(index=tmp_path), PieceEncoder(), ARTICLES)
    assert evidence_model(with_pieces) is EVIDENCE
    assert evidence_model(index) is WITHOUT_PIECES
    assert [WITHOUT_PIECES.weights[FEATURES.index(name)] for name in OF_PIECES] == [0.0, 0.0]


@pytest.mark.parametrize("question", ["", "?", "warum?", "and what about it?"])
def test_a_question_without_a_word_of_its_own_is_not_answered(index: Index, question: str) -> None:
    assert ask(index, question, threshold=0.0).status == "abstained"


@given(st.floats(-1e6, 1e6))
def test_confidence_is_a_probability(logit: float) -> None:
    assert 0.0 <= BY_SIMILARITY.confidence(logit) <= 1.0
