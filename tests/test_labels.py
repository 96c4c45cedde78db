"""Both languages say everything, dates read as people write them, and the browser's language decides."""

from __future__ import annotations

import string
from dataclasses import asdict

import pytest

from qa.labels import LABELS, format_date, format_duration, interface_language, tagline


def placeholders(text: str) -> set[str]:
    return {field.split(":")[0] for _, field, _, _ in string.Formatter().parse(text) if field}


def test_both_languages_have_every_text_with_the_same_places_to_fill() -> None:
    german, english = (asdict(LABELS[lang]) for lang in ("de", "en"))
    for name, text in german.items():
        if isinstance(text, str):
            assert text.strip()
            assert placeholders(text) == placeholders(english[name]), name


def test_no_text_was_left_in_the_other_language() -> None:
    alike = {name for name, text in asdict(LABELS["de"]).items() if asdict(LABELS["en"])[name] == text}
    assert alike == set()


def test_there_are_twelve_months_and_a_name_for_every_language() -> None:
    for labels in LABELS.values():
        assert len(set(labels.months)) == 12
        assert set(labels.language) == set(LABELS)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("DE-de", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("en;q=0.5, de;q=0.7", "de"),
        ("fr,de;q=0.9", "en"),
        ("den", "en"),
        ("*", "en"),
        ("de;q=x", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_preferred_language_decides(header: str | None, expected: str) -> None:
    assert interface_language(header) == expected


@pytest.mark.parametrize(
    ("published", "german", "english"),
    [
        ("2024-10-24T14:17", "24. Oktober 2024, 14:17 Uhr", "24 October 2024, 14:17"),
        ("2024-03-01T06:05", "1. März 2024, 06:05 Uhr", "1 March 2024, 06:05"),
        ("2024-10-24", "24. Oktober 2024", "24 October 2024"),
        ("Herbst 2024", "Herbst 2024", "Herbst 2024"),
        (None, "", ""),
    ],
)
def test_dates_read_as_people_write_them(published: str | None, german: str, english: str) -> None:
    assert format_date(published, "de") == german
    assert format_date(published, "en") == english


@pytest.mark.parametrize(
    ("ms", "german", "english"),
    [(0.2, "0 ms", "0 ms"), (84.4, "84 ms", "84 ms"), (999.6, "1,0 s", "1.0 s"), (1249, "1,2 s", "1.2 s")],
)
def test_durations(ms: float, german: str, english: str) -> None:
    assert format_duration(ms, "de") == german
    assert format_duration(ms, "en") == english


def test_the_tagline_counts() -> None:
    assert "einem Artikel" in tagline(1, "de")
    assert "5 articles" in tagline(5, "en")
    assert not any(character.isdigit() for character in tagline(0, "en"))
