from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.only import (
    CodeRange,
    Days,
    FilterError,
    both,
    codes_of,
    days_of,
    is_void,
    iso_day,
    outlet_names,
    outlet_numbers,
    ranges_of,
    read_only,
)
from qa.types import Only, Source
from tests.fakes import article

KNOWN = ("euronews", "KBS World Radio", "ntv.de")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2024", Days("2024-01-01", "2024-12-31")),
        ("2024-10", Days("2024-10-01", "2024-10-31")),
        ("2024-02", Days("2024-02-01", "2024-02-29")),
        ("2024-10-24", Days("2024-10-24", "2024-10-24")),
        ("2024-13", None),
        ("2023-02-29", None),
        ("0000", None),
        ("24.10.2024", None),
        ("2024-1", None),
        ("", None),
    ],
)
def test_a_date_has_the_precision_it_is_written_with(text: str, days: Days | None) -> None:
    assert days_of(text) == days


def test_what_is_given_is_read() -> None:
    assert read_only(" 2024-10 ", "", ["kbs  world radio", "NTV.de", " ", "ntv.de"], KNOWN) == Only(
        "2024-10", None, ("KBS World Radio", "ntv.de")
    )
    assert not read_only(None, None, [], KNOWN)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("october", None, ()), "since 'october' is not a date - write 2024-10-24, 2024-10 or 2024"),
        ((None, "2024-02-30", ()), "until '2024-02-30' is not a date - write 2024-10-24, 2024-10 or 2024"),
        (("2024-11", "2024-10", ()), "since 2024-11 lies after until 2024-10 - swap them"),
        ((None, None, ("ntv",)), "no article is from an outlet called 'ntv' - did you mean 'ntv.de'?"),
        (
            (None, None, ("Spiegel",)),
            "no article is from an outlet called 'Spiegel' - there are 'euronews', 'KBS World Radio', 'ntv.de'",
        ),
    ],
)
def test_what_cannot_be_is_one_line_that_mends_it(given: tuple, says: str) -> None:
    with pytest.raises(FilterError) as error:
        read_only(*given, KNOWN)
    assert str(error.value) == says
    assert error.value.exit_code == 2


def test_outlets_that_are_not_there_are_not_all_listed() -> None:
    with pytest.raises(FilterError, match=r"'o4' and 3 more$"):
        read_only(None, None, ["qqqq"], [f"o{n}" for n in range(8)])
    with pytest.raises(FilterError, match="no article names its outlet"):
        read_only(None, None, ["x"], [])


def test_one_day_is_within_its_month_and_a_year_may_end_after_its_month() -> None:
    assert not is_void(Only("2024-10-24", "2024-10"))
    assert not is_void(Only("2024-10", "2024"))
    assert is_void(Only("2025", "2024"))


def test_two_filters_leave_what_both_let_in() -> None:
    given = Only("2024", "2024-10", ("ntv.de",))
    assert both(given, Only("2024-10", "2024")) == Only("2024-10", "2024-10", ("ntv.de",))
    assert both(Only(), Only("2024")) == Only("2024")
    assert is_void(both(Only("2025"), Only(None, "2024-10")))


def test_a_publication_has_a_number_for_its_day_and_one_with_its_outlet() -> None:
    copies = (Source("b.md", outlet="B", published=None), Source("c.md", published="2025-01-02"))
    one = article("T", published="2024-10-24T14:17", outlet="A", also=copies)
    names = outlet_names([one])
    assert names == ("A", "B")
    assert codes_of(one, outlet_numbers(names)) == (20241024, 20250102, 1_20241024, 2_00000000)
    assert codes_of(article("T"), {}) == ()
    assert codes_of(article("T", published="soon"), {}) == ()


def test_a_filter_is_ranges_of_these_numbers() -> None:
    numbers = {"a": 1, "b": 2}
    assert ranges_of(Only("2024-10", "2024-10"), numbers) == (CodeRange(20241001, 20241031),)
    assert ranges_of(Only(None, "2024", ("B",)), numbers) == (CodeRange(2_00000001, 2_20241231),)
    assert ranges_of(Only(outlets=("b", "a", "none")), numbers) == (
        CodeRange(1_00000000, 1_99991231),
        CodeRange(2_00000000, 2_99991231),
    )
    assert ranges_of(Only("2025", "2024"), numbers) == ()


def test_outlets_are_one_whatever_their_case() -> None:
    articles = [article("T", outlet=name) for name in ("ntv.de", "NTV.de", "KBS", None)]
    assert outlet_names(articles) == ("KBS", "NTV.de")


@given(st.dates())
def test_days_go_through_their_numbers(day) -> None:
    (code,) = codes_of(article("T", published=day.isoformat()), {})
    assert iso_day(code) == day.isoformat()
