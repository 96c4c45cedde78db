"""Words, their stems, and when two of them are one."""

from __future__ import annotations

import pytest

from qa.quoting.words import closed_class, phrase_at, read_words, same_word, stem


def test_a_word_knows_whether_its_capital_says_anything() -> None:
    words = read_words("Einbestellt hat Seoul: Der Botschafter kam.", "de")
    assert [word.text for word in words if word.capital and not word.first] == ["Seoul", "Botschafter"]


@pytest.mark.parametrize(("word", "stemmed"), [("Häuser", "haus"), ("Soldaten", "soldat"), ("Brücke", "bruck")])
def test_endings_and_umlauts_go(word: str, stemmed: str) -> None:
    assert stem(word, "de") == stemmed


@pytest.mark.parametrize(
    ("one", "other", "same", "crossed"),
    [
        ("Soldaten", "Soldat", True, False),
        ("Rüstung", "Rüstungsexport", True, False),
        ("Soldaten", "soldiers", False, False),
        ("Soldaten", "soldiers", True, True),
        ("Akademie", "academy", True, True),
        ("Wasser", "weapons", False, True),
    ],
)
def test_forms_of_one_word_across_languages_by_sound(one: str, other: str, *, same: bool, crossed: bool) -> None:
    [first], [second] = read_words(one, "de"), read_words(other, "en" if crossed else "de")
    assert same_word(first, second, crossed=crossed) is same


def test_entries_of_several_words_are_found_as_such() -> None:
    words = read_words("Es sind mehr als drei.", "de")
    assert phrase_at(words, 4, closed_class("de", "at_least"), before=True) == 2
    assert phrase_at(words, 0, closed_class("de", "at_least")) == 0
