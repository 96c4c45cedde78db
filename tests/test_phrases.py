"""Dates, titles and amounts of a sentence; any text can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.quoting.phrases import read_sentence
from qa.types import Lang

TEXTS = st.text(st.sampled_from("aAzZäß0123456789 .,-–%€'’()„“:;\n") | st.characters(exclude_categories=["Cs"]))


def dates(text: str, lang: Lang) -> list[str]:
    sentence = read_sentence(text, lang)
    return [sentence.span(phrase).of(text) for phrase in sentence.phrases if phrase.sort == "date"]


@pytest.mark.parametrize(
    ("text", "lang", "found"),
    [
        ("Am 24. Oktober 2024 kam sie.", "de", ["24. Oktober 2024"]),
        ("Im Oktober 2024 kam sie am Dienstag an.", "de", ["Oktober 2024", "Dienstag"]),
        ("Das war 1886 so.", "de", ["1886"]),
        ("Dort sind 1500 Soldaten.", "de", []),
        ("Das geschah im 19. Jahrhundert.", "de", ["19. Jahrhundert"]),
        ("Am 24.10.2024 kam sie.", "de", ["24.10.2024"]),
        ("It opened on May 12, 2025.", "en", ["May 12, 2025"]),
        ("It opened on 12 May 2025.", "en", ["12 May 2025"]),
        ("It was built in the 19th century.", "en", ["19th century"]),
        ("It may rain in 1994.", "en", ["1994"]),
    ],
)
def test_dates(text: str, lang: Lang, found: list[str]) -> None:
    assert dates(text, lang) == found


def test_titles_stand_between_quotation_marks() -> None:
    text = "Er schrieb „A Machine to End War“."
    sentence = read_sentence(text, "de")
    assert "A Machine to End War" in [sentence.span(one).of(text) for one in sentence.phrases if one.sort == "title"]


@given(TEXTS, st.sampled_from(["de", "en"]))
def test_any_text_can_be_read_and_phrases_are_runs_of_its_words(text: str, lang: Lang) -> None:
    sentence = read_sentence(text, lang)
    for phrase in sentence.phrases:
        assert 0 <= phrase.start < phrase.end <= len(sentence.words)
        span = sentence.span(phrase)
        assert 0 <= span.start < span.end <= len(text)
        assert (phrase.sort == "amount") == (phrase in sentence.quantities)
    assert all(word.span.of(text) == word.text for word in sentence.words)
