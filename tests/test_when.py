"""Restrictions on the reports are told from the dates of events, over a table of questions in both languages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.measuring.questions import read_questions
from qa.periods import resolve
from qa.types import Only
from qa.when import read_time

DATA = Path(__file__).parent / "data"
TABLE = tomllib.loads((DATA / "questions_time.toml").read_text(encoding="utf-8"))
CASES = [(one, corpus["days"]) for corpus in TABLE["corpus"] for one in corpus["questions"]]
EVAL = Path(__file__).parent.parent / "eval"


def test_the_table_is_large_enough() -> None:
    assert len({one["ask"] for one, _ in CASES if one["only"]}) >= 40


@pytest.mark.parametrize(("one", "days"), CASES, ids=[one["ask"] for one, _ in CASES])
def test_what_a_question_restricts_the_reports_to(one: dict[str, str], days: list[str]) -> None:
    said = read_time(one["ask"])
    only = resolve(said.period, days) if said.period else None
    assert (f"{only.since or '-'} / {only.until or '-'}" if only else "") == one["only"]
    assert said.text == one.get("search", one["ask"])


@pytest.mark.parametrize("question", TABLE["latest"][0]["wanted"])
def test_the_latest_is_wanted(question: str) -> None:
    assert read_time(question).latest


@pytest.mark.parametrize("question", TABLE["latest"][0]["not_wanted"])
def test_the_latest_is_not_wanted(question: str) -> None:
    assert not read_time(question).latest


def test_what_is_left_restricts_nothing_any_more() -> None:
    """So that it can be asked again without the filter."""
    for one, _ in CASES:
        assert read_time(read_time(one["ask"]).text).period is None


def test_questions_that_were_not_written_for_this_are_left_alone() -> None:
    """Of our own questions none restricts the reports, though many hold dates."""
    asked = [q.text for name in ("questions", "follow_ups") for q in read_questions(EVAL / f"{name}.jsonl")]
    assert [text for text in asked if read_time(text).period] == []


def test_a_year_is_never_taken_from_today_where_there_are_dates() -> None:
    period = read_time("articles from October").period
    assert period is not None
    assert resolve(period, ["1999-10-01"]) == Only("1999-10", "1999-10")
    without = resolve(period, [])
    assert without is not None
    assert (without.since or "").endswith("-10")


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    said = read_time(text)
    assert said.period is not None or said.text == text


@given(
    st.lists(
        st.sampled_from(
            "articles reports Artikel die in im vom before vor 24 Oktober October 2024 1. bis to , ?".split()
        ),
        max_size=14,
    )
)
def test_any_row_of_these_words_is_read(words: list[str]) -> None:
    said = read_time(" ".join(words))
    if said.period:
        resolve(said.period, ["2024-10-24", "2025-01-01"])
