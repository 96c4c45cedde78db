"""The project's own questions: well formed, balanced, answered where they say so, and not by the question's own words."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qa.text import content_words, sentences

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "eval" / "questions.jsonl"
DOCUMENT = ROOT / "eval" / "QUESTIONS.md"
FOLDER = ROOT / "seeds"

Row = dict[str, Any]

LANGS = ("de", "en")
FIELDS = ["id", "question", "lang", "kind", "answerable", "articles", "evidence", "split"]

#: Fewest questions of a kind in each language.
LEAST = {
    "who": 8,
    "what": 8,
    "how_many": 6,
    "when": 6,
    "where": 6,
    "why": 6,
    "yes_no": 6,
    "list": 6,
    "several_articles": 6,
    "disagreement": 4,
    "paraphrase": 8,
    "follow_up": 10,
    "keywords": 12,
    "near_miss": 28,
    "false_premise": 14,
    "off_topic": 14,
}
NEVER_ANSWERABLE = {"near_miss", "false_premise", "off_topic"}
#: Kinds with both; of each at least so many in each language.
MIXED = {"follow_up": 4, "keywords": 4}

#: Share of answerable questions of which no sentence with evidence holds a content word. As written: German .240,
#: English .574 (what the others share is names). The floors leave room for two rows, so that wording may be mended.
PARAPHRASES = {"de": 0.21, "en": 0.55}
#: Share of content words in common from which two questions of a language would be taken for one. Largest between the
#: halves as written: .50, of "k9 haubitze preis" and "k9 haubitze lieferung".
SAME = 0.6


@cache
def rows() -> list[Row]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


@cache
def body(stem: str) -> str:
    return (FOLDER / f"{stem}.md").read_text(encoding="utf-8").split("\n---\n", 1)[1]


@cache
def article_sentences(stem: str) -> list[str]:
    return [span.of(body(stem)) for span in sentences(body(stem), "de")]


def accepted(row: Row) -> list[str]:
    return [string for alternatives in row["evidence"] for string in alternatives]


def evidence_sentences(row: Row) -> set[str]:
    pairs = product(row["articles"], accepted(row))
    return {found for stem, string in pairs for found in article_sentences(stem) if string in found}


def asked(row: Row) -> list[str]:
    return [*row.get("history", []), row["question"]]


def of(lang: str) -> list[Row]:
    return [row for row in rows() if row["lang"] == lang]


def test_every_line_has_the_documented_fields_in_order() -> None:
    for row in rows():
        assert list(row) == FIELDS + ["history"] * ("history" in row), row["id"]
        assert row["lang"] in LANGS, row["id"]
        assert row["kind"] in LEAST, row["id"]
        assert row["split"] in ("dev", "test"), row["id"]
        assert isinstance(row["answerable"], bool), row["id"]
        assert re.fullmatch(rf"{row['lang']}-{row['kind']}-\d{{3}}", row["id"]), row["id"]


def test_texts_are_clean() -> None:
    for row in rows():
        for text in asked(row) + accepted(row):
            assert text, row["id"]
            assert text == " ".join(text.split()), row["id"]


def test_history_belongs_to_follow_ups_alone() -> None:
    assert all(("history" in row) == (row["kind"] == "follow_up") for row in rows())
    assert all(row["history"] for row in rows() if "history" in row)


def test_ids_are_unique_and_sorted() -> None:
    ids = [row["id"] for row in rows()]
    assert ids == sorted(set(ids))


def test_no_question_is_asked_twice() -> None:
    texts = Counter("\n".join(asked(row)).casefold() for row in rows())
    assert [text for text, count in texts.items() if count > 1] == []


def test_languages_are_balanced() -> None:
    german, english = len(of("de")), len(of("en"))
    assert german + english >= 180
    assert abs(german - english) <= 0.05 * (german + english)


def test_documentation_counts_right() -> None:
    documented = re.findall(
        r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\w+)", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    counts = Counter((row["kind"], row["lang"]) for row in rows())
    answered = Counter((row["kind"], row["lang"]) for row in rows() if row["answerable"])
    for kind, german, english, answerable in documented:
        assert (counts[kind, "de"], counts[kind, "en"]) == (int(german), int(english)), kind
        for lang in LANGS:
            named = {"all": counts[kind, lang], "none": 0}
            assert answered[kind, lang] == (named[answerable] if answerable in named else int(answerable)), kind
    assert {kind for kind, *_ in documented} == set(LEAST)


@pytest.mark.parametrize("lang", LANGS)
def test_every_kind_has_its_count(lang: str) -> None:
    counts = Counter(row["kind"] for row in of(lang))
    assert {kind: counts[kind] for kind, least in LEAST.items() if counts[kind] < least} == {}


def test_enough_are_unanswerable() -> None:
    share = sum(not row["answerable"] for row in rows()) / len(rows())
    assert 0.38 <= share <= 0.5


def test_near_misses_and_false_premises_can_be_tuned_on() -> None:
    hard = Counter(row["split"] for row in rows() if row["kind"] in {"near_miss", "false_premise"})
    assert min(hard["dev"], hard["test"]) >= 40


@pytest.mark.parametrize("lang", LANGS)
def test_kinds_say_what_is_answerable(lang: str) -> None:
    for kind in LEAST:
        answerable = Counter(row["answerable"] for row in of(lang) if row["kind"] == kind)
        if kind in MIXED:
            assert min(answerable[True], answerable[False]) >= MIXED[kind]
        else:
            assert answerable[kind in NEVER_ANSWERABLE] == 0, kind


def test_only_answerable_questions_have_articles_and_evidence() -> None:
    for row in rows():
        assert bool(row["articles"]) == bool(row["evidence"]) == row["answerable"], row["id"]
        assert all(row["evidence"]), row["id"]
        assert row["articles"] == sorted(set(row["articles"])), row["id"]


@pytest.mark.parametrize("row", [row for row in rows() if row["answerable"]], ids=lambda row: row["id"])
def test_evidence_stands_in_its_articles(row: Row) -> None:
    for string in accepted(row):
        held = {stem for stem in row["articles"] if string in body(stem)}
        assert held, f"{string!r} stands in none of {row['articles']}"
        assert any(string in found for stem in held for found in article_sentences(stem)), (
            f"{string!r} crosses sentences"
        )
        elsewhere = {path.stem for path in FOLDER.glob("*.md") if string in body(path.stem)} - held
        assert not elsewhere, f"{string!r} stands in {elsewhere} too"
    for stem in row["articles"]:
        assert any(string in body(stem) for string in accepted(row)), f"{stem} holds no evidence"


@pytest.mark.parametrize("row", [row for row in rows() if row["answerable"]], ids=lambda row: row["id"])
def test_evidence_pins_the_answer(row: Row) -> None:
    for string in accepted(row):
        held = [found for stem in row["articles"] for found in article_sentences(stem) if string in found]
        assert len(held) <= 3, f"{string!r} is met by {len(held)} sentences"
        for question in asked(row):
            assert string.casefold() not in question.casefold(), f"{string!r} stands in the question"


def test_no_evidence_stands_in_any_question() -> None:
    texts = [text.casefold() for row in rows() for text in asked(row)]
    given = {string for row in rows() for string in accepted(row) if any(string.casefold() in text for text in texts)}
    assert given == set()


def test_comparisons_need_several_articles() -> None:
    for row in rows():
        if row["kind"] not in {"several_articles", "disagreement"}:
            continue
        assert len(row["evidence"]) >= 2, row["id"]
        holders = [{s for s in row["articles"] if any(a in body(s) for a in choice)} for choice in row["evidence"]]
        assert not set.intersection(*holders), f"{row['id']}: one article answers it"


def test_disagreements_are_about_figures() -> None:
    figures = [accepted(row) for row in rows() if row["kind"] == "disagreement"]
    assert all(re.search(r"\d", string) for strings in figures for string in strings)


@pytest.mark.parametrize("lang", LANGS)
def test_every_article_is_asked_about(lang: str) -> None:
    used = Counter(stem for row in of(lang) for stem in row["articles"])
    assert set(used) == {path.stem for path in FOLDER.glob("*.md")}
    assert min(used.values()) >= 12, used


def test_halves_are_balanced() -> None:
    cells: dict[tuple[str, str, bool], Counter[str]] = defaultdict(Counter)
    for row in rows():
        cells[row["kind"], row["lang"], row["answerable"]][row["split"]] += 1
    assert {cell: count for cell, count in cells.items() if abs(count["dev"] - count["test"]) > 1} == {}


def test_halves_share_no_evidence() -> None:
    """What is tuned on one half must not have been told the sentences of the other."""
    halves: dict[str, set[str]] = defaultdict(set)
    for row in rows():
        halves[row["split"]] |= evidence_sentences(row)
    assert halves["dev"] & halves["test"] == set()


def test_halves_share_no_question() -> None:
    for lang in LANGS:
        texts = [(row, set(content_words(" ".join(asked(row)), row["lang"]))) for row in of(lang)]
        for (one, ours), (other, theirs) in combinations(texts, 2):
            if one["split"] != other["split"]:
                assert len(ours & theirs) < SAME * len(ours | theirs), f"{one['id']} and {other['id']}"


def is_paraphrase(row: Row) -> bool:
    """Whether no sentence with evidence shares a content word with the question."""
    own = set(content_words(row["question"]))
    return not any(own & set(content_words(found)) for found in evidence_sentences(row))


def test_paraphrases_share_no_word_with_their_evidence() -> None:
    assert [row["id"] for row in rows() if row["kind"] == "paraphrase" and not is_paraphrase(row)] == []


@pytest.mark.parametrize("lang", LANGS)
def test_share_of_paraphrases(lang: str, record_property: Callable[[str, object], None]) -> None:
    answerable = [row for row in of(lang) if row["answerable"]]
    share = sum(map(is_paraphrase, answerable)) / len(answerable)
    record_property("share of paraphrases", share)
    assert share >= PARAPHRASES[lang], f"{lang}: {share:.3f}"
