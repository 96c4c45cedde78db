"""A model's prose on the page: text and nothing but text, marked as what it is, its citations leading to the quotes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from qa.labels import LABELS, left_out_note
from qa.prose_turn import prose_turn
from qa.types import Prose
from tests.browser.fakes import HOSTILE
from tests.test_pages import TEXTS, answered, cited, parse

ANSWER = answered(cited("Die Brücke ist zu."), cited("Sie ist alt.", number=2, article_id="b 2", title=None))


def test_without_prose_there_is_no_turn() -> None:
    assert prose_turn(ANSWER, "en") == ""


def test_prose_is_marked_as_written_by_a_model_and_its_citations_open_the_articles() -> None:
    prose = Prose("The bridge is closed [1][2].", "tiny", faults=("name", "figure"))
    tree = parse(prose_turn(replace(ANSWER, prose=prose), "de"))
    assert tree.all("p", "qa-prose-text")[0].text() == "The bridge is closed [1][2]."
    assert tree.all("p", "qa-prose-text")[0].attributes["lang"] == "en"
    first, second = tree.all("button", "qa-cite")
    assert first.attributes["value"] == "a1 5 23"
    assert second.attributes["value"] == "b%202 5 17"
    assert first.attributes["title"] == "Beleg 1: „Titel“ an diesem Satz öffnen"
    (note,) = tree.all("p", "qa-note")
    assert "Vom Sprachmodell tiny geschrieben." in note.text()
    assert "2 Sätze fielen weg" in note.text()


def test_while_it_is_written_the_page_says_so() -> None:
    tree = parse(prose_turn(replace(ANSWER, prose=Prose("", "tiny", complete=False)), "en"))
    (note,) = tree.all("p", "qa-waiting")
    assert note.text() == "The language model tiny is summing up the quotes …"
    assert note.attributes["role"] == "status"


def test_where_nothing_came_one_line_says_why_in_the_language_of_the_question() -> None:
    prose = Prose("", "tiny", faults=("name",), reason="timeout", message="Zu spät.")
    tree = parse(prose_turn(replace(ANSWER, lang="de", prose=prose), "en"))
    (line,) = tree.all("p")
    assert (line.text(), line.attributes["lang"], line.attributes["role"]) == ("Zu spät.", "de", "status")


@given(text=TEXTS, model=TEXTS)
def test_prose_and_model_are_text_whatever_they_hold(text: str, model: str) -> None:
    turn = prose_turn(replace(ANSWER, prose=Prose(text.replace("[", "(") + "x", model)), "en")
    assert "\n" not in turn
    tree = parse(turn)
    assert tree.all("p", "qa-prose-text")[0].text() == text.replace("[", "(") + "x"
    assert tree.tags() == {"root", "div", "p", "button"}
    (copied,) = tree.all("button")  # what a copy of the answer begins with
    assert set(copied.attributes) == {"type", "class", "value"}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_prose_is_text(hostile: str) -> None:
    tree = parse(prose_turn(replace(ANSWER, prose=Prose(f"{hostile} [1].", "m")), "en"))
    assert tree.tags() == {"root", "div", "p", "span", "button"}


def test_what_was_left_out_is_counted() -> None:
    assert left_out_note(0, "en") == ""
    assert left_out_note(1, "en") == LABELS["en"].left_out_one
    assert left_out_note(3, "de").startswith("3 Sätze")
