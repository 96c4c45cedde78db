"""One figure in all its spellings, and different figures kept apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Lang
from qa.writing.figures import figures, is_month, stated, word_number


def holds(claim: str, source: str, lang: Lang = "en", of: Lang = "de") -> bool:
    """Whether every figure of a claim stands in a source."""
    held = stated(source, of)
    return all(not figure.readings.isdisjoint(held) for figure in figures(claim, lang))


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("1,500 soldiers", "1.500 Soldaten"),
        ("1500 soldiers", "1.500 Soldaten"),
        ("1 500 soldiers", "1500 Soldaten"),
        ("fifteen hundred soldiers", "1.500 Soldaten"),
        ("two thousand six hundred", "zweitausendsechshundert"),
        ("2,600", "zweitausendsechshundert"),
        ("3.2 million euros", "3,2 Millionen Euro"),
        ("3,200,000 euros", "3,2 Mio. Euro"),
        ("4.5 billion", "4,5 Milliarden"),
        ("a million", "eine Million"),
        ("1 trillion", "1 Billion"),
        ("12 percent", "12 %"),
        ("twelve per cent", "zwölf Prozent"),
        ("12%", "12 Prozent"),
        ("half of them", "50 Prozent"),
        ("two-thirds", "zwei Drittel"),
        ("a quarter", "ein Viertel"),
        ("24 October", "am 24. Oktober"),
        ("October 24", "am 24. Oktober 2024"),
        ("October 24, 2024", "am 24.10.2024"),
        ("24th of October", "2024-10-24"),
        ("in October", "am 24. Oktober"),
        ("in May", "im Mai"),
        ("on the 24th", "am 24. Oktober"),
        ("24 and 25 October", "vom 24. bis 25. Oktober"),
        ("at 2:17 pm", "um 14.17 Uhr"),
        ("at 2 p.m.", "um 14 Uhr"),
        ("thousands of soldiers", "Tausende Soldaten"),
        ("several thousand soldiers", "mehrere tausend Soldaten"),
        ("tens of thousands", "Zehntausende"),
        ("dozens", "Dutzende"),
        ("the K-9 howitzer", "K9-Haubitzen"),
        ("for three days", "dreitägig"),
        ("the twenty-first day", "der einundzwanzigste Tag"),
        ("the third time", "zum dritten Mal"),
        ("30 seconds", "dreißig Sekunden"),
        ("in the 1990s", "in den 1990er Jahren"),
        ("they may go", "sie gehen"),
        ("one of them", "sie"),
    ],
)
def test_the_same_figure_in_another_spelling_is_held_up(claim: str, source: str) -> None:
    assert holds(claim, source)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("3,000 soldiers", "1.500 Soldaten"),
        ("15,000 soldiers", "1.500 Soldaten"),
        ("12 soldiers", "12 Prozent"),
        ("12 percent", "12 Soldaten"),
        ("1.5 million", "1,5 Milliarden"),
        ("1 billion", "1 Billion"),
        ("24 October", "am 3. Oktober kamen 24 Soldaten"),
        ("24 soldiers", "am 24. Oktober"),
        ("24 November", "am 24. Oktober"),
        ("24 October 2023", "am 24. Oktober 2024"),
        ("in May", "im Juni"),
        ("thousands", "Hunderte"),
        ("hundreds of thousands", "Zehntausende"),
        ("the F-16", "die F-15"),
        ("9 howitzers", "K9-Haubitzen"),
        ("a third", "die Hälfte"),
        ("three soldiers", "Soldaten"),
        ("at 3 pm", "um 14 Uhr"),
    ],
)
def test_another_figure_is_not(claim: str, source: str) -> None:
    assert figures(claim, "en")
    assert not holds(claim, source)


@given(st.integers(0, 999_999_999))
def test_a_number_is_itself_whatever_parts_its_thousands(number: int) -> None:
    spellings = [str(number), f"{number:,}", f"{number:,}".replace(",", "."), f"{number:,}".replace(",", "\u202f")]
    assert {reading for text in spellings for figure in figures(text, "de") for reading in figure.readings} == {
        f"n:{number}"
    }


@given(st.text(max_size=120), st.sampled_from(["de", "en"]))
def test_any_text_holds_up_its_own_figures(text: str, lang: Lang) -> None:
    assert holds(text, text, lang, lang)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("zweiundvierzig", 42),
        ("hundertzwanzig", 120),
        ("einhunderteinundzwanzig", 121),
        ("zehntausend", 10_000),
        ("tausend", 1000),
        ("dreihundertfünfzigtausend", 350_000),
        ("vierfach", 4),
        ("haus", None),
        ("hund", None),
        ("und", None),
        ("", None),
    ],
)
def test_german_number_words(word: str, value: int | None) -> None:
    assert word_number(word) == value


def test_months_are_told_by_their_capital() -> None:
    assert is_month("Mai")
    assert not is_month("may")
    assert not is_month("")


@pytest.mark.parametrize("number", ["9" * 23, "1" + "0" * 22 + " Prozent", "9" * 40 + " Billionen"])
def test_numbers_of_any_length_hold_themselves_up(number: str) -> None:
    assert holds(number, number, "de", "de")
