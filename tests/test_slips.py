"""What a misspelt word was meant to be, and what a mistake costs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.lexical import plain_text
from qa.names import single_words
from qa.slips import (
    DOUBLED,
    FIRST,
    MARKED,
    MEANT,
    MOST_COMMON,
    OTHER,
    SHORTEST,
    SWAPPED,
    common_words,
    distance,
    meant_by,
)
from tests.fakes import Words

FILE = Path(__file__).parent.parent / "qa" / "data" / "common_words.txt.gz"


@pytest.mark.parametrize(
    ("typed", "words", "meant"),
    [
        ("kurks", ["kursk"], "kursk"),
        ("kuqsk", [], None),
        ("suedkorea", ["südkorea"], "südkorea"),
        ("sudkorea", ["südkorea"], "südkorea"),
        ("mueller", ["müller"], "müller"),
        ("brüxel", ["bruexel"], "bruexel"),
        ("koennte", [], "könnte"),
        ("mutter", ["mütter"], None),  # a common word
        ("zöllen", ["zollen"], None),
        ("pyongjang", [], "pjongjang"),  # a name that the list has
        ("pjongjang", ["pjöngjang"], "pjöngjang"),
        ("kiev", ["kieg"], None),  # another one
        ("kievs", ["kieks"], None),
        ("misiles", [], "missiles"),
        ("misiles", ["misilez"], "missiles"),  # a letter doubled is less than another letter
        ("nordkoreanshe", ["nordkoreanische"], "nordkoreanische"),
        ("verteidigunsminsterium", ["verteidigungsministerium", "verteidigung"], "verteidigungsministerium"),
        ("grenzte", ["grenze"], None),
        ("putn", ["putin"], None),  # four letters have too many neighbours
        ("puttin", ["putin"], "putin"),
        ("ptuin", ["putin"], "putin"),
        ("qqqqq", ["putin"], None),
    ],
)
def test_what_was_meant(typed: str, words: list[str], meant: str | None) -> None:
    assert meant_by(typed, Words(words)) == meant


@given(
    st.text("abcdeioäöüß", min_size=SHORTEST, max_size=14), st.lists(st.text("abcdeioäöüß", min_size=1, max_size=14))
)
def test_what_was_meant_is_known_and_near(typed: str, words: list[str]) -> None:
    vocabulary = Words(word for word in words if word != typed)  # it is asked about words that the articles lack
    meant = meant_by(typed, vocabulary)
    assert meant_by(typed, vocabulary) == meant
    if meant is not None:
        assert meant != typed
        assert abs(len(meant) - len(typed)) <= 6


@pytest.mark.parametrize(
    ("typed", "meant", "cost"),
    [
        ("kursk", "kursk", 0.0),
        ("kurks", "kursk", SWAPPED),
        ("kusk", "kursk", OTHER),
        ("kurssk", "kursk", DOUBLED),
        ("kafee", "kaffee", DOUBLED),
        ("kirsk", "kursk", OTHER),
        ("sudkorea", "südkorea", MARKED),
        ("zöllen", "zollen", MEANT),
        ("mursk", "kursk", OTHER + FIRST),
        ("ursk", "kursk", OTHER + FIRST),
        ("ukrsk", "kursk", SWAPPED + FIRST),
        ("krusk", "kursk", SWAPPED),
        ("", "ab", 2 * OTHER + FIRST),
        ("kursk", "kur", 2 * OTHER),
    ],
)
def test_what_mistakes_cost(typed: str, meant: str, cost: float) -> None:
    assert distance(typed, meant) == pytest.approx(cost)


def test_words_of_very_different_length_are_not_compared() -> None:
    assert distance("kursk", "kurskaja") == float("inf")


@given(st.text("abcdß", max_size=7), st.text("abcdß", max_size=7))
def test_without_umlauts_distance_is_symmetric_and_zero_for_equal_words_alone(one: str, other: str) -> None:
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert (distance(one, other) == 0.0) == (one == other)


def test_common_words_are_lower_case_letters_and_unique() -> None:
    lines = gzip.decompress(FILE.read_bytes()).decode().splitlines()
    words = [line for line in lines if not line.startswith("#")]
    assert len(words) == len(set(words)) == len(common_words())
    assert all(word.isalpha() and word == plain_text(word) for word in words)
    assert words[MOST_COMMON:] == sorted(words[MOST_COMMON:])
    assert FILE.stat().st_size < 250_000


def test_a_word_is_mended_to_frequent_words_alone() -> None:
    rare = [word for word, rank in common_words().items() if rank >= MOST_COMMON and len(word) == 9][::100]
    rare = [word for word in rare if word not in single_words()]
    found = [meant_by(f"{word[:4]}q{word[4:]}", Words([])) for word in rare]
    assert not set(found) & set(rare)
