"""What a question names, and what takes the place of what."""

from __future__ import annotations

import pytest

from qa.turns.parts import Part, is_known, pairs, parts
from qa.turns.words import read


def named(question: str) -> list[Part]:
    reading = read(question)
    return parts(reading, reading.tokens)


def test_parts_know_their_kind_and_their_preposition() -> None:
    found = named("How many soldiers did North Korea send to Russia in October?")
    assert [(part.text, part.kind, part.preposition) for part in found] == [
        ("soldiers", "asked", ""),
        ("North Korea", "name", ""),
        ("send", "other", ""),
        ("Russia", "name", "to"),
        ("October", "date", "in"),
    ]


def test_german_nouns_are_told_from_names_by_their_article() -> None:
    found = named("Was sagte die NATO im Sommer 2024 über den russischen Botschafter und Peskow?")
    assert [(part.text, part.kind, part.preposition) for part in found] == [
        ("sagte", "other", ""),
        ("die NATO", "name", ""),
        ("Sommer", "name", "in"),
        ("2024", "date", ""),
        ("den russischen Botschafter", "noun", "about"),
        ("Peskow", "name", ""),
    ]


def test_a_verb_is_no_part_of_what_is_asked_for() -> None:
    assert [part.text for part in named("How many soldiers died?")] == ["soldiers"]
    assert named("Which air defence systems could Seoul deliver?")[0].text == "air defence systems"


@pytest.mark.parametrize("question", ["How many soldiers died?", "Was sagte die NATO im Mai über Peskow?", ""])
def test_parts_stand_where_they_say(question: str) -> None:
    assert all(part.span.of(question) == part.text for part in named(question))


@pytest.mark.parametrize(
    ("earlier", "later", "taken"),
    [
        ("How many ships did Norway sell to Chile in April?", "Peru", [("Norway", "Peru")]),
        ("How many ships did Norway sell to Chile in April?", "to Peru", [("Chile", "Peru")]),
        ("How many ships did Norway sell to Chile in April?", "planes", [("ships", "planes")]),
        ("How many ships did Norway sell to Chile in April?", "in June", [("April", "June")]),
        ("How many ships did Norway sell to Chile in April?", "from Peru", []),
        ("How many ships did Norway sell to Chile in April?", "Norway", []),
        ("When did Yoon visit Oslo?", "Trump, Bergen", [("Yoon", "Trump"), ("Oslo", "Bergen")]),
        ("Wie begründet die Ukraine das?", "und Russland", [("die Ukraine", "Russland")]),
        ("Was sagte Kahl über die Brücke?", "und die Stadt", [("Kahl", "die Stadt")]),
        ("Did Oslo invite the Danish minister?", "the Swedish minister", [("the Danish", "the Swedish")]),
    ],
)
def test_a_part_takes_the_place_of_one_like_it(earlier: str, later: str, taken: list[tuple[str, str]]) -> None:
    assert [(pair.old.text, pair.new.text) for pair in pairs(read(earlier), named(later))] == taken


def test_an_adjective_takes_the_place_of_an_adjective() -> None:
    earlier = "Wie viele dänische Schiffe liegen hier?"
    (pair,) = pairs(read(earlier), named("und schwedische"))
    assert pair.kept == "Schiffe"
    assert pair.displaced == {"dänis"}
    assert pair.put_into(earlier) == "Wie viele schwedische Schiffe liegen hier?"


def test_what_is_known_needs_no_place() -> None:
    olds = named("What does Yoon say about soldiers?")
    assert is_known(named("the soldiers")[0], olds)
    assert not is_known(named("the sailors")[0], olds)
