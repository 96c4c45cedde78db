"""Which words running text shows to be no names."""

from __future__ import annotations

from qa.train.common_words import count
from qa.train.pairs import Line


def test_case_and_translation_tell_names_from_other_words() -> None:
    lines = [
        Line((english,), (german,))
        for english, german in (
            ("Then the soldiers of Zelensky left Moscow.", "Dann verließen die Soldaten von Selenskyj Moskau."),
            ("Now soldiers and Zelensky see Moscow.", "Nun sehen Soldaten und Selenskyj auch Moskau."),
            ("Soldiers know Zelensky in Moscow.", "Man kennt in Soldaten und in Selenskyj auch Moskau."),
            (
                "The soldiers came; Zelensky stayed, Moscow too.",
                "Es kamen Soldaten, doch Selenskyj und Moskau blieben.",
            ),
        )
    ]
    english, german = count(lines)
    assert german.nouns() == {"soldaten"}
    assert "soldiers" in english.lower_case()
    assert {"und", "auch"} <= german.lower_case()
    assert english.lower_case().isdisjoint({"zelensky", "moscow"})
