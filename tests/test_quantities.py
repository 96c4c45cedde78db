"""Numbers as German and English print them, what they count and which values they allow."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.quoting.quantities import Quantity, quantities, spelled
from qa.types import Lang

TEXTS = st.text(st.sampled_from("aAzZäß0123456789 .,-–%€$'’()„“:;\n") | st.characters(exclude_categories=["Cs"]))


def only(text: str, lang: Lang) -> Quantity:
    [found] = quantities(text, lang)
    return found


@pytest.mark.parametrize(
    ("text", "lang", "value", "noun"),
    [
        ("Dort stehen 1.500 Soldaten.", "de", 1500, "soldat"),
        ("Dort stehen 1500 Soldaten.", "de", 1500, "soldat"),
        ("Dort stehen 10 000 Soldaten.", "de", 10000, "soldat"),
        ("Es waren 12.345.678 Stimmen.", "de", 12345678, "stimm"),
        ("Die Brücke kostet 3,2 Millionen Euro.", "de", 3.2e6, "euro"),
        ("Die Brücke kostet 2,5 Mrd. Euro.", "de", 2.5e9, "euro"),
        ("Es nahmen dreitausend Menschen teil.", "de", 3000, "mensch"),
        ("Es nahmen zweitausendfünfhundert Menschen teil.", "de", 2500, "mensch"),
        ("Der Wert stieg um 12 Prozent.", "de", 12, "%"),
        ("Der Wert stieg um 19,3 %.", "de", 19.3, "%"),
        ("Some 1,500 soldiers are there.", "en", 1500, "soldier"),
        ("They sent 3,000 North Korean soldiers.", "en", 3000, "soldier"),
        ("It cost $5 million.", "en", 5e6, "dollar"),
        ("It cost €5.5 million.", "en", 5.5e6, "euro"),
        ("Twenty-one tanks were lost.", "en", 21, "tank"),
        ("Two thousand people came.", "en", 2000, "peopl"),
        ("It grew by 45 per cent.", "en", 45, "%"),
    ],
)
def test_a_number_is_read_with_what_it_counts(text: str, lang: Lang, value: float, noun: str) -> None:
    found = only(text, lang)
    assert found.value == pytest.approx(value)
    assert found.noun == noun


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Das war im Jahr 1994.", "de"),
        ("Am 24. Oktober 2024 um 14:17 Uhr.", "de"),
        ("Die K9-Haubitze verschießt 155-Millimeter-Granaten.", "de"),
        ("Apollo 11 landete.", "de"),
        ("Das gilt seit dem 3. Tag.", "de"),
        ("It was in 1994.", "en"),
        ("It happened on 3 October.", "en"),
        ("It was 1.500 or so.", "en"),
        ("Eine Frau kam.", "de"),
        ("Keine Zahl.", "de"),
        ("", "de"),
    ],
)
def test_years_days_times_names_and_doubtful_separators_are_no_quantities(text: str, lang: Lang) -> None:
    assert quantities(text, lang) == ()


@pytest.mark.parametrize(
    ("text", "lang", "low", "high"),
    [
        ("mehr als 10.000 Soldaten", "de", 10000, math.inf),
        ("mindestens 3000 Soldaten", "de", 3000, math.inf),
        ("bis zu 12.000 Soldaten", "de", 0, 12000),
        ("rund 2.600 Soldaten", "de", 2340, 2860),
        ("zwischen 3000 und 5000 Soldaten", "de", 3000, 5000),
        ("3000 bis 5000 Soldaten", "de", 3000, 5000),
        ("2 bis 3 Millionen Euro", "de", 2e6, 3e6),
        ("100-150 Arten", "de", 100, 150),
        ("mehrere tausend Soldaten", "de", 1000, 10000),
        ("more than 10,000 soldiers", "en", 10000, math.inf),
        ("up to 12,000 soldiers", "en", 0, 12000),
        ("between 3 and 5 soldiers", "en", 3, 5),
        ("about 2,600 soldiers", "en", 2340, 2860),
        ("3000 Soldaten", "de", 2950, 3050),
        ("7 Soldaten", "de", 7, 7),
    ],
)
def test_words_around_a_number_widen_it(text: str, lang: Lang, low: float, high: float) -> None:
    found = only(f"Es sind {text} dort." if lang == "de" else f"There are {text} there.", lang)
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("3000 Soldaten", "1500 Soldaten", False),
        ("3000 Soldaten", "rund 2.800 Soldaten", True),
        ("3000 Soldaten", "3012 Soldaten", True),
        ("3000 Soldaten", "mehr als 10.000 Soldaten", False),
        ("12.000 Soldaten", "mehr als 10.000 Soldaten", True),
        ("3000 Soldaten", "bis zu 12.000 Soldaten", True),
        ("3000 Soldaten", "mehrere tausend Soldaten", True),
    ],
)
def test_what_can_both_be_true_is_allowed_both_ways(one: str, other: str, *, both: bool) -> None:
    first, second = only(f"Es sind {one} dort.", "de"), only(f"Es sind {other} dort.", "de")
    assert first.allows(second) is second.allows(first) is both


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("siebzehn", 17),
        ("einundzwanzig", 21),
        ("dreihundert", 300),
        ("hunderteins", None),
        ("tausendzwei", 1002),
        ("und", None),
    ],
)
def test_german_number_words_are_put_together(word: str, value: float | None) -> None:
    assert spelled(word, "de") == value


@given(TEXTS, st.sampled_from(["de", "en"]))
def test_any_text_can_be_read_and_spans_lie_in_it(text: str, lang: Lang) -> None:
    for found in quantities(text, lang):
        assert 0 <= found.span.start <= found.number.start < found.number.end <= found.span.end <= len(text)
        assert found.low <= found.high
        assert found.allows(found)


@given(st.integers(2, 999), st.sampled_from(["de", "en"]))
def test_grouped_and_plain_digits_are_one_number(thousands: int, lang: Lang) -> None:
    sign = "." if lang == "de" else ","
    noun = "Soldaten" if lang == "de" else "soldiers"
    values = {only(f"x {thousands}{joint}500 {noun}", lang).value for joint in (sign, "")}
    assert values == {thousands * 1000 + 500}
