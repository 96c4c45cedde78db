"""One text, one article; two reports on one topic, two articles."""

from __future__ import annotations

import random
import re
import sqlite3
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa import duplicates
from qa.articles import list_files, read_article
from qa.duplicates import COPIES_SCHEMA, MIN_WORDS, Copies, merge_duplicates
from qa.types import Article, Source

NOUNS = """Hafen Brücke Stadt Minister Reeder Fahrrinne Kosten Woche Pfeiler Schiff Land Bericht Kran Ufer Zufahrt
Gutachten Rat Amt Firma Plan Frist Schaden Ladung Straße Bahnhof Werft Insel Fluss Schleuse Lotse"""
VERBS = "prüft sperrt meldet plant nennt zahlt baut räumt fordert senkt hebt sucht stellt öffnet liefert verschiebt"


def words(table: str) -> list[str]:
    return table.split()


def seeded(seed: int) -> random.Random:
    return random.Random(seed)


def sentence(rng: random.Random) -> str:
    a, b, c, d, e = (*rng.sample(words(NOUNS), 4), rng.choice(words(NOUNS)))
    verb, other = rng.sample(words(VERBS), 2)
    when = rng.choice(["bald", "heute", "nun", "wohl"])
    return f"{a} und {b} {verb} {when} {c}, während {d} {other}, {e} bleibt."


def report(seed: int, sentences: int = 16) -> list[str]:
    rng = seeded(seed)
    return [sentence(rng) for _ in range(sentences)]


def article(path: str, text: str | list[str], title: str | None = None, outlet: str | None = None) -> Article:
    joined = text if isinstance(text, str) else " ".join(text)
    return Article(
        path, title, joined, "de", "2024-10-24", outlet, "Ada Berg", f"https://example.org/{path}", path, "0"
    )


def paths(articles: tuple[Article, ...]) -> dict[str, list[str]]:
    return {one.path: [source.path for source in one.also] for one in articles}


def test_exact_copies_are_folded_and_their_sources_kept() -> None:
    text = " ".join(report(1))
    other = text.upper().replace(",", " –").replace(".", "!")
    merged = merge_duplicates(
        [article("c.txt", report(2)), article("b.txt", other, "Titel B", "Nordbote"), article("a.txt", text, "Titel A")]
    )
    assert paths(merged) == {"a.txt": ["b.txt"], "c.txt": []}
    assert merged[0].title == "Titel A"
    assert merged[0].text == text
    assert merged[0].also == (
        Source("b.txt", "Titel B", "Nordbote", "2024-10-24", "Ada Berg", "https://example.org/b.txt"),
    )


def edited(rng: random.Random, sentences: list[str], share: float) -> list[str]:
    return [
        " ".join(rng.choice(words(NOUNS)) if rng.random() < share else word for word in one.split())
        for one in sentences
    ]


@pytest.mark.parametrize("seed", range(20))
def test_agency_copy_is_folded(seed: int) -> None:
    rng = seeded(seed)
    original = report(seed, 30)
    for copy in (
        edited(rng, original, 0.01),
        ["Nordstadt (dpa) -", *original],
        original[:14] + original[15:],
        original[:-2],
        [*original[:-1], "Mehr war zunächst nicht bekannt."],
        [one.replace("ß", "ss") for one in original],
    ):
        assert paths(merge_duplicates([article("a.txt", original), article("b.txt", copy)])) == {"a.txt": ["b.txt"]}


@pytest.mark.parametrize("seed", range(20))
def test_other_reports_are_not_folded(seed: int) -> None:
    rng = seeded(seed)
    original = report(seed, 30)
    fresh = report(seed + 1000, 30)
    for other in (fresh, original[:15] + fresh[:15], fresh[:10] + original[10:], edited(rng, original, 0.15)):
        assert len(merge_duplicates([article("a.txt", original), article("b.txt", other)])) == 2


def test_a_report_with_new_figures_is_a_new_report() -> None:
    first = [*report(3), "Der Index schloss bei 19.443 Punkten."]
    second = [*report(3), "Der Index schloss bei 18.017 Punkten."]
    assert len(merge_duplicates([article("a.txt", first), article("b.txt", second)])) == 2
    same = [*report(3), "Der Index schloss bei 19 443 Punkten!"]
    assert len(merge_duplicates([article("a.txt", first), article("b.txt", same)])) == 1


def test_short_texts_are_copies_only_word_for_word() -> None:
    short = "Der Hafen von Nordstadt bleibt bis Ende November gesperrt, teilte die Stadt am Montag mit."
    assert len(short.split()) < MIN_WORDS
    assert len(merge_duplicates([article("a", short), article("b", short.replace("Nordstadt", "Südstadt"))])) == 2
    assert len(merge_duplicates([article("a", short), article("b", short.upper())])) == 1
    assert len(merge_duplicates([article("a", "…"), article("b", "!?"), article("c", "…")])) == 2


def test_chains_are_not_followed() -> None:
    rng = seeded(5)
    a = report(5, 40)
    fresh = report(77, 40)
    b = [*fresh[:4], *a[4:]]
    c = [*fresh[:8], *a[8:]]
    d = edited(rng, c, 0.005)
    merged = merge_duplicates([article("a", a), article("b", b), article("c", c), article("d", d)])
    assert paths(merged) == {"a": ["b"], "c": ["d"]}
    assert paths(merge_duplicates([article("b", b), article("c", c)])) == {"b": ["c"]}


def test_what_was_folded_before_stays_with_the_article() -> None:
    text = report(9)
    once = merge_duplicates([article("b", text), article("c", text)])
    twice = merge_duplicates([*once, article("a", text)])
    assert paths(twice) == {"a": ["b", "c"]}
    assert merge_duplicates(twice) == twice
    assert merge_duplicates([]) == ()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(9)))
def test_the_order_given_does_not_matter(order: list[int]) -> None:
    rng = seeded(1)
    texts = [report(n // 3, 24) for n in range(9)]
    articles = [article(f"{n}.txt", edited(rng, text, 0.01 * (n % 3))) for n, text in enumerate(texts)]
    expected = merge_duplicates(articles)
    assert merge_duplicates([articles[n] for n in order]) == expected
    assert [one.path for one in expected] == sorted(one.path for one in expected)


def test_the_originals_are_five_articles(shared: Path) -> None:
    folder = shared / "articles"
    articles = [read_article(path, folder) for path in list_files(folder).files]
    assert merge_duplicates(articles) == tuple(articles)


def test_the_work_grows_with_the_number_of_articles() -> None:
    articles = [article(f"{n:05}.txt", report(n, 12)) for n in range(1500)]
    copies = [article(f"x{n:05}.txt", report(n, 12)) for n in range(0, 1500, 10)]
    merged = merge_duplicates([*articles, *copies])
    assert len(merged) == 1500
    assert sum(len(one.also) for one in merged) == 150


VARIANTS = [
    " ".join(text)
    for seed in (1, 2)
    for original in [report(seed, 20)]
    for text in (
        original,
        [one.upper() for one in original],
        original[1:],
        original[:-1],
        [*report(seed + 50, 3), *original[3:]],
        [*report(seed + 50, 6), *original[6:]],
        original[:2],
    )
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 7), st.sampled_from([None, *VARIANTS])), max_size=4), max_size=8),
)
def test_copies_brought_up_to_date_are_those_found_at_once(builds: list[list[tuple[int, str | None]]]) -> None:
    db = sqlite3.connect(":memory:")
    db.executescript(COPIES_SCHEMA)
    texts: dict[int, str] = {}
    copies, numbers, originals = Copies(db, texts.__getitem__), {}, {}
    for edits in builds:
        for place, text in dict(edits).items():
            path = f"{place}.txt"
            if path in numbers:
                copies.remove(numbers[path])
                originals.pop(numbers.pop(path))
            if text is not None:
                numbers[path] = len(texts)
                texts[len(texts)] = text
                copies.add(numbers[path], path, text)
        originals |= {number: verdict.after for number, verdict in copies.settle().items()}
        expected = merge_duplicates([article(path, texts[number]) for path, number in numbers.items()])
        names = {number: path for path, number in numbers.items()}
        found: dict[str, list[str]] = {path: [] for path in sorted(numbers) if originals[numbers[path]] is None}
        for path in sorted(numbers):
            original = originals[numbers[path]]
            if original is not None:
                found[names[original]].append(path)
        assert found == paths(expected)
        # Nothing of what is gone stays behind.
        kept = {number for (number,) in db.execute("SELECT DISTINCT article FROM buckets")}
        assert kept <= set(numbers.values())
    db.close()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aAäßıſǅ1٣_-. ,\n字\u0301\ud800", max_size=40), st.sampled_from([5, 1 << 16]))
def test_words_are_told_apart_as_their_letters_are(text: str, block: int) -> None:
    words_in = re.findall(r"[^\W_]+", text.casefold())
    with pytest.MonkeyPatch.context() as patch:
        if all(len(part) < 5 for part in text.casefold().split(" ")):
            patch.setattr(duplicates, "_BLOCK", block)
        hashes = duplicates.word_hashes(text).tolist()
    alone = {word: duplicates.word_hashes(f"({word})").tolist()[0] for word in words_in}
    assert hashes == [alone[word] for word in words_in]
    assert len(set(alone.values())) == len(alone)


def test_a_huge_text_needs_little_memory() -> None:
    text = " ".join(sentence(seeded(n)) for n in range(2000)) * 20
    tracemalloc.start()
    assert len(merge_duplicates([article("a.txt", text)])) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(text) + 100 * 2**20
