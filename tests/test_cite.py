"""Citations: numbers, exact slices, what is bold, and what repeats another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qa.answer import FEATURES, EvidenceModel, compose
from qa.build import index_articles
from qa.config import Settings
from qa.index import Index
from qa.retrieve import retrieve
from qa.types import Answer, Citation
from tests.fakes import WordEncoder, article

BY_SIMILARITY = EvidenceModel((10.0, *[0.0] * (len(FEATURES) - 1)), bias=-5.0, slope=1.0, intercept=0.0)
COPY = "In Russland sind nach Angaben aus Seoul 1500 Soldaten aus Nordkorea eingetroffen."
QUESTION = "Wie viele Soldaten aus Nordkorea sind nach Angaben aus Seoul in Russland eingetroffen"


def source(name: str, text: str, published: str | None) -> object:
    return replace(article(text, name=name, title=f"Titel {name}"), outlet=f"Blatt {name}", published=published)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    articles = [
        source("a", f"Ines Kahl war dabei. {COPY}", "2024-10-01"),
        source("b", f"{COPY} Mehr ist nicht bekannt.", "2024-10-02"),
        source("c", "Nach Angaben aus Seoul sind 3000 Soldaten aus Nordkorea in Russland.", None),
    ]
    return index_articles(Settings(index=tmp_path_factory.mktemp("cite")), WordEncoder(dim=4096), articles)


def ask(index: Index, question: str) -> Answer:
    retrieval = retrieve(index, WordEncoder(dim=4096), question, 10)
    return compose(index, question, retrieval, top=4, threshold=0.01, model=BY_SIMILARITY)


def bold(citation: Citation) -> str | None:
    return None if citation.highlight is None else citation.highlight.of(citation.quote)


def test_copies_disagreement_and_bold_come_together(index: Index) -> None:
    answer = ask(index, QUESTION)
    newest, other, copy = answer.citations
    assert [citation.number for citation in answer.citations] == [1, 2, 3]
    assert (newest.article_id, other.article_id, copy.article_id) == ("b-id", "c-id", "a-id")
    assert (newest.same_as, other.same_as, copy.same_as) == (None, None, 1)
    assert [bold(citation) for citation in answer.citations] == ["1500 Soldaten", "3000 Soldaten", "1500 Soldaten"]
    assert [(figure.citation, figure.text, figure.value) for figure in answer.figures] == [
        (1, "1500 Soldaten", 1500.0),
        (2, "3000 Soldaten", 3000.0),
    ]
    for citation in answer.citations:
        found = index.corpus.article(citation.article_id)
        assert found is not None
        assert found.text[citation.start : citation.end] == citation.quote


def test_the_json_form_has_spans_as_pairs(index: Index) -> None:
    record = ask(index, QUESTION).to_dict()
    assert record["disagreement"] is True
    assert record["figures"][0] == {"citation": 1, "text": "1500 Soldaten", "value": 1500.0, "start": 40, "end": 53}
    start, end = record["citations"][0]["highlight"]
    assert record["citations"][0]["quote"][start:end] == "1500 Soldaten"
    assert [citation["same_as"] for citation in record["citations"]] == [None, None, 1]


def test_without_a_clear_phrase_nothing_is_bold(tmp_path: Path) -> None:
    one = article("Die Brücke ist gesperrt, weil Pfeiler Risse haben.", name="a")
    built = index_articles(Settings(index=tmp_path), WordEncoder(dim=4096), [one])
    [citation] = ask(built, "Warum ist die Brücke gesperrt").citations
    assert (citation.highlight, citation.same_as) == (None, None)
