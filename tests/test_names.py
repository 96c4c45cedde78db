"""Names in several spellings: the list, and finding one in a question."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qa import names
from qa.text import is_function_word
from qa.types import Lang

FILE = Path(names.__file__).with_name("data") / "names.txt"
LINES = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
WORD = re.compile(r"[^\W\d_]+")
GROUPS = [re.split("; | / ", line.removeprefix("= ")) for line in LINES]


def test_a_line_is_at_least_two_different_spellings() -> None:
    assert [
        group
        for group in GROUPS
        if len({tuple(WORD.findall(one.lower())) for one in group}) != len(group) or len(group) < 2
    ] == []
    assert [one for group in GROUPS for one in group if one != one.strip() or not WORD.search(one)] == []


def test_no_line_stands_twice_and_the_list_says_where_it_comes_from() -> None:
    assert len(set(LINES)) == len(LINES) > 400
    assert FILE.read_text(encoding="utf-8").startswith("# Names of places")


def test_no_name_is_a_function_word_in_lower_case() -> None:
    assert [word for word in names.single_words() if is_function_word(word)] == []


def test_every_spelling_leads_to_the_others_of_its_line() -> None:
    for group in GROUPS:
        for spelling in group:
            found = names.match(WORD.findall(spelling))
            assert found is not None, spelling
            assert set(found.others) >= {one for one in group if one.lower() != spelling.lower()}, spelling


@pytest.mark.parametrize(
    ("words", "length", "other"),
    [
        (["Kiev"], 1, "Kiew"),
        (["kyiv"], 1, "Kiew"),
        (["KYIV"], 1, "Kiew"),
        (["Pyongyang"], 1, "Pjöngjang"),
        (["Muenchen"], 1, "Munich"),
        (["Strassburg"], 1, "Strasbourg"),
        (["North", "Korea", "sent"], 2, "Nordkorea"),
        (["United", "States", "of", "America"], 4, "USA"),
        (["UN"], 1, "Vereinte Nationen"),
        (["WHO", "says"], 1, "Weltgesundheitsorganisation"),
    ],
)
def test_a_name_is_found_whatever_its_case(words: list[str], length: int, other: str) -> None:
    found = names.match(words)
    assert found is not None
    assert (found.length, found.genitive) == (length, False)
    assert other in found.others


@pytest.mark.parametrize("words", [["who"], ["us"], ["un"], ["soul"], ["north"], ["Korean"], []])
def test_a_word_is_no_name(words: list[str]) -> None:
    assert names.match(words) is None


def test_a_genitive_is_told_apart_from_a_name_that_ends_so() -> None:
    kievs, athens = names.match(["Kievs"]), names.match(["Athens"])
    assert kievs is not None
    assert kievs.genitive
    assert athens is not None
    assert (athens.genitive, athens.others) == (False, ("Athen",))


def test_parts_leave_function_words_out() -> None:
    assert names.parts("Charta der Vereinten Nationen") == ("charta", "vereinten", "nationen")
    assert names.parts("Côte d'Ivoire") == ("côte", "ivoire")


@pytest.mark.parametrize(
    ("typed", "lang", "other"),
    [
        ("South Korea", "en", None),
        ("South Korea", "de", "Südkorea"),
        ("Südkorea", "de", None),
        ("Suedkorea", "de", None),
        ("Südkorea", "en", "South Korea"),
        ("US", "en", None),
        ("Black Sea", "en", None),
        ("DPRK", "en", "Nordkorea"),
        ("Kyiv", "en", "Kiew"),
        ("Kiew", "de", "Kyiv"),
        ("Söul", "en", "Seoul"),
        ("Budanow", "de", "Budanov"),
    ],
)
def test_a_name_as_its_language_has_it_is_none_to_respell(typed: str, lang: Lang, other: str | None) -> None:
    found = names.match(typed.split(), lang)
    assert (found is None) if other is None else (found is not None and other in found.others)
