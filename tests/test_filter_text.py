from __future__ import annotations

import pytest

from qa.filter_text import filter_fault, filter_words, filtered_abstention, only_note, search_remark
from qa.only import FilterError, read_only
from qa.types import Answer, Only


@pytest.mark.parametrize(
    ("only", "de", "en"),
    [
        (Only(), "", ""),
        (Only("2024", "2024"), "2024", "2024"),
        (Only("2024-10", "2024-10"), "Oktober 2024", "October 2024"),
        (Only("2024-10-24", "2024-10-24"), "24. Oktober 2024", "24 October 2024"),
        (Only("2024-10-24", "2024-11"), "24. Oktober 2024 bis November 2024", "24 October 2024 to November 2024"),
        (Only("2024-03"), "ab März 2024", "from March 2024"),
        (Only(None, "2023"), "bis 2023", "until 2023"),
        (Only(outlets=("ntv.de", "KBS")), "ntv.de, KBS", "ntv.de, KBS"),
        (Only("2024", None, ("ntv.de",)), "ab 2024 · ntv.de", "from 2024 · ntv.de"),
    ],
)
def test_a_filter_in_words(only: Only, de: str, en: str) -> None:
    assert (filter_words(only, "de"), filter_words(only, "en")) == (de, en)
    assert only_note(only, "de") == (f"Nur Artikel: {de}" if only else "")


def test_an_abstention_names_the_filter_and_says_whether_there_is_an_answer_without_it() -> None:
    only = Only("2024-10", "2024-10")
    there, nowhere = (filtered_abstention(only, "en", elsewhere=elsewhere) for elsewhere in (True, False))
    assert there == "The filtered articles (October 2024) do not say. Without the filter there is an answer."
    assert nowhere == "The filtered articles (October 2024) do not say, and neither do all the others."
    assert "Ohne den Filter gibt es eine Antwort" in filtered_abstention(only, "de", elsewhere=True)


def test_the_remark_is_about_what_differs_from_the_question() -> None:
    def remark(searched_for: str, only: Only) -> str:
        return search_remark(Answer("Was?", "answered", "", (), 0.5, (), searched_for, "de", None, {}, only=only))

    assert remark("Was?", Only()) == ""
    assert remark("Wer: Was?", Only()) == "Gesucht wurde nach: Wer: Was?"
    assert remark("Was?", Only("2024")) == "Nur Artikel: ab 2024"
    assert remark("Wer: Was?", Only("2024")) == "Gesucht wurde nach: Wer: Was? · Nur Artikel: ab 2024"


@pytest.mark.parametrize(
    ("given", "known", "de", "en"),
    [
        (
            ("Oktober", None, ()),
            (),
            "„Erschienen ab“: Oktober ist kein Datum. Möglich sind 2024-10-24, 2024-10 und 2024.",
            "“Published from”: Oktober is not a date. Write 2024-10-24, 2024-10 or 2024.",
        ),
        (
            (None, "2024-13", ()),
            (),
            "„Erschienen bis“: 2024-13 ist kein Datum. Möglich sind 2024-10-24, 2024-10 und 2024.",
            "“Published until”: 2024-13 is not a date. Write 2024-10-24, 2024-10 or 2024.",
        ),
        (
            ("2024-11-02", "2024-10", ()),
            (),
            "„Erschienen ab“ (2. November 2024) liegt nach „Erschienen bis“ (Oktober 2024). Bitte tauschen.",
            "“Published from” (2 November 2024) lies after “Published until” (October 2024). Please swap them.",
        ),
        (
            (None, None, ("ntv",)),
            ("euronews", "ntv.de"),
            "Kein Artikel stammt von „ntv“. Gemeint: ntv.de?",
            "No article is from “ntv”. Did you mean ntv.de?",
        ),
        (
            (None, None, ("qqqq",)),
            tuple(f"o{n}" for n in range(8)),
            "Kein Artikel stammt von „qqqq“. Es gibt: o0, o1, o2, o3, o4 und 3 weitere.",
            "No article is from “qqqq”. There are: o0, o1, o2, o3, o4 and 3 more.",
        ),
        (
            (None, None, ("ntv",)),
            (),
            "Kein Artikel stammt von „ntv“. Kein Artikel nennt sein Medium.",
            "No article is from “ntv”. No article names its outlet.",
        ),
    ],
)
def test_the_page_says_what_is_wrong_with_a_filter_in_the_words_of_its_fields(given, known, de, en) -> None:
    with pytest.raises(FilterError) as error:
        read_only(*given, known)
    assert (filter_fault(error.value, "de"), filter_fault(error.value, "en")) == (de, en)
