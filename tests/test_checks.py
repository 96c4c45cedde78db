"""Each way a sentence can fail, and that what fails for nothing stands."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Citation, Lang
from qa.writing.checks import LONGEST_SENTENCE, judge, tidy


def citation(number: int, quote: str, lang: Lang = "de") -> Citation:
    return Citation(number, "a", "T", None, None, None, quote, 0, len(quote), lang, 0.9)


CITATIONS = (
    citation(1, "Seoul prüft K9-Haubitzen, sagte ein Sprecher: „Alle  Optionen\nliegen auf dem ‚Tisch‘.“"),
    citation(2, "Rund 1.500 Soldaten aus Nordkorea trafen am 24. Oktober in Russland ein."),
    citation(3, "The mayor said: \"It's over, we can't pay.\" See www.hafen.example for more.", "en"),
)


def fault(sentence: str, lang: Lang = "en") -> str | None:
    return judge(tidy(sentence), CITATIONS, lang).fault


@pytest.mark.parametrize(
    ("sentence", "lang"),
    [
        ("Seoul is considering K9 howitzers [1].", "en"),
        ("Seoul is considering K9 howitzers. [1]", "en"),
        ("- **Seoul** is considering K9 howitzers [1].", "en"),
        ("About 1,500 soldiers arrived on 24 October, while Seoul considers howitzers [1, 2].", "en"),
        ("Der Sprecher sagte: „Alle Optionen liegen auf dem ‚Tisch‘“ [1].", "de"),
        ("Der Sprecher sagte: »Alle Optionen« [1].", "de"),
        ("Der Sprecher sagte, «Alle Optionen liegen» auf dem Tisch [1].", "de"),
        ("A spokesman said \"Alle Optionen liegen auf dem 'Tisch'.\" [1]", "en"),
        ("A spokesman spoke of the ‘Tisch’ [1].", "en"),
        ("The mayor said “It’s over,” and that the city's money was gone [3].", "en"),
        ("The soldiers' pay and the officers' pay are not mentioned by the mayor [3].", "en"),
        ("More stands at www.hafen.example [3].", "en"),
        ("Is Seoul considering howitzers? [1]", "en"),
    ],
)
def test_what_the_cited_quotes_hold_up_stands(sentence: str, lang: Lang) -> None:
    verdict = judge(tidy(sentence), CITATIONS, lang)
    assert (verdict.fault, verdict.detail) == (None, "")


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("Seoul is considering howitzers.", "no citation"),
        ("Seoul is considering howitzers [4].", "unknown citation"),
        ("Seoul is considering howitzers [1][9].", "unknown citation"),
        ("Seoul is considering howitzers [0].", "unknown citation"),
        ("Seoul is considering howitzers [1] [x].", "unknown citation"),
        ("Seoul is considering howitzers 【1】.", "unknown citation"),
        ("Seoul [1] is considering howitzers", "cut off"),
        ("[1].", "empty"),
        ("- ", "empty"),
        ('He said "all options are on the table" [1].', "quotation"),
        ("He said „Alle Optionen liegen“ [2].", "quotation"),
        ("He said “Optionen liegen auf dem Tischtuch” [1].", "quotation"),
        ("He said “ptionen liegen” [1].", "quotation"),
        ("He said “Optionen auf dem Tisch” [1].", "quotation"),
        ("He said “Alle Optionen [1].", "quotation"),
        ("He said “” [1].", "quotation"),
        ("He spoke of ‘howitzers’ [1].", "quotation"),
        ("About 3,000 soldiers arrived [2].", "figure"),
        ("About 1,500 soldiers arrived [1].", "figure"),
        ("1,500 soldiers arrived on 25 October [2].", "figure"),
        ("Three soldiers arrived [2].", "figure"),
        ("Putin laughed [1].", "name"),
        ("North Korean soldiers arrived in China [2].", "name"),
        ("North Korea's soldiers arrived [1].", "name"),
        ("See evil.example [1].", "link"),
        ("See https://127.0.0.1/x [1].", "link"),
        ("Write to a@b.de [1].", "link"),
        (f"Seoul is {'very ' * 200}quiet [1].", "too long"),
    ],
)
def test_what_they_do_not_hold_up_falls(sentence: str, wrong: str) -> None:
    assert fault(sentence) == wrong


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "One. [1] Two.[2] Three [1, 3]. Four [1-3]. Five. [1] [2]",
            "One [1]. Two [2]. Three [1][3]. Four [1][2][3]. Five [1][2].",
        ),
        ("„Eins.“ [1] Zwei [2].", "„Eins [1].“ Zwei [2]."),
        ("A [1] and B [2].", "A [1] and B [2]."),
        ("A [3-1] and B [1;2].", "A [3][1] and B [1][2]."),
        ("**A** `b` __c__ [1].", "A b c [1]."),
    ],
)
def test_citations_are_brought_into_one_form(written: str, shown: str) -> None:
    assert tidy(written).strip() == shown


@given(st.text(max_size=300), st.sampled_from(["de", "en"]))
def test_any_text_can_be_judged_and_what_stands_cites(text: str, lang: Lang) -> None:
    verdict = judge(tidy(text), CITATIONS, lang)
    if verdict.fault is None:
        assert re.search(r"\[[123]\]", verdict.text)
        assert len(verdict.text) <= LONGEST_SENTENCE
    assert "\n" not in verdict.text


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_a_number_stands_only_beside_itself(said: int, held: int) -> None:
    quotes = [citation(1, f"Es kamen {held:,} Leute.".replace(",", "."))]
    verdict = judge(f"Then {said:,} people came [1].", quotes, "en")
    assert (verdict.fault is None) == (said == held)
