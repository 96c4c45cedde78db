"""A quote grows to a short run only where the sentence cannot be read alone, and always by whole sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.chunks import quotable_spans
from qa.quoting.runs import LONGEST, grown, points_back, run_around
from qa.text import sentences
from qa.types import Lang, Span
from tests.fakes import article


def run(text: str, sentence: str, lang: Lang = "de") -> str:
    start = text.index(sentence)
    return run_around(article(text, lang=lang), Span(start, start + len(sentence))).of(text)


LIST = "Antragsteller brauchen drei Dinge:\n\n- einen Pass\n\n- zwei Fotos\n\n- eine Adresse\n\nDas Amt ist offen."


@pytest.mark.parametrize(
    ("text", "sentence", "quote", "lang"),
    [
        ("Peskow ist Sprecher. Er widersprach.", "Er widersprach.", "Peskow ist Sprecher. Er widersprach.", "de"),
        ("Sie kam. Diese Lösung hält.", "Diese Lösung hält.", "Sie kam. Diese Lösung hält.", "de"),
        ("Es regnet. Das ist gut.", "Das ist gut.", "Es regnet. Das ist gut.", "de"),
        ("Es regnet. Das Land ist nass.", "Das Land ist nass.", "Das Land ist nass.", "de"),
        ("Es regnet. Es gibt Hoffnung.", "Es gibt Hoffnung.", "Es gibt Hoffnung.", "de"),
        ("Eva kam.\n\nSie ging.", "Sie ging.", "Sie ging.", "de"),
        ("Eva kam. Sie ging. Er blieb.", "Er blieb.", "Eva kam. Sie ging. Er blieb.", "de"),
        ("A. came late. It was cold.", "It was cold.", "It was cold.", "en"),
        ("The bridge is shut. This costs jobs.", "This costs jobs.", "The bridge is shut. This costs jobs.", "en"),
        ("The bridge is shut. They protest.", "They protest.", "The bridge is shut. They protest.", "en"),
        ("The bridge is shut. Jobs go.", "Jobs go.", "Jobs go.", "en"),
        ("Budanow kam. Zudem drohte er Kim.", "Zudem drohte er Kim.", "Budanow kam. Zudem drohte er Kim.", "de"),
        (
            "Eva kam. Mit 39 Jahren ist sie alt.",
            "Mit 39 Jahren ist sie alt.",
            "Eva kam. Mit 39 Jahren ist sie alt.",
            "de",
        ),
        ("Eva kam. Yoon traf sie.", "Yoon traf sie.", "Eva kam. Yoon traf sie.", "de"),
        ("Eva came. In May, they left.", "In May, they left.", "Eva came. In May, they left.", "en"),
        ("Eva came. However, she left.", "However, she left.", "Eva came. However, she left.", "en"),
        (LIST, "- zwei Fotos", LIST[: LIST.index("\n\nDas")], "de"),
        (LIST, "Antragsteller brauchen drei Dinge:", LIST[: LIST.index("\n\nDas")], "de"),
        ("- einen Pass\n\n- zwei Fotos", "- zwei Fotos", "- zwei Fotos", "de"),
    ],
)
def test_what_a_quote_is(text: str, sentence: str, quote: str, lang: Lang) -> None:
    assert run(text, sentence, lang) == quote


def test_a_long_neighbour_is_left_out() -> None:
    text = f"{'Wort ' * LONGEST}Ende. Er ging."
    assert run(text, "Er ging.") == "Er ging."


def test_a_part_of_a_sentence_stays_as_it_is() -> None:
    assert run("Eva kam. Er ging und blieb fort.", "Er ging") == "Er ging"


LINES = ["Wer darf kommen?", "Kinder bis zwölf.", "Auch deren Eltern.", "Das Bad ist alt.", "Bitte vorher anrufen."]


def grow(parts: list[str], at: int, likely: list[int], between: str = "\n\n") -> list[str]:
    """What the sentence ``at`` grows to."""
    text, spans = between.join(parts), []
    for part in parts:
        start = spans[-1].end + len(between) if spans else 0
        spans.append(Span(start, start + len(part)))
    return grown(text, spans[at], [spans[n] for n in likely]).of(text).split(between)


@pytest.mark.parametrize(
    ("at", "likely", "run_of"),
    [(1, [1, 2], [1, 2]), (1, [2, 0, 1], [0, 1, 2]), (1, [1, 3], [1]), (4, [2, 4, 3], [2, 3, 4]), (2, [], [2])],
)
def test_on_a_page_of_lines_likely_neighbours_join_without_a_gap(at: int, likely: list[int], run_of: list[int]) -> None:
    assert grow(LINES, at, likely) == [LINES[n] for n in run_of]


def test_paragraphs_of_several_sentences_mark_what_belongs_together() -> None:
    assert grow(LINES, 1, [0, 1, 2], between="\n") == [LINES[1]]


def test_the_likelier_neighbour_comes_first_and_the_run_has_its_length() -> None:
    long = "Wort " * (LONGEST // 8)
    assert grow([f"{long}a.", "Ja.", f"{long}b."], 1, [2, 0]) == ["Ja.", f"{long}b."]


@pytest.mark.parametrize(
    ("sentence", "lang"),
    [("„Er kam.“", "de"), ("His car burned.", "en"), ("(Dies gilt.)", "de"), ("„Jetzt geht er.“", "de")],
)
def test_quotation_marks_and_brackets_do_not_hide_the_pronoun(sentence: str, lang: Lang) -> None:
    assert points_back(sentence, lang)


@pytest.mark.parametrize(
    ("sentence", "lang"),
    [
        ("Yoon sagte, er werde reisen.", "de"),
        ("Yoon reist und er spricht.", "de"),
        ("Als er ankam, sprach Yoon.", "de"),
        ("Die Frau, die ihn sah, ging.", "de"),
        ("Bitte melden Sie sich.", "de"),
        ("Am Montag kam Yoon in Warschau an und lange danach traf ihn Duda.", "de"),
        ("The president said he would go.", "en"),
        ("When they came, Kim left.", "en"),
        ("Kim left because he had to.", "en"),
        ("In Seoul, the minister, he said, was late.", "en"),
    ],
)
def test_a_pronoun_that_its_own_sentence_may_explain_asks_for_no_other(sentence: str, lang: Lang) -> None:
    assert not points_back(sentence, lang)


SENTENCES = st.sampled_from(
    [
        "Er kam.",
        "Eva Maier kam an.",
        "Dies ist neu.",
        "- ein Punkt",
        "Es folgt:",
        "Das war es.",
        "1. eins",
        "Sie gingen!",
    ]
)


@given(st.lists(st.tuples(SENTENCES, st.sampled_from([" ", "\n\n"])), min_size=1, max_size=9))
def test_a_run_is_whole_sentences_around_the_one(parts: list[tuple[str, str]]) -> None:
    text = "".join(sentence + gap for sentence, gap in parts).strip()
    source = article(text)
    whole = sentences(text, "de")
    for span in quotable_spans(source):
        found = run_around(source, span)
        assert found.start <= span.start
        assert found.end >= span.end
        assert found.start in {one.start for one in whole}
        assert found.end in {one.end for one in whole}
