"""Which words running text shows to be no names."""

from __future__ import annotations

from qa.train.common_words import Pair, count


def test_case_and_translation_tell_names_from_other_words() -> None:
    pairs = [
        Pair("Then the soldiers of Zelensky left Moscow.", "Dann verließen die Soldaten von Selenskyj Moskau."),
        Pair("Now soldiers and Zelensky see Moscow.", "Nun sehen Soldaten und Selenskyj auch Moskau."),
        Pair("Soldiers know Zelensky in Moscow.", "Man kennt in Soldaten und in Selenskyj auch Moskau."),
        Pair(
            "The soldiers came; Zelensky stayed, Moscow too.", "Es kamen Soldaten, doch Selenskyj und Moskau blieben."
        ),
    ]
    english, german = count(pairs)
    assert german.nouns() == {"soldaten"}
    assert "soldiers" in english.lower_case()
    assert {"und", "auch"} <= german.lower_case()
    assert english.lower_case().isdisjoint({"zelensky", "moscow"})
