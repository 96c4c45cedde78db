"""Questions as people type them, over seeds/: tests/data/typed.jsonl, and long pasted texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.bot import Bot
from qa.build import ensure_index
from qa.config import Settings
from qa.lexical import plain_text
from qa.text import words
from tests.fakes import WordEncoder
from tests.test_bot import assert_exact

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "typed.jsonl").read_text(encoding="utf-8").splitlines()
]
#: Where it is open whether the articles answer, or with which quotes.
OPEN = {"question": ("answered", "abstained")}

LETTER = (
    "Sehr geehrte Damen und Herren, für meine Seminararbeit lese ich seit Wochen Zeitungsberichte und verliere dabei "
    "leicht den Überblick. Ich habe mir gestern Abend noch einmal alles durchgesehen, eine Kanne Tee gekocht und "
    "versucht, eine Gliederung zu machen, was mir leider nicht gelungen ist. "
)
MAIL = (
    "Dear team, I have been reading newspapers for weeks for a seminar paper and I am slowly losing track of who said "
    "what. Yesterday evening I made a pot of tea, went through all of my notes again and tried to write an outline. "
)


def test_there_are_cases_of_every_kind_in_both_languages() -> None:
    kinds = {(case["kind"], case["lang"]) for case in CASES}
    assert {kind for kind, lang in kinds if lang == "de"} == {kind for kind, lang in kinds if lang == "en"}
    assert len(CASES) >= 130
    assert len({case["question"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["question"] for case in CASES])
def test_it_is_understood(seed_bot: Bot, case: dict[str, Any]) -> None:
    answer = seed_bot.ask(case["question"])
    assert answer.question == case["question"]
    assert answer.status in OPEN.get(case["status"], (case["status"],))
    if "holds" in case:
        quotes = [citation.quote for citation in answer.citations]
        assert any(part in quote for part in case["holds"] for quote in quotes), quotes
    if "searched" in case:
        assert answer.searched_for == case["searched"]
    if len(words(case["question"])) > 1:  # a name alone is of no language
        assert answer.lang == case["lang"]
    assert bool(answer.articles) == (answer.status == "about")
    assert_exact(seed_bot, answer)


@pytest.mark.parametrize(
    "question",
    [
        LETTER * 4 + "Welche Luftverteidigungssysteme könnte Seoul liefern?",
        LETTER * 12 + "Welche Luftverteidigungssysteme könnte Seoul liefern?",
        "Welche Luftverteidigungssysteme könnte Seoul liefern?\n\n" + LETTER * 12,
        MAIL * 4 + "Which air defence systems could Seoul deliver?",
        MAIL * 12 + "Which air defence systems could Seoul deliver? Many thanks",
        "Hi, which air defence systems could Seoul deliver?\n\n" + MAIL * 12,
    ],
)
def test_the_question_in_a_pasted_text_is_answered(seed_bot: Bot, question: str) -> None:
    answer = seed_bot.ask(question)
    assert any("Cheongung" in citation.quote for citation in answer.citations)
    assert "Tee" not in answer.searched_for
    assert "tea" not in answer.searched_for


def test_a_pasted_piece_of_an_article_finds_that_article(seed_bot: Bot) -> None:
    source = next(article for article in seed_bot.articles() if "Peskow" in article.text)
    answer = seed_bot.ask(source.text[:1500])
    assert answer.citations[0].article_id == source.id


def test_the_list_of_articles_is_that_of_the_index(seed_bot: Bot) -> None:
    answer = seed_bot.ask("Wovon handeln die Artikel?")
    assert answer.message == "Es gibt 5 Artikel:"
    assert answer.articles == seed_bot.articles()
    listed = answer.to_dict()["articles"]
    assert [one["title"] for one in listed] == [article.title for article in answer.articles]
    assert not any("text" in one for one in listed)


def test_the_newest_article_is_named(seed_bot: Bot) -> None:
    answer = seed_bot.ask("What is the newest article?")
    assert answer.articles[0].published == "2024-10-24T14:17"
    assert str(answer.articles[0].title) in answer.message
    assert "24 October 2024" in answer.message
    assert "1 of 5 articles bear a date" in answer.message


def test_a_single_word_that_the_articles_have_is_quoted_and_another_is_not(seed_bot: Bot) -> None:
    assert "Haubitzen" in seed_bot.ask("Haubitzen").citations[0].quote
    assert seed_bot.ask("Sauerteig").status == "abstained"


@pytest.fixture(scope="module")
def empty_bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder, encoder = tmp_path_factory.mktemp("none"), WordEncoder()
    return Bot(ensure_index(Settings(articles=folder, index=folder / ".index"), encoder), encoder)


@pytest.mark.parametrize(
    ("question", "status", "message"),
    [
        ("Welche Artikel gibt es?", "empty_index", "Es sind noch keine Artikel da"),
        ("Haubizen", "empty_index", "Es sind noch keine Artikel da"),
        ("hi", "smalltalk", "Hello! I answer questions with word-for-word sentences from your articles"),
    ],
)
def test_without_articles_that_is_what_is_said(empty_bot: Bot, question: str, status: str, message: str) -> None:
    answer = empty_bot.ask(question)
    assert answer.status == status
    assert answer.message.startswith(message)


def test_what_is_explained_is_what_was_searched(seed_bot: Bot) -> None:
    typed, clean = seed_bot.ask("Haubizen fuer Kiev"), "Haubitzen für Kiew"
    assert typed.searched_for == clean
    explained = [one.passage for one in seed_bot.explain(clean, 10).candidates]
    assert all(passage in explained for passage in typed.passages)


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(
            "hi Welche Artikle gibt es Suedkorea north korea Kiev? danke, wepons Haubizen „ “ 10.000 K9 \n".split(" ")
        ),
        max_size=12,
    )
)
def test_any_mixture_gets_an_answer(seed_bot: Bot, parts: list[str]) -> None:
    question = " ".join(parts)
    answer = seed_bot.ask(question)
    assert answer.question == question
    assert bool(answer.message) == (answer.status != "answered")
    assert_exact(seed_bot, answer)


def test_the_words_of_the_articles_are_searched_as_they_stand(seed_bot: Bot) -> None:
    for article in seed_bot.articles():
        for record in seed_bot.index.corpus.chunks_of(article.id):
            sentence = record.sentences[0].of(article.text)
            if not sentence.endswith("?"):
                assert plain_text(seed_bot.ask(sentence).searched_for) == plain_text(" ".join(sentence.split()))
