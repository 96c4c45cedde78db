"""One answer against what its question expects, every score worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from qa.build import index_articles
from qa.config import Settings
from qa.corpus import Corpus
from qa.measuring.judge import MEASURES, judge
from qa.measuring.questions import Question
from qa.types import Answer, Citation
from tests.evalset import ARTICLES, TEXTS
from tests.fakes import WordEncoder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return index_articles(Settings(index=tmp_path_factory.mktemp("index")), WordEncoder(), ARTICLES).corpus


def cite(name: str, quote: str) -> Citation:
    start = TEXTS[name].index(quote)
    return Citation(1, f"{name}-id", None, None, None, None, quote, start, start + len(quote), "de", 0.5)


def answer(*citations: Citation) -> Answer:
    return Answer("?", "answered", "", citations, 0.5, (), "?", "de", None)


def ask(answerable: bool = True, **changes: Any) -> Question:
    if not answerable:
        return Question("q", "?", "de", "off topic", False, **changes)
    known = {"articles": ("hunde-id",), "evidence": (("bellt", "jault"), ("zwölf Euro",))}
    return Question("q", "?", "de", "who", True, **{**known, **changes})


BARK, FOOD = "Der Hund bellt laut im Garten.", "Sein Futter kostet zwölf Euro."
CAT = "Die Katze schläft gern auf dem Sofa."


def test_both_lists_are_met_by_two_quotes(corpus: Corpus) -> None:
    verdict = judge(ask(), answer(cite("hunde", BARK), cite("hunde", FOOD)), corpus, answered=True)
    assert verdict.scores == {
        "correct": 1, "answered": 1, "first": 0, "found": 1, "quote precision": 1, "citation accuracy": 1, "exactness": 1,
    }  # fmt: skip
    assert verdict.right
    assert [quote.carries for quote in verdict.quotes] == [True, True]


def test_one_list_is_not_enough_and_a_wrong_quote_costs_precision(corpus: Corpus) -> None:
    verdict = judge(ask(), answer(cite("hunde", BARK), cite("katzen", CAT)), corpus, answered=True)
    assert verdict.scores["found"] == verdict.scores["correct"] == 0
    assert verdict.scores["quote precision"] == verdict.scores["citation accuracy"] == 0.5
    assert not verdict.right


def test_the_first_quote_alone(corpus: Corpus) -> None:
    question = ask(evidence=(("zwölf Euro",),))
    right = judge(question, answer(cite("hunde", FOOD), cite("hunde", BARK)), corpus, answered=True)
    late = judge(question, answer(cite("hunde", BARK), cite("hunde", FOOD)), corpus, answered=True)
    assert (right.scores["first"], late.scores["first"]) == (1, 0)
    assert right.scores["quote precision"] == 0.5


def test_evidence_in_another_article_does_not_count(corpus: Corpus) -> None:
    question = ask(articles=("katzen-id",), evidence=(("bellt",),))
    verdict = judge(question, answer(cite("hunde", BARK)), corpus, answered=True)
    assert verdict.scores["found"] == verdict.scores["citation accuracy"] == verdict.scores["quote precision"] == 0


def test_silence_on_an_answerable_question_is_a_miss_that_remembers_what_it_held_back(corpus: Corpus) -> None:
    verdict = judge(ask(evidence=(("bellt",),)), answer(cite("hunde", BARK)), corpus, answered=False)
    assert verdict.scores == {"correct": 0, "answered": 0, "first": 0, "found": 0, "silence precision": 0}
    assert verdict.right


def test_silence_on_a_question_without_an_answer(corpus: Corpus) -> None:
    verdict = judge(ask(answerable=False), answer(), corpus, answered=False)
    assert verdict.scores == {"correct": 1, "abstained": 1, "silence precision": 1}


def test_an_answer_to_a_question_without_one(corpus: Corpus) -> None:
    verdict = judge(ask(answerable=False), answer(cite("hunde", BARK)), corpus, answered=True)
    assert verdict.scores == {"correct": 0, "abstained": 0, "exactness": 1}
    assert not verdict.right


def test_a_quote_that_is_not_in_the_article_is_not_exact(corpus: Corpus) -> None:
    good = cite("hunde", BARK)
    for wrong in (
        Citation(1, "hunde-id", None, None, None, None, "Der Hund bellt.", good.start, good.end, "de", 0.5),
        Citation(1, "hunde-id", None, None, None, None, good.quote, good.start + 1, good.end + 1, "de", 0.5),
        Citation(1, "none", None, None, None, None, good.quote, good.start, good.end, "de", 0.5),
        Citation(1, "hunde-id", None, None, None, None, "", 0, 0, "de", 0.5),
    ):
        assert judge(ask(), answer(good, wrong), corpus, answered=True).scores["exactness"] == 0.5


def test_a_set_without_evidence_is_judged_by_articles(corpus: Corpus) -> None:
    question = ask(evidence=())
    verdict = judge(question, answer(cite("katzen", CAT), cite("hunde", BARK)), corpus, answered=True)
    assert (verdict.scores["found"], verdict.scores["first"], verdict.scores["citation accuracy"]) == (1, 0, 0.5)
    assert "quote precision" not in verdict.scores


def test_every_score_has_a_meaning(corpus: Corpus) -> None:
    for question, answered in ((ask(), True), (ask(), False), (ask(answerable=False), True)):
        verdict = judge(question, answer(cite("hunde", BARK)), corpus, answered=answered)
        assert set(verdict.scores) <= set(MEASURES)
