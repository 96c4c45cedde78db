"""From what was typed to what is searched."""

from __future__ import annotations

from qa.asking import LONG, LONGEST_QUESTION, MOST_KEYWORDS, read
from tests.fakes import Words

WORDS = Words("kursk haubitzen soldaten artikel seoul südkorea".split())
CHATTER = "Ich habe gestern lange gelesen und dabei eine Kanne Tee getrunken. "


def test_a_question_is_searched_as_it_was_typed() -> None:
    reading = read("Wie viele  Soldaten sind in\u00a0Kursk?", WORDS)
    assert (reading.text, reading.aside, reading.keywords) == ("Wie viele Soldaten sind in Kursk?", None, ())


def test_courtesies_go_and_spelling_is_mended() -> None:
    assert read("Hallo, wie viele Soldtaen sind in Kurks? Danke!", WORDS).text == "wie viele Soldaten sind in Kursk?"


def test_an_aside_is_seen_before_and_after_mending() -> None:
    for typed in ("Welche Artikel gibt es?", "Welche Artikle gibt es?"):
        aside = read(typed, WORDS).aside
        assert aside is not None
        assert aside.kind == "articles"


def test_a_few_words_that_the_articles_all_have_are_keywords() -> None:
    assert read("Haubitzen?", WORDS).keywords == ("haubitzen",)
    assert read("haubizen kurks", WORDS).keywords == ("haubitzen", "kursk")
    assert read("Haubitzen K-9", Words(["haubitzen", "k9"])).keywords == ("haubitzen", "k9")
    assert read("Sauerteig", WORDS).keywords == ()
    assert read("Haubitzen Preis", WORDS).keywords == ()
    assert read(" ".join(["Kursk"] * (MOST_KEYWORDS + 1)), WORDS).keywords == ()


def test_a_long_text_is_searched_for_its_questions() -> None:
    asked = "Wie viele Soldaten sind in Kursk?"
    assert read(CHATTER * 12 + asked, WORDS).text == asked
    assert read(asked + " " + CHATTER * 12, WORDS).text == asked
    assert read(CHATTER * 60 + asked, WORDS).text == asked
    assert read(CHATTER + asked, WORDS).text == CHATTER + asked


def test_a_question_that_says_too_little_keeps_the_text_around_it_and_comes_first() -> None:
    text = read(CHATTER * 12 + "Warum das?", WORDS).text
    assert text.startswith("Warum das?\n")
    assert CHATTER.strip() in text


def test_a_long_text_without_a_question_is_cut() -> None:
    assert len(read(CHATTER * 100, WORDS).text) == LONGEST_QUESTION
    assert read(CHATTER * 10, WORDS).text == (CHATTER * 10).strip()
    assert len(CHATTER * 10) > LONG


def test_a_follow_up_is_mended_and_so_is_what_it_leans_on() -> None:
    reading = read("und wie viele Soldtaen in Kurks?", WORDS, ["Was plant Suedkorea?"])
    assert "Soldaten in Kursk" in reading.text
    assert reading.topic == "Was plant Südkorea?"


def test_asides_between_change_nothing() -> None:
    asked = "Wie viele Soldaten hat Seoul?"
    alone = read("Und warum?", WORDS, [asked])
    assert alone.topic == asked
    for aside in ("danke!", "was kannst du?", "Welche Artikel gibt es?", "Really?"):
        assert read("Und warum?", WORDS, [asked, aside]) == alone
    assert read("Und warum?", WORDS, [asked, "Welche Artikel gibt es?", "und der neueste?"]) == alone


def test_after_the_list_of_articles_more_is_asked_about_them() -> None:
    for question, kind in (
        ("Und der neueste?", "newest"),
        ("and the oldest?", "oldest"),
        ("wie viele sind es", "articles"),
    ):
        aside = read(question, WORDS, ["Welche Artikel gibt es?"]).aside
        assert aside is not None
        assert aside.kind == kind
        assert read(question, WORDS, ["Wer ist in Kursk?"]).aside is None
    assert read("Wer ist in Kursk?", WORDS, ["Welche Artikel gibt es?"]).aside is None


def test_an_aside_that_points_at_the_question_before_leans_on_it() -> None:
    assert read("how does it work?", WORDS).aside is not None
    assert read("how does it work?", WORDS, ["Which Haubitzen?"]).topic == "Which Haubitzen?"
    assert read("how do you work?", WORDS, ["Which Haubitzen?"]).aside is not None
    assert read("what is this?", WORDS, ["hi"]).aside is not None


def test_a_greeting_is_one_after_any_question() -> None:
    for said in ("danke", "Wie geht's?", "was kannst du?", "great, thanks"):
        assert read(said, WORDS, ["Wer ist in Kursk?"]) == read(said, WORDS)
