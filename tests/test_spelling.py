"""Mending: what is changed, what never is, and what a mistake costs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.lexical import LexicalDoc, LexicalIndex, plain_text
from qa.slips import common_words
from qa.spelling import MOST_UNKNOWN, mend
from tests.fakes import Words

TEXT = (
    "Südkorea prüft die Lieferung von Haubitzen und Luftverteidigungssystemen an Kiew. Nordkoreanische Soldaten stehen "
    "in Kursk. Pjöngjang und Moskau schweigen. Der Außenminister trank Kaffee mit Budanov. Nordkorea, Süße, Straße."
)


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    index = LexicalIndex.create(tmp_path_factory.mktemp("words") / "index")
    index.add([LexicalDoc(1, TEXT, "Ein Titel", "de"), LexicalDoc(2, "Kursk, Kursk and Kiew again.", "", "en")])
    index.commit()
    return index


@pytest.mark.parametrize(
    ("typed", "mended"),
    [
        ("Nordkoreanishe Soldaten", "Nordkoreanische Soldaten"),
        ("nordkoreanishe soldaten", "nordkoreanische soldaten"),
        ("NORDKOREANISHE SOLDATEN", "NORDKOREANISCHE SOLDATEN"),
        ("Luftvertedigungsystemen?", "Luftverteidigungssystemen?"),
        ("Haubizen für Kiew", "Haubitzen für Kiew"),
        ("Kurks", "Kursk"),
        ("Kafee", "Kaffee"),
        ("Kafffee", "Kaffee"),
        ("Suedkorea", "Südkorea"),
        ("Sudkorea", "Südkorea"),
        ("Pjoengjang", "Pjöngjang"),
        ("Pjoengjan", "Pjöngjang"),
        ("Suesse", "Süße"),
        ("Süd Korea", "Südkorea"),
        ("Nord-Korea", "Nordkorea"),
        ("Kiev", "Kiew"),
        ("Kyivs Antwort", "Kiews Antwort"),
        ("Was sagen North Korea und South Korea", "Was sagen Nordkorea und Südkorea"),
        ("Pyongyang", "Pjöngjang"),
        ("Pyongjang", "Pjöngjang"),
        ("Budanow", "Budanov"),
        ("fuer Moscow", "für Moskau"),
        ("wepons for Kiev", "weapons for Kiew"),
        ("the misiles", "the missiles"),
        ("“Nordkoreanishe”", "“Nordkoreanische”"),
    ],
)
def test_a_slip_is_mended(articles: LexicalIndex, typed: str, mended: str) -> None:
    assert mend(typed, articles) == mended


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "?!",
        "Südkorea prüft die Lieferung",
        "Haubitze",  # another form of a word that is there
        "weapons and ships",  # common words that the articles lack
        "Die Mutter der Straßen",  # a common word, though the articles have "Süße" and umlauts
        "K9 K2 F-35 B2x 155mm",  # a figure or type is no misspelling of another
        "KURZK Pakt",  # capitals are an abbreviation where the rest is none
        "kurk@kiev.example https://kiev.example/Haubizen www.kurk.de",
        "Was heißt „Haubizen“ genau?",
        'Who wrote "Kiev"?',
        "who told us",  # neither the WHO nor the USA
        "soul",  # not Söul
        "Xkqzvrt",
        "Kurs",  # short words have too many neighbours
        "Kürsk Zöllen",  # who has the key for an umlaut means it
        "grenzte lieferten",  # forms of words that are there or common
    ],
)
def test_what_may_be_right_is_left_alone(articles: LexicalIndex, typed: str) -> None:
    assert mend(typed, articles) == typed


def test_a_name_is_searched_in_the_spelling_that_most_passages_have() -> None:
    assert mend("Kyiv", Words(["kiew"])) == "Kiew"
    assert mend("Kyiv", Words(["kiew", "kiev", "kiev"])) == "Kiev"
    assert mend("Kyiv", Words(["kyiv", "kiew", "kiew"])) == "Kyiv"
    assert mend("Kyiv", Words(["moskau"])) == "Kyiv"


def test_the_longest_name_is_read_first() -> None:
    known = Words(["un", "weltsicherheitsrat"])
    assert mend("Was sagt der UN Security Council?", known) == "Was sagt der Weltsicherheitsrat?"
    assert mend("the UN Security Council", known) == "the UN Security Council"


def test_two_words_are_joined_only_where_one_of_them_is_missing() -> None:
    assert mend("Waffen Lieferung", Words(["waffenlieferung", "waffen"])) == "Waffenlieferung"
    assert mend("Waffen Lieferung", Words(["waffenlieferung", "waffen", "lieferung"])) == "Waffen Lieferung"


def test_of_equally_near_words_the_frequent_one_is_meant() -> None:
    assert mend("Gorbel", Words(["gorbal", "gorbul", "gorbul"])) == "Gorbul"
    assert mend("Gorbel", Words(["gorbul", "gorbal", "gorbal"])) == "Gorbal"


def test_the_articles_words_come_before_common_ones() -> None:
    assert "weapons" in common_words()
    assert mend("weapins", Words(["weapina"])) == "weapina"
    assert mend("weapins", Words([])) == "weapons"


def test_gibberish_is_given_up_soon() -> None:
    words = Words(["kursk"])
    mend(" ".join(f"q{letter}xzvbnk" * 2 for letter in "abcdefghijklmnopqrstuvwxyz"), words)
    assert words.asked < 26 * 20
    assert mend(" ".join(["Kurks"] * MOST_UNKNOWN), words) == " ".join(["Kursk"] * MOST_UNKNOWN)


TYPED = st.lists(
    st.one_of(
        st.sampled_from(plain_text(TEXT).split()),
        st.sampled_from(
            "Suedkorea Kiev north korea Kurks Haubizen weapons fuer Süd und the K9 „ “ Kyivs, PYONGYANG".split()
        ),
        st.text(max_size=9),
        st.text("abcdehiknorsuäöüß ", max_size=12),
    ),
    max_size=12,
).map(" ".join)


@settings(max_examples=200)
@given(typed=TYPED)
def test_mending_twice_is_mending_once(articles: LexicalIndex, typed: str) -> None:
    mended = mend(typed, articles)
    assert mend(mended, articles) == mended
    assert mend(typed, articles) == mended


@settings(max_examples=200)
@given(words=st.lists(st.sampled_from(TEXT.split()), max_size=12))
def test_words_that_the_articles_have_are_never_changed(articles: LexicalIndex, words: list[str]) -> None:
    assert mend(" ".join(words), articles) == " ".join(words)


@settings(max_examples=200)
@given(typed=TYPED)
def test_no_word_that_the_articles_have_is_lost(articles: LexicalIndex, typed: str) -> None:
    """It may be joined with its neighbour to a word they have, or be part of a name that they write otherwise."""
    mended = plain_text(mend(typed, articles))
    for word in plain_text(typed).split():
        if word.isalpha() and articles.frequency(word):
            assert word in mended


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Wann war Gegeen Kaiser?", ["gegen", "kaiser"]),
        ("Tore von Son Heung-min", ["tore"]),
        ("Was schwächte die US-Wirtschaft?", ["usa", "wirtschaft"]),
    ],
)
def test_what_may_be_a_name_is_left_alone(question: str, words: list[str]) -> None:
    assert mend(question, Words(words)) == question


def test_the_same_slips_elsewhere_are_mended() -> None:
    assert mend("Gegeen wen war der Kaiser?", Words(["kaiser"])) == "Gegen wen war der Kaiser?"
    assert mend("K-Haubizen und Haubizen-Typen", Words(["haubitzen", "typen"])) == "K-Haubitzen und Haubitzen-Typen"
