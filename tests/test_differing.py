"""Where articles differ on a figure, and where only the figures differ."""

from __future__ import annotations

import pytest

from qa.bot import Bot
from qa.quoting.asked import read_asked
from qa.quoting.differing import differing
from qa.quoting.evidence import Evidence
from qa.types import Lang, Span
from tests.fakes import article

HOW_MANY = "Wie viele nordkoreanische Soldaten sind in Russland?"


def figures(question: str, *sentences: str, lang: Lang = "de") -> list[str]:
    """What is found to differ among sentences of different articles, best first."""
    evidence = [
        Evidence(article(text, name=f"n{n}", lang=lang), Span(0, len(text)), 1.0 - 0.1 * n, n)
        for n, text in enumerate(sentences)
    ]
    return [one.quantity.span.of(one.evidence.quote) for one in differing(read_asked(question), evidence)]


def test_each_value_is_found_once() -> None:
    assert figures(
        HOW_MANY,
        "In Russland sind 1500 Soldaten aus Nordkorea.",
        "Nordkorea hat 3000 Soldaten nach Russland geschickt.",
        "Schon 3.000 Soldaten aus Nordkorea sind dort.",
        "Mehr als 10.000 Soldaten aus Nordkorea kämpfen für Russland.",
    ) == ["1500 Soldaten", "3000 Soldaten", "Mehr als 10.000 Soldaten"]


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "In Russland sind rund 2.900 Soldaten."),
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "In Russland sind 3012 Soldaten."),
        (HOW_MANY, "In Russland sind 12.000 Soldaten.", "In Russland sind mehr als 10.000 Soldaten."),
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "Nach Russland sollen bis zu 12.000 Soldaten."),
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "In Russland sind mehrere tausend Soldaten."),
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "In Russland sind 500 Panzer."),
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "Finnland hat 23.000 Soldaten."),
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "Das geschah 2024 in Russland."),
        (HOW_MANY, "In Russland sind 3000 Soldaten.", "Erst waren 1500, nun sind 3000 Soldaten in Russland."),
        ("Wer ist in Russland?", "In Russland sind 3000 Soldaten.", "In Russland sind 1500 Soldaten."),
        ("Wann war die Demonstration?", "Zur Demonstration kamen 30 Menschen.", "Die Demonstration hatte 50 Menschen."),
        ("How many people live in Kursk?", "In Kursk sind 3000 Soldaten.", "In Kursk sind 1500 Soldaten."),
        ("How many tanks are in Russia?", "In Russland sind 3000 Soldaten.", "In Russland sind 500 Panzer."),
        ("Warum gibt es Streit?", "Am Bahnhof warteten 30 Menschen.", "Am Hafen waren 50 Menschen dabei."),
    ],
)
def test_figures_that_can_both_be_true_or_are_of_two_things_do_not_differ(
    question: str, first: str, second: str
) -> None:
    assert figures(question, first, second) == []


def test_one_article_alone_does_not_differ() -> None:
    text = "In Russland sind 3000 Soldaten. In Russland sind 1500 Soldaten."
    one = article(text)
    evidence = [Evidence(one, Span(0, 31), 1.0, 0), Evidence(one, Span(32, len(text)), 0.9, 0)]
    assert differing(read_asked(HOW_MANY), evidence) == []


@pytest.mark.parametrize(
    ("question", "lang", "sentences", "found"),
    [
        (
            "How many soldiers did North Korea send to Russia?",
            "en",
            ("North Korea sent 1,500 soldiers to Russia.", "More than 10,000 North Korean soldiers are in Russia."),
            ["1,500 soldiers", "More than 10,000 North Korean soldiers"],
        ),
        (
            "How many North Korean soldiers are in Russia?",
            "de",
            ("In Russland sind 1500 Soldaten aus Nordkorea.", "Nordkorea hat 3000 Soldaten nach Russland geschickt."),
            ["1500 Soldaten", "3000 Soldaten"],
        ),
        (
            "How many people came to the Hafen demonstration?",
            "de",
            ("Zur Demonstration am Hafen kamen 200 Menschen.", "Am Hafen demonstrierten 700 Menschen."),
            ["200 Menschen", "700 Menschen"],
        ),
        (
            "Was weiß man von den Teilnehmern der Demonstration am Hafen?",
            "de",
            (
                "Bei der Demonstration am Hafen zählte die Polizei 2.000 Teilnehmer.",
                "Zur Demonstration am Hafen kamen laut Polizei 5.000 Teilnehmer.",
            ),
            ["2.000 Teilnehmer", "5.000 Teilnehmer"],
        ),
        (
            "Wie teuer wird die neue Brücke?",
            "de",
            ("Die neue Brücke kostet 3,2 Millionen Euro.", "Die neue Brücke soll 5 Mio. Euro kosten."),
            ["3,2 Millionen Euro", "5 Mio. Euro"],
        ),
    ],
)
def test_in_both_languages_and_without_being_asked_for(
    question: str, lang: Lang, sentences: tuple[str, ...], found: list[str]
) -> None:
    assert figures(question, *sentences, lang=lang) == found


@pytest.mark.parametrize(
    "question",
    ["Wie viele nordkoreanische Soldaten sind in Russland?", "How many North Korean soldiers are in Russia?"],
)
def test_over_the_articles_that_ship(seed_bot: Bot, question: str) -> None:
    answer = seed_bot.ask(question)
    assert answer.disagreement
    assert {figure.value for figure in answer.figures} >= {1500.0, 2600.0}
    assert len(answer.figures) >= 3
    by_number = {citation.number: citation for citation in answer.citations}
    for figure in answer.figures:
        quote = by_number[figure.citation].quote
        assert quote[figure.start : figure.end] == figure.text
    assert len({by_number[figure.citation].article_id for figure in answer.figures}) == len(answer.figures)


def test_an_answer_without_figures_does_not_disagree(seed_bot: Bot) -> None:
    answer = seed_bot.ask("Wer ist der Sprecher des Kremls?")
    assert (answer.status, answer.disagreement, answer.figures) == ("answered", False, ())
