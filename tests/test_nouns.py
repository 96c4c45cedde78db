"""Names and noun phrases by the capitals of each language."""

from __future__ import annotations

import pytest

from qa.quoting.nouns import lists, noun_phrases
from qa.quoting.words import read_words
from qa.types import Lang


def found(text: str, lang: Lang) -> list[tuple[str, str]]:
    words = read_words(text, lang)
    nouns = noun_phrases(words, frozenset(), lang)
    return [
        (one.sort, text[words[one.start].span.start : words[one.end - 1].span.end])
        for one in [*nouns, *lists(words, nouns, lang)]
    ]


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("Dort sprach Kyrylo Budanov.", [("name", "Kyrylo Budanov")]),
        ("Das schrieb der Dichter Percy Shelley.", [("name", "Percy Shelley")]),
        ("Dort hat das Außenministerium Georgi Sinowjew empfangen.", [("name", "Georgi Sinowjew")]),
        ("Er ging auf die andere Seite.", [("noun", "Seite")]),
        ("Er kam mit der alten Haubitze.", [("noun", "alten Haubitze")]),
        ("Es geschah im Norden Syriens.", [("noun", "Norden Syriens")]),
        ("Einbestellt hat ihn Seoul.", [("name", "Seoul")]),
        ("Es gibt Eulen und Mäuse.", [("name", "Eulen"), ("name", "Mäuse"), ("list", "Eulen und Mäuse")]),
        ("Sie wählten die Apollo 11.", [("name", "Apollo 11")]),
    ],
)
def test_german(text: str, phrases: list[tuple[str, str]]) -> None:
    assert found(text, "de") == phrases


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("It was led by the Bank of England.", [("name", "Bank of England")]),
        ("They ordered eight new trams.", [("noun", "eight new trams")]),
        (
            "It has owls, frogs and mice.",
            [("noun", "owls"), ("noun", "frogs"), ("noun", "mice"), ("list", "owls, frogs and mice")],
        ),
    ],
)
def test_english(text: str, phrases: list[tuple[str, str]]) -> None:
    assert found(text, "en") == phrases
