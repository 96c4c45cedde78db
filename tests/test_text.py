"""Normalising, spans, words and language: invariants on any text, then the hard cases one by one."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.text import (
    content_words,
    is_function_word,
    language,
    letter_ngrams,
    normalise,
    paragraphs,
    sentences,
    umlauts_spelt_out,
    words,
    words_id,
)
from qa.train import language as training
from qa.types import Lang

DATA = Path(__file__).parent / "data"
CASES = [json.loads(line) for line in (DATA / "sentences_de_en.jsonl").read_text(encoding="utf-8").splitlines()]
QUESTIONS = [line.split("\t") for line in (DATA / "questions_de_en.tsv").read_text(encoding="utf-8").splitlines()]

#: Pieces that meet every rule of the splitter; plain random text would hardly ever form "z. B." or a list.
ABBREVIATED = ["Das", "haus", "Dr.", "z.", "B.", "3.", "Oktober", "XIV.", "10.000", "U.S.", "e.g.", "5", "St.", "Mio."]
MARKS = [". ", "! ", "?", "…", "...", ".", "“", "„", '"', "»", "(", ")", "[1]", " – ", "- ", "* ", "1. ", ":", ","]
BLANKS = [
    "\n",
    "\n\n",
    "\n \n",
    " ",
    "\t",
    "\r\n",
    "\u00ad",
    "\u200b",
    "\ufeff",
    "\u00a0",
    "e\u0301",
    "ß",
    "😀",
    "\x1d",
]
PIECES = st.sampled_from([*ABBREVIATED, *MARKS, *BLANKS])
MIXED = st.one_of(
    st.text(max_size=60), st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES, max_size=30).map(" ".join)
)
LANGS = st.sampled_from(["de", "en"])


def split(text: str, lang: Lang = "de") -> list[str]:
    return [span.of(text) for span in sentences(text, lang)]


# --- normalise ---


@settings(deadline=None)
@given(MIXED)
def test_normalise_is_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@settings(deadline=None)
@given(MIXED)
def test_normalised_text_has_the_promised_form(text: str) -> None:
    once = normalise(text)
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert "\n\n\n" not in once
    assert "  " not in once
    assert all(line == line.strip() for line in once.split("\n"))
    assert all(char in " \n" or not char.isspace() for char in once)
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} and char != "\n" for char in once)


@settings(deadline=None)
@given(MIXED)
def test_normalise_keeps_every_visible_character(text: str) -> None:
    def visible(string: str) -> str:
        # "Cn" and "Mn" hold the few unassigned and joining code points that are invisible.
        dropped = {"Cc", "Cf", "Cs", "Cn", "Mn", "Zs", "Zl", "Zp"}
        return "".join(
            char for char in unicodedata.normalize("NFD", string) if unicodedata.category(char) not in dropped
        )

    assert visible(normalise(text)) == visible(text.replace("\u3164", ""))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("\ufeffTitel\r\n\r\n\r\nText", "Titel\n\nText"),
        ("a\rb", "a\nb"),
        ("5\u00a0Mio.\u202fEuro\tund\u2003mehr", "5 Mio. Euro und mehr"),
        ("Waf\u00adfen\u200bliefe\u2060rung", "Waffenlieferung"),
        ("\u202eabc\u2066d\u2069", "abcd"),
        ("a\x00b\x07c\x1b[0m", "abc[0m"),
        ("u\u0308ber", "über"),
        ("u\u200b\u0308ber", "über"),
        ("  a  \n   \n\t\n b ", "a\n\nb"),
        ("a\u2028b\u2029c", "a\nb\n\nc"),
        ("Waffen\u00ad\nlieferung", "Waffenlieferung"),
        ("a\ud800b", "ab"),
        ("", ""),
    ],
)
def test_normalise(raw: str, expected: str) -> None:
    assert normalise(raw) == expected


# --- paragraphs ---


@settings(deadline=None)
@given(MIXED)
def test_paragraphs_cover_the_text_without_outer_blanks(text: str) -> None:
    spans = paragraphs(text)
    assert all(span.of(text) and span.of(text) == span.of(text).strip() for span in spans)
    assert all("\n\n" not in span.of(text) for span in spans)
    assert "".join("".join(span.of(text).split()) for span in spans) == "".join(text.split())


def test_paragraphs_are_parted_by_blank_lines() -> None:
    text = "Titel\n\nErste Zeile\nzweite Zeile\n \nEnde"
    assert [span.of(text) for span in paragraphs(text)] == ["Titel", "Erste Zeile\nzweite Zeile", "Ende"]


# --- sentences ---


@settings(deadline=None)
@given(MIXED, LANGS)
def test_sentences_cover_every_character_once_in_order(text: str, lang: Lang) -> None:
    spans = sentences(text, lang)
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert all(span.of(text) and span.of(text) == span.of(text).strip() for span in spans)
    assert "".join("".join(span.of(text).split()) for span in spans) == "".join(text.split())


@settings(deadline=None)
@given(MIXED, LANGS)
def test_sentences_stay_inside_paragraphs(text: str, lang: Lang) -> None:
    text = normalise(text)
    around = paragraphs(text)
    for span in sentences(text, lang):
        assert "\n\n" not in span.of(text)
        assert any(paragraph.start <= span.start and span.end <= paragraph.end for paragraph in around)


@settings(deadline=None)
@given(st.lists(st.sampled_from([case for case in CASES if case["lang"] == "de"]), min_size=1, max_size=4))
def test_cases_hold_in_running_text(cases: list[dict[str, object]]) -> None:
    text = "\n\n".join(str(case["text"]) for case in cases)
    assert split(text) == [sentence for case in cases for sentence in case["sentences"]]  # type: ignore[attr-defined]


def test_there_are_enough_hard_cases() -> None:
    langs = [case["lang"] for case in CASES]
    assert langs.count("de") >= 60
    assert langs.count("en") >= 20
    assert len({case["text"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:50])
def test_hard_case(case: dict[str, object]) -> None:
    assert split(str(case["text"]), "de" if case["lang"] == "de" else "en") == case["sentences"]


def test_offsets_are_code_points() -> None:
    text = "😀 Ja. Nein."
    assert [(span.start, span.end) for span in sentences(text, "de")] == [(0, 5), (6, 11)]


@pytest.mark.parametrize("text", ["", " \n\n ", "\u00a0"])
def test_no_text_no_sentences(text: str) -> None:
    assert sentences(text, "de") == []
    assert paragraphs(text) == []


@pytest.mark.parametrize("text", ["...", "?!", "„“", "(", "1.", "–"])
def test_marks_alone_are_one_sentence(text: str) -> None:
    assert split(text) == [text]


def test_case_tells_a_name_from_an_abbreviation() -> None:
    assert split("Nobody liked Phil. Then he left.", "en") == ["Nobody liked Phil.", "Then he left."]
    assert split("Dort sprach Dr. phil. Weber.") == ["Dort sprach Dr. phil. Weber."]


def test_the_language_decides_about_ordinals() -> None:
    assert split("He came in 3rd on May 12. Obama won.", "en") == ["He came in 3rd on May 12.", "Obama won."]
    assert split("Das war am 12. Geburtstag.", "de") == ["Das war am 12. Geburtstag."]


def test_an_unclosed_bracket_does_not_join_the_rest() -> None:
    text = "Er kam (spät. Sie ging. Das war alles."
    assert split(text) == ["Er kam (spät.", "Sie ging.", "Das war alles."]


@pytest.mark.parametrize("domain", ["Amazon.Com", "www.Beispiel.De", "ntv.de", "Readme.md", "z.Beispiel", "Prof.Weber"])
def test_a_stop_inside_a_name_is_no_lost_space(domain: str) -> None:
    assert split(f"Er las {domain} gern.") == [f"Er las {domain} gern."]


def test_wrapped_lines_are_joined_and_chosen_breaks_part() -> None:
    wrapped = (
        "Die Regierung in der Hauptstadt prüft nach eigenen Angaben viele\n"
        "Waffen, darunter Haubitzen und Systeme zur Abwehr aus der Luft.\n"
        "Beschlossen ist davon nichts."
    )
    assert split(wrapped) == [wrapped[:129].strip(), "Beschlossen ist davon nichts."]
    assert split("Startseite\nPolitik\nAusland") == ["Startseite", "Politik", "Ausland"]
    assert split("Zuerst erschienen\nam Montag") == ["Zuerst erschienen\nam Montag"]


UNITS = [
    "wort ",
    "a",
    ".",
    ".x",
    "A. ",
    "am 3. Mai ",
    "1. 2. ",
    "a\n",
    "-\n",
    "(",
    "(a. ",
    "((a.))",
    '".',
    " ",
    "z. B. x ",
    "1.",
]


@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_length_only(unit: str) -> None:
    # A million characters take 3 s at most on one slow core; anything quadratic takes hours.
    text = (unit * (200_000 // len(unit) + 1))[:200_000]
    started = time.process_time()
    sentences(text, "de")
    normalise(text)
    words(text)
    language(text)
    assert time.process_time() - started < 10


# --- words ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("K9-Haubitzen, 155 mm", ["k9", "haubitzen", "155", "mm"]),
        ("10.000 Soldaten", ["10000", "soldaten"]),
        ("10,000 troops", ["10000", "troops"]),
        ("1.234.567 und 12'500", ["1234567", "und", "12500"]),
        ("24.10.2024, 14:17", ["24", "10", "2024", "14", "17"]),
        ("3,5 Mio.", ["3", "5", "mio"]),
        ("1234.567", ["1234", "567"]),
        ("Über Straßen", ["über", "strassen"]),
        ("Seoul's snake_case", ["seoul", "s", "snake", "case"]),
        ("u\u0308ber", ["über"]),
        ("…!", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@settings(deadline=None)
@given(MIXED)
def test_words_do_not_depend_on_case(text: str) -> None:
    assert words(text.casefold()) == words(text)
    assert all(word.isalnum() for word in words(normalise(text)) if word.isascii())


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("Welche Waffen prüft die Regierung in Seoul?", "de", ["waffen", "prüft", "regierung", "seoul"]),
        ("which weapons did Seoul consider?", "en", ["weapons", "seoul", "consider"]),
        ("which weapons did Seoul consider?", None, ["weapons", "seoul", "consider"]),
        ("Außerdem während Söldner", "de", ["söldner"]),
        ("Who won the war and who will die?", None, ["won", "war", "die"]),
        ("Wer war der Minister?", None, ["minister"]),
        ("wer ist es?", None, []),
    ],
)
def test_content_words(text: str, lang: Lang | None, expected: list[str]) -> None:
    assert content_words(text, lang) == expected


def test_other_words_have_another_name() -> None:
    """Indexes hold the words of their passages: where these change and `words_id` has not, raise `WORDS_VERSION`."""
    texts = [text for line in QUESTIONS for text in line] + ["1.250 Söldner, 10'000 K9-Haubitzen ﬁnden Großes"]
    langs: tuple[Lang, Lang] = ("de", "en")
    cut = [content_words(text, lang) for text in texts for lang in langs]
    digest = hashlib.sha256(json.dumps(cut).encode()).hexdigest()
    assert (words_id()[:12], digest[:12]) == ("b2000b0d559b", "8840636663ba")


@settings(deadline=None)
@given(MIXED, st.sampled_from(["de", "en", None]))
def test_content_words_are_words(text: str, lang: Lang | None) -> None:
    everything = words(text)
    assert all(word in everything for word in content_words(text, lang))


# --- language ---


@pytest.mark.parametrize("text", ["", "K9?", "155", "?!", "42 1.500", "日本"])
def test_no_signal_is_english(text: str) -> None:
    assert language(text) == "en"


@settings(deadline=None)
@given(st.text())
def test_language_never_raises(text: str) -> None:
    assert language(text) in {"de", "en"}


def test_short_questions() -> None:
    langs = [lang for lang, _ in QUESTIONS]
    assert langs.count("de") >= 60
    assert langs.count("en") >= 60
    wrong = [question for lang, question in QUESTIONS if language(question) != lang]
    assert len(wrong) <= 1, wrong  # "Ukraine war losses": "war" is German for "was"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("which weapons did Seoul consider?", "en"),
        ("k9 haubitze lieferung", "de"),
        ("Wer ist Budanov?", "de"),
        ("north korea troops number", "en"),
        ("who is Kim Yong Hyun?", "en"),
        ("Seoul weapons", "en"),
        ("Söldner", "de"),
        ("hi", "en"),
        ("danke", "de"),
    ],
)
def test_language_of_a_question(text: str, lang: Lang) -> None:
    assert language(text) == lang


def test_an_article_with_a_foreign_start_keeps_its_language() -> None:
    cookies = "We use cookies. Please accept all of them to go on reading this page. "
    article = "Die Regierung prüft, ob sie Waffen liefern will, und spricht darüber mit ihren Verbündeten. " * 20
    assert language(cookies + article) == "de"


def test_language_of_development_questions(shared: Path) -> None:
    folder = shared / "data" / "dev"
    for lang in ("de", "en"):
        lines = (folder / f"omosqa.dev.{lang}.jsonl").read_text(encoding="utf-8").splitlines()
        asked = [json.loads(line)["question"] for line in lines]
        data = json.loads((folder / f"xquad.{lang}.json").read_text(encoding="utf-8"))["data"]
        asked += [qa["question"] for entry in data for paragraph in entry["paragraphs"] for qa in paragraph["qas"]]
        right = sum(language(question) == lang for question in asked)
        assert right / len(asked) >= 0.995, lang


def test_every_ngram_of_the_table_can_occur() -> None:
    file = Path(__file__).parent.parent / "qa" / "data" / "language_ngrams.json"
    table = json.loads(file.read_text(encoding="utf-8"))
    assert file.stat().st_size <= 40_000
    assert all(gram in letter_ngrams(gram) and weight for gram, weight in table.items())


def test_the_training_command_finds_what_tells_the_languages_apart() -> None:
    pairs = ["the dog and the cat sleep here\tder hund und die katze schlafen hier"] * 60
    windows = training.draw(pairs, seed=0)
    assert len(windows.words) == len(windows.german) == 2 * 60 * training.PER_SENTENCE
    table = training.fit(windows)
    assert min(table.values()) < 0 < max(table.values())
    assert min(training.accuracy(table, training.draw(pairs, seed=1)).values()) > 0.95


def test_import_pulls_nothing_heavy() -> None:
    code = (
        "import sys, qa.text; "
        "print(sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    loaded = [name for name in out.stdout.strip("[]\n").replace("'", "").split(", ") if not name.startswith("_")]
    assert loaded == ["qa"]


@pytest.mark.parametrize(
    ("word", "is_one"), [("der", True), ("WER", True), ("What", True), ("Haus", False), ("", False)]
)
def test_function_words_are_those_of_either_language(word: str, is_one: bool) -> None:
    assert is_function_word(word) is is_one


def test_umlauts_are_spelt_out() -> None:
    assert umlauts_spelt_out("Öl für Straßen, Ähre, STRAẞE") == "Oel fuer Strassen, Aehre, STRASSE"
