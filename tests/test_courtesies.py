"""Courtesies: alone, around a question, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.courtesies import COURTESIES, courtesy, question_start, without_courtesies


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("hi, which weapons did Seoul consider?", "which weapons did Seoul consider?"),
        ("hi which weapons did Seoul consider", "which weapons did Seoul consider"),
        ("Guten Tag! Wer ist Budanov? Danke!", "Wer ist Budanov?"),
        ("Hello there! Who is Kirby? Thanks a lot", "Who is Kirby?"),
        ("Können Sie mir bitte sagen, wer Budanov ist?", "wer Budanov ist?"),
        ("hey, could you please tell me who Kirby is", "who Kirby is"),
        ("Wer ist Budanov, bitte?", "Wer ist Budanov"),
        ("Hast du Artikel über Kursk?", "Kursk?"),
        ("hi, what do you know about Kursk", "Kursk"),
        ("Wovon handelt der Artikel über Budanov?", "Budanov?"),
        ("Hello Kitty", "Hello Kitty"),
        ("Hallo", "Hallo"),
        ("hi, thanks", "hi, thanks"),
        ("Wie sagt man danke", "Wie sagt man danke"),
        ("Wer ist Budanov?", "Wer ist Budanov?"),
        ("Please release me", "Please release me"),
    ],
)
def test_courtesies_around_a_question_are_taken_off(text: str, question: str) -> None:
    assert without_courtesies(text) == question


@given(st.text(max_size=60))
def test_what_is_left_is_a_part_of_the_text_and_never_nothing(text: str) -> None:
    left = without_courtesies(text)
    assert left in text
    assert bool(left) == bool(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi", "greeting"),
        ("Really?", "reaction"),
        ("ja", "reaction"),
        ("ok super, vielen Dank", "thanks"),
        ("Danke, das war hilfreich", "thanks"),
        ("great, thank you for that", "thanks"),
        ("hi, thanks", "thanks"),
        ("hallo und danke", "thanks"),
        ("danke und tschüss", "goodbye"),
        ("are you sure?", "reaction"),
    ],
)
def test_a_text_that_asks_nothing_is_a_courtesy(text: str, kind: str) -> None:
    said = courtesy(text)
    assert said is not None
    assert said.kind == kind
    assert question_start(text) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?!",
        "Hello Kitty",
        "thanks to whom?",
        "is that right?",
        "ok, and why?",
        "Danke für die Waffen",
        "und",
        "super Mario",
    ],
)
def test_a_text_that_asks_something_is_none(text: str) -> None:
    assert courtesy(text) is None


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("thanks, und warum?", "und warum?"),
        ("danke und die Haubitzen?", "und die Haubitzen?"),
        ("ok, great. And Russia?", "And Russia?"),
        ("Really? Why?", "Why?"),
        ("ja, und wer noch?", "und wer noch?"),
        ("is that right?", "is that right?"),
        ("Wer ist Budanov? Danke", "Wer ist Budanov? Danke"),
        ("hi", ""),
    ],
)
def test_the_question_begins_after_courtesies_and_reactions(text: str, question: str) -> None:
    assert text[question_start(text) :] == question


def test_a_reaction_before_a_question_stays_in_what_is_searched() -> None:
    assert without_courtesies("Yes, Minister: who wrote it?") == "Yes, Minister: who wrote it?"


def test_a_request_stays_where_nothing_else_has_content() -> None:
    assert without_courtesies("Can you tell me why?") == "Can you tell me why?"
    assert without_courtesies("Can you tell me why Seoul hesitates?") == "why Seoul hesitates?"


@given(st.lists(st.sampled_from("hi danke , . und why Kursk ok bot bitte you is great \n".split(" ")), max_size=10))
def test_any_text_has_a_start_of_its_question(parts: list[str]) -> None:
    text = " ".join(parts)
    assert 0 <= question_start(text) <= len(text)
    said = courtesy(text)
    assert said is None or (said.kind in COURTESIES and question_start(text) == len(text))
