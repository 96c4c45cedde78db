"""Asides: what counts as one, what does not, and what is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qa.asides import LISTED, Aside, recognise, reply
from qa.corpus import Corpus
from qa.types import Lang
from tests.fakes import article, corpus_of


@pytest.mark.parametrize(
    ("text", "kind", "lang"),
    [
        ("hi", "greeting", "en"),
        ("HALLO!!", "greeting", "de"),
        ("Guten Tag", "greeting", "de"),
        ("Grüss Gott", "greeting", "de"),
        ("hello there :-)", "greeting", "en"),
        ("good morning everyone", "greeting", "en"),
        ("danke", "thanks", "de"),
        ("Danke schön!", "thanks", "de"),
        ("ok super, vielen Dank", "thanks", "de"),
        ("Thanks a lot!", "thanks", "en"),
        ("hi, thanks", "thanks", "en"),
        ("danke und tschüss", "goodbye", "de"),
        ("thanks, bye!", "goodbye", "en"),
        ("Who are you?", "help", "en"),
        ("hallo, was kannst du?", "help", "de"),
        ("Wie geht's?", "help", "de"),
        ("help!", "help", "en"),
        ("Which articles do you have?", "articles", "en"),
        ("how many articles are there", "articles", "en"),
        ("hello, which articles are there? thanks", "articles", "en"),
        ("what do the articles talk about?", "articles", "en"),
        ("what do you know?", "articles", "en"),
        ("Wovon handeln die Artikel?", "articles", "de"),
        ("Wovon handeln diese Artikel?", "articles", "de"),
        ("Really?", "reaction", "en"),
        ("Hallo! Welche Quellen benutzt du?", "articles", "de"),
        ("Was kann ich dich fragen?", "articles", "de"),
        ("Wer hat die Artikel geschrieben?", "articles", "de"),
        ("summarize the articles", "articles", "en"),
        ("What's new?", "newest", "en"),
        ("Hallo, gibt es was Neues?", "newest", "de"),
        ("Artikel", "articles", "de"),
        ("articles", "articles", "en"),
        ("which artikel are there?", "articles", "en"),
        ("What is the newest article?", "newest", "en"),
        ("Was sind die neuesten Nachrichten?", "newest", "de"),
        ("zeig mir den ältesten artikel", "oldest", "de"),
        ("which is the oldest document", "oldest", "en"),
    ],
)
def test_an_aside_is_recognised(text: str, kind: str, lang: str) -> None:
    assert recognise(text) == Aside(kind, lang)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?!",
        "👍",
        "hi, which weapons did Seoul consider?",
        "articles of the UN charter",
        "Artikel 5",
        "Which articles mention Kursk?",
        "Hast du Artikel über Kursk?",
        "what do you know about Kursk",
        "What is new in Kursk?",
        "Wovon handelt der Artikel über Budanov?",
        "What is the newest weapon?",
        "Who thanked whom?",
        "Danke für die Waffen",
        "Hello Kitty",
        "Archiv",
        "good morning vietnam",
        "Morgen",
        "Gott",
        "Wer hat das gesagt?",
        "And which articles?",
        "Gibt es dazu Artikel?",
        "How many sources say that?",
        "Worum geht es in „Seoul will auf Nordkoreas Soldaten reagieren“?",
        "what can you do about climate change",
        "hi " * 17,
    ],
)
def test_a_question_is_no_aside(text: str) -> None:
    assert recognise(text) is None


def corpus(folder: Path, *dates: str | None) -> Corpus:
    articles = [
        replace(article("T.", name=f"n{n}", title=f"Titel {n}"), published=date) for n, date in enumerate(dates)
    ]
    return corpus_of(folder, articles)


@pytest.mark.parametrize(
    ("kind", "lang", "begins", "count"),
    [
        ("greeting", "de", "Hallo! Ich beantworte", "3 Artikeln"),
        ("thanks", "en", "You are welcome! I answer", "3 articles"),
        ("goodbye", "de", "Auf Wiedersehen! Ich", "3 Artikeln"),
        ("help", "en", "I answer questions", "3 articles"),
    ],
)
def test_a_courtesy_is_answered_with_what_the_bot_can_do(
    tmp_path: Path, kind: str, lang: Lang, begins: str, count: str
) -> None:
    said = reply(Aside(kind, lang), corpus(tmp_path, None, None, None))  # type: ignore[arg-type]
    assert (said.status, said.articles) == ("smalltalk", ())
    assert said.message.startswith(begins)
    assert count in said.message


@pytest.mark.parametrize(
    ("dates", "words"), [((), "your articles"), ((None,), "one article"), ((None, None), "2 articles")]
)
def test_articles_are_counted_in_words_that_fit(tmp_path: Path, dates: tuple[None, ...], words: str) -> None:
    assert words in reply(Aside("help", "en"), corpus(tmp_path, *dates)).message


def test_the_articles_are_listed_newest_first(tmp_path: Path) -> None:
    said = reply(Aside("articles", "de"), corpus(tmp_path, "2024-10-01", None, "2024-11-01"))
    assert said.status == "about"
    assert said.message == "Es gibt 3 Artikel:"
    assert [one.title for one in said.articles] == ["Titel 2", "Titel 0", "Titel 1"]


def test_of_many_articles_some_are_listed(tmp_path: Path) -> None:
    said = reply(Aside("articles", "en"), corpus(tmp_path, *[None] * (LISTED + 5)))
    assert said.message == f"There are {LISTED + 5} articles. These are the first {LISTED}, newest first:"
    assert len(said.articles) == LISTED


@pytest.mark.parametrize(
    ("kind", "dates", "message"),
    [
        ("newest", ("2024-10-01", "2024-11-01T09:05"), "The newest article is “Titel 1” (1 November 2024, 09:05)."),
        ("oldest", ("2024-10-01", "2024-11-01"), "The oldest article is “Titel 0” (1 October 2024)."),
        (
            "newest",
            ("2024-10-01", None),
            "The newest article is “Titel 0” (1 October 2024). 1 of 2 articles bear a date.",
        ),
        ("newest", (None, None), "None of the articles bears a date."),
    ],
)
def test_the_newest_is_told_as_far_as_articles_are_dated(
    tmp_path: Path, kind: str, dates: tuple[str | None, ...], message: str
) -> None:
    said = reply(Aside(kind, "en"), corpus(tmp_path, *dates))  # type: ignore[arg-type]
    assert said.message == f"{message} There are 2 articles:"
    assert len(said.articles) == 2


def test_the_oldest_comes_first_where_it_is_asked_for(tmp_path: Path) -> None:
    said = reply(Aside("oldest", "en"), corpus(tmp_path, "2024-10-02", None, "2024-10-01"))
    assert [one.title for one in said.articles] == ["Titel 2", "Titel 0", "Titel 1"]
