"""What a question asks for, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.quoting.asked import read_asked


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Wer leitete die Sitzung?", "person"),
        ("Who chaired the meeting?", "person"),
        ("Mit wem verbündete er sich?", "person"),
        ("Welcher Präsident reiste nach Polen?", "person"),
        ("Which poet wrote it?", "person"),
        ("Wann begann der Umbau der Brücke?", "date"),
        ("When did it start?", "date"),
        ("In welchem Jahr wurde sie gebaut?", "date"),
        ("Was war das Gründungsjahr der Stadt?", "date"),
        ("What year was it built?", "date"),
        ("Wo steht die Brücke?", "place"),
        ("Where is the bridge?", "place"),
        ("Welches Land lieferte die Waffen?", "place"),
        ("Which country sent the weapons?", "place"),
        ("Wie viele Soldaten sind dort?", "amount"),
        ("wieviele soldaten sind dort?", "amount"),
        ("How many soldiers are there?", "amount"),
        ("Wie hoch ist der Turm?", "amount"),
        ("How tall is the tower?", "amount"),
        ("What does a howitzer cost?", "amount"),
        ("Was kostet eine Haubitze?", "amount"),
        ("Was sagt er über die Kosten?", "thing"),
        ("What percentage of voters stayed at home?", "amount"),
        ("Welche Waffen erwog Seoul?", "thing"),
        ("Which weapons did Seoul consider?", "thing"),
        ("Wie heißt das Schiff?", "thing"),
        ("Womit wird geheizt?", "thing"),
        ("Warum wurde gestreikt?", "other"),
        ("Why did they strike?", "other"),
        ("Wie kam es dazu?", "other"),
        ("Gibt es Beweise?", "other"),
        ("k9 haubitze lieferung", "other"),
        ("", "other"),
    ],
)
def test_the_question_word_and_its_noun_say_what_is_asked_for(question: str, kind: str) -> None:
    assert read_asked(question).kind == kind


@pytest.mark.parametrize(
    ("question", "noun", "units", "plural"),
    [
        ("Wie viele nordkoreanische Soldaten sind dort?", ("soldat",), (), True),
        ("How many North Korean soldiers are there?", ("north", "korean", "soldier"), (), True),
        ("Wie viel Prozent stimmten zu?", ("prozent",), ("share",), False),
        ("How many years did it take?", ("year",), ("duration",), True),
        ("Wie lange dauerte die Reise?", (), ("duration",), False),
        ("Welche Waffen erwog Seoul?", ("waff",), (), True),
        ("Which weapons did Seoul consider?", ("weapon",), (), True),
        ("What is the name of the river?", ("river",), (), False),
    ],
)
def test_its_noun_and_units(question: str, noun: tuple[str, ...], units: tuple[str, ...], *, plural: bool) -> None:
    asked = read_asked(question)
    assert (asked.noun, asked.units, asked.plural) == (noun, units, plural)


def test_a_follow_up_is_read_after_its_topic() -> None:
    assert read_asked("nordkoreanische Soldaten Russland: Seit wann sind sie dort?").kind == "date"


@given(st.text())
def test_any_text_is_a_question(text: str) -> None:
    assert read_asked(text).kind in ("person", "place", "date", "amount", "thing", "other")


@pytest.mark.parametrize(
    ("question", "noun"),
    [
        ("wieviele nordkoreanische soldaten", "soldat"),
        ("wie viele soldaten schickte nordkorea", "soldat"),
        ("Wie viele nordkoreanische Soldaten sind dort?", "soldat"),
    ],
)
def test_the_noun_is_found_however_it_is_typed(question: str, noun: str) -> None:
    assert read_asked(question).noun == (noun,)
