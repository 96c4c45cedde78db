from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.only import days_of, is_void
from qa.periods import PERIOD, Day, Period, period_of, resolve

WHOLE = re.compile(PERIOD, re.IGNORECASE)


def said(text: str) -> Period | None:
    match = WHOLE.fullmatch(text)
    assert match, text
    return period_of(match)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("in October 2024", Period("in", Day(2024, 10))),
        ("im Oktober", Period("in", Day(None, 10))),
        ("on 24 October", Period("in", Day(None, 10, 24))),
        ("on Thursday, 24th of October 2024", Period("in", Day(2024, 10, 24))),
        ("am Donnerstag, dem 24. Oktober 2024", Period("in", Day(2024, 10, 24))),
        ("of Oct. 24, 2024", Period("in", Day(2024, 10, 24))),
        ("vom 24.10.2024", Period("in", Day(2024, 10, 24))),
        ("vom 24.10.", Period("in", Day(None, 10, 24))),
        ("aus dem Jahr 2024", Period("in", Day(2024))),
        ("before 2024-10", Period("before", Day(2024, 10))),
        ("vor Ende November", Period("before", Day(None, 11))),
        ("prior to the month of May 2024", Period("before", Day(2024, 5))),
        ("nach dem 1. November", Period("after", Day(None, 11, 1))),
        ("seit dem 24. Okt. 2024", Period("since", Day(2024, 10, 24))),
        ("from October 2024 onwards", Period("since", Day(2024, 10))),
        ("vom 1. Oktober an", Period("since", Day(None, 10, 1))),
        ("bis einschließlich 2024-10-24", Period("until", Day(2024, 10, 24))),
        ("between 1 and 5 November 2024", Period("between", Day(2024, 11, 1), Day(2024, 11, 5))),
        ("zwischen November und Januar 2025", Period("between", Day(2024, 11), Day(2025, 1))),
        ("von März 2023 bis zum Juni", Period("between", Day(2023, 3), Day(2023, 6))),
        ("from October 1 to 5", Period("between", Day(None, 10, 1), Day(None, 10, 5))),
        ("from 2022 to 2024", Period("between", Day(2022), Day(2024))),
        ("on October", None),
        ("am 31. November", None),
        ("vor dem 24.13.2024", None),
    ],
)
def test_a_period_as_people_say_it(text: str, period: Period | None) -> None:
    assert said(text) == period


@pytest.mark.parametrize("text", ["in", "on 5", "in 300", "vor 3000 Soldaten", "in Oktoberfest", "before", "1 October"])
def test_no_period(text: str) -> None:
    assert not WHOLE.fullmatch(text)


relations = st.sampled_from(["in", "before", "after", "since", "until"])
months = st.one_of(st.none(), st.integers(1, 12))
days = st.lists(st.dates().map(lambda day: day.isoformat()), max_size=6).map(sorted)


@given(relations, months, st.one_of(st.none(), st.integers(1, 28)), days)
def test_a_missing_year_is_one_of_the_articles(relation, month, day, published) -> None:
    only = resolve(Period(relation, Day(None, month or 10, day)), published)
    if only is None:
        return
    bounds = [days_of(text) for text in (only.since, only.until) if text]
    assert all(bounds)
    assert not is_void(only)
    if published and relation == "in":
        assert int((only.since or "")[:4]) in {int(one[:4]) for one in published}


def test_the_last_day_there_is_ends_nothing() -> None:
    assert resolve(Period("after", Day(2024, 12, 31)), []) == resolve(Period("since", Day(2025, 1, 1)), [])
