"""Which words are names, and which names another text holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Lang
from qa.writing.names import Source, unsupported

GERMAN = (
    "Südkoreas Präsident Yoon Suk Yeol und der russische Außenminister Lawrow sprachen am Dienstag in Pjöngjang mit "
    "Selenskyj und NATO-Generalsekretär Rutte über nordkoreanische Soldaten und den Typ Cheongung-II. John Kirby, "
    "Sprecher des Nationalen Sicherheitsrates der USA, und Scholz schwiegen, so Putins Verteidigungsminister Schoigu."
)


def missing(text: str, lang: Lang = "en", source: str = GERMAN, of: Lang = "de") -> list[str]:
    return unsupported(text, lang, Source([source], [of]))


@pytest.mark.parametrize(
    "text",
    [
        "South Korea's President Yoon Suk Yeol met Russia's Foreign Minister Lavrov in Pyongyang on Tuesday.",
        "Zelensky and NATO Secretary General Rutte talked about North Korean soldiers.",
        "Kirby, spokesman of the U.S. National Security Council, did not speak; Putin’s defence minister Shoigu did.",
        "Soldiers from North Korea, weapons, and the Air Force were discussed. However, nobody knows.",
        "The Korean peninsula matters to us in October, and in May.",
        "Scholz's silence was noted, I think.",
    ],
)
def test_names_of_the_other_language_are_found_again(text: str) -> None:
    assert missing(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Putin and Macron talked.", ["Macron"]),
        ("Merkel spoke.", ["Merkel"]),
        ("Soldiers from China went to Moscow on Wednesday.", ["China", "Moscow", "Wednesday"]),
        ("Polish Foreign Minister Sikorski agreed.", ["Polish", "Sikorski"]),
        ("HACKED by Mallory.", ["HACKED", "Mallory"]),
        ("The European Union and the White House agreed.", ["European Union", "White House"]),
        ("Ukrainian soldiers fell.", ["Ukrainian"]),
        ("Yoon Tae Yeol spoke.", ["Tae"]),
        ("They were told by Mark Rutte, or by Rose Rutte.", ["Mark", "Rose"]),
    ],
)
def test_a_name_that_does_not_stand_there_is_told(text: str, names: list[str]) -> None:
    assert missing(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Laut Kirby schwiegen Yoons Sprecherin und der Generalstab zu den Waffensystemen.", []),
        ("Der Militärgeheimdienst der Südkoreaner und die Regierung in Seoul lobten Macron.", ["Seoul", "Macron"]),
        ("Französische Soldaten kamen nach Heidelberg.", ["Französische", "Heidelberg"]),
        ("Die ukrainische Armee", ["ukrainische"]),
    ],
)
def test_german_nouns_are_no_names(text: str, names: list[str]) -> None:
    assert missing(text, "de") == names


def test_german_text_over_english_quotes() -> None:
    english = "North Korea's troops left Moscow for Kyiv, Lavrov told the U.N. Security Council on Monday."
    german = (
        "Nordkoreas Truppen verließen laut Lawrow am Montag Moskau in Richtung Kiew; das hörte der UN-Sicherheitsrat."
    )
    assert missing(german, "de", english, "en") == []
    assert missing("Südkoreas Truppen verließen Minsk.", "de", english, "en") == ["Südkoreas", "Minsk"]


def test_iceland_is_no_island() -> None:
    assert missing("The Island is far.", "en", "Die Insel ist weit.") == []
    assert missing("Island ist weit.", "de", "Iceland is far.", "en") == []


@given(st.text(max_size=200), st.sampled_from(["de", "en"]))
def test_any_text_holds_its_own_names(text: str, lang: Lang) -> None:
    assert missing(text, lang, text, lang) == []
