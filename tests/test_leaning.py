"""Which questions lean on an earlier one, by their own words."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.turns.binding import is_bound
from qa.turns.classes import closed_class
from qa.turns.leaning import LONGEST, fragment, leans, refers_back
from qa.turns.words import preposition, read
from tests.turns import ALONE, COURTESY, LEANING

WORDS = Path(__file__).parent.parent / "qa" / "data" / "conversation_words.toml"


@pytest.mark.parametrize("question", LEANING)
def test_it_leans(question: str) -> None:
    assert leans(read(question))


@pytest.mark.parametrize("question", ALONE)
def test_it_stands_alone(question: str) -> None:
    assert not leans(read(question))
    assert not read(question).courtesy


@pytest.mark.parametrize("said", COURTESY)
def test_courtesy_asks_nothing(said: str) -> None:
    assert read(said).courtesy
    assert not leans(read(said))


@pytest.mark.parametrize(
    ("question", "refers"),
    [
        # A personal pronoun means a word of an earlier clause, a possessive any word before it.
        ("What did Yoon say when he met Trump?", False),
        ("When did Yoon meet him?", True),
        ("Did Yoon say he would help?", False),
        ("Did Yoon say they would help?", True),
        ("Did Yoon and Trump say they would meet?", False),
        ("Does Russia pay its soldiers?", False),
        ("How well are their soldiers paid?", True),
        ("What did Yoon say before them?", True),
        ("Who is his deputy?", True),
        ("Who lost his passport?", False),
        ("Wann traf Yoon ihn?", True),
        ("Was sagte Yoon, als er Trump traf?", False),
        ("Zahlt Russland seine Soldaten?", False),
        ("Wie wird ihre Anlage bezahlt?", True),
        ("Kann das sein?", True),
        ("Welche Artikel haben Sie?", False),
        ("Kennen Sie Ihre Artikel?", False),
        ("Welche Artikel habt ihr?", False),
        # "It" and "es" that mean nothing.
        ("Is it possible to visit Kursk?", False),
        ("Was it delivered to Ukraine?", True),
        ("How long does it take to learn Korean?", False),
        ("How long does it take?", True),
        ("Ist es erlaubt, nach Kursk zu reisen?", False),
        ("Worum geht es in den Berichten?", False),
        ("Wer hat es geliefert?", True),
        # "That" as a conjunction, "there" that only says that something is, "das" as an article.
        ("Did Yoon say that Seoul will help?", False),
        ("Who said that to Trump?", True),
        ("Are there soldiers in Kursk?", False),
        ("What do soldiers do there?", True),
        ("Wer zeigte das neue System?", False),
        ("Wie heißt das in Kursk gezeigte System?", False),
        ("Wer hat das in Kursk gezeigt?", True),
        ("wer hat das system gezeigt", False),
        ("wer hat das gezeigt", True),
        ("Der Minister, der das Land besuchte: wer ist er?", False),
        # What looks ahead, and what points at now.
        ("Was sagt Seoul dazu, dass Truppen kommen?", False),
        ("Was sagt Seoul dazu?", True),
        ("Who leads the party this year?", False),
        ("Who leads this party?", True),
        ("Wer führt das Land in diesem Jahr?", False),
        ("How do the US and WHO see IT?", False),
    ],
)
def test_a_word_refers_back_unless_the_question_says_what_it_means(question: str, refers: bool) -> None:
    assert refers_back(read(question)) == refers


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("And the howitzers?", "the howitzers"),
        ("thanks. What about Russia?", "Russia"),
        ("Wie sieht es mit den Haubitzen aus?", "den Haubitzen"),
        ("was ist denn mit polen?", "polen"),
        ("Was ist mit dem Botschafter passiert?", ""),
        ("Und liefert Polen Haubitzen?", ""),
        ("And who is Kirby?", ""),
        ("Russia?", ""),
        ("and", ""),
        ("what about", ""),
    ],
)
def test_a_fragment_is_a_noun_without_a_verb(question: str, words: str) -> None:
    assert [token.text for token in fragment(read(question))] == words.split()


def test_a_long_text_brings_what_its_pronouns_mean() -> None:
    assert leans(read("And he said " + "so " * (LONGEST - 3)))
    assert not leans(read("And he said " + "so " * (LONGEST - 2)))


@pytest.mark.parametrize("topic", ["Budanov: what does he say?", "Kim Jong Un, Moskau: und dann?"])
def test_a_topic_before_a_colon_is_what_is_meant(topic: str) -> None:
    assert not leans(read(topic))


def test_a_colon_after_nothing_is_no_topic() -> None:
    assert leans(read("Noch eine Frage: warum?"))
    assert leans(read("And then: why?"))


def test_umlauts_may_be_typed_as_two_letters() -> None:
    assert leans(read("Was spricht dafuer?"))
    assert {"dafür", "dafuer"} <= closed_class("de", "adverb")


@pytest.mark.parametrize(
    ("german", "english"), [("nach Kursk", "to Kursk"), ("im Osten", "in Osten"), ("mit ihr", "with her")]
)
def test_prepositions_meet_across_the_languages(german: str, english: str) -> None:
    assert preposition(read(f"und {german}?"), read(f"und {german}?").tokens) == english.partition(" ")[0]


def test_a_word_before_the_pronoun_is_looked_for_in_the_right_clause() -> None:
    reading = read("What did Yoon say when he met Trump?")
    at = [token.word for token in reading.asked].index("he")
    assert is_bound(reading, at)
    assert not is_bound(reading, at, plural=True)
    assert not is_bound(reading, 2)


@pytest.mark.parametrize("lang", ["de", "en"])
def test_classes_hold_words_in_lower_case_once(lang: str) -> None:
    for name, words in tomllib.loads(WORDS.read_text(encoding="utf-8"))[lang].items():
        listed = words.split()
        assert len(listed) == len(set(listed)), name
        assert words == words.lower(), name


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    reading = read(text)
    assert leans(reading) == leans(read(text))
    assert all(token.span.of(text) == token.text for token in reading.tokens)
    assert all(token in reading.asked for token in fragment(reading))


@given(st.lists(st.sampled_from(sorted(word for lang in ("de", "en") for word in closed_class(lang, "clause") | closed_class(lang, "person") | closed_class(lang, "wh") | {"Kim", "sagte", ",", "?", ":"}) ), max_size=12))  # fmt: skip
def test_any_row_of_function_words_can_be_read(words: list[str]) -> None:
    assert leans(read(" ".join(words))) in {True, False}
