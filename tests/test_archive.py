"""Archives of recombined sentences: always the same, every size the beginning of a larger one."""

from __future__ import annotations

import json
import lzma
from itertools import islice, pairwise
from pathlib import Path

import pytest

from eval.archive import FEWEST_WORDS, HELD_OUT, Material, Pair, articles, asked, paragraphs, questions, read_material
from qa.chunks import chunk_article, sentence_texts


def pair(number: int) -> Pair:
    return Pair(
        f"Der Bericht Nummer {number} nennt viele neue Zahlen.", f"Report number {number} names many new figures."
    )


@pytest.fixture
def material() -> Material:
    return Material(tuple(map(pair, range(200))), tuple(map(pair, range(200, 220))))


def test_an_article_is_always_the_same_and_no_two_are(material: Material) -> None:
    first, again = (list(islice(articles(material), 20)) for _ in range(2))
    assert first == again
    assert len({one.sha256 for one in first}) == len({one.id for one in first}) == 20


def test_its_sentences_are_those_of_the_material_in_their_order(material: Material) -> None:
    told = [one.german for one in material.told]
    for one in islice(articles(material), 20):
        places = [told.index(line) for line in one.text.split("\n\n")]
        jumps = sum(after != before + 1 for before, after in pairwise(places))
        assert 10 <= len(places) <= 60
        assert jumps <= 3


def test_each_sentence_is_embedded_alone_whatever_stands_around_it(material: Material) -> None:
    told = {one.german for one in material.told}
    for one in islice(articles(material), 5):
        texts = sentence_texts(one, chunk_article(one, max_words=100))
        assert {text for group in texts for text in group} <= told


def test_material_is_read_in_order_without_scraps_and_some_is_held_out(tmp_path: Path) -> None:
    good = [pair(number) for number in range(2 * HELD_OUT)]
    rows = [
        {"g": "x", "p": "en-de", "s": one.english, "t": [one.german, "Anders."]}
        if number % 2
        else {"g": "x", "p": "de-en", "s": one.german, "t": [one.english]}
        for number, one in enumerate(good)
    ]
    rows.insert(3, {"g": "x", "p": "de-en", "s": "Zu kurz.", "t": ["Too short."]})
    rows.insert(5, {"g": "x", "p": "de-en", "s": "Eine Zeile mit vielen Wörtern und ohne Ende", "t": ["No end"]})
    rows.append(rows[0])
    with lzma.open(tmp_path / "wmt_lines.jsonl.xz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    found = read_material(tmp_path)
    assert found.held_out == (good[HELD_OUT - 1], good[2 * HELD_OUT - 1])
    assert found.told == tuple(one for one in good if one not in found.held_out)
    assert all(len(one.german.split()) >= FEWEST_WORDS for one in found.told)


def test_questions_are_drawn_without_repeating(material: Material) -> None:
    drawn = questions(material.told, 50, seed=1)
    assert len(set(drawn)) == 50
    assert drawn == questions(material.told, 50, seed=1) != questions(material.told, 50, seed=2)


def test_paragraphs_and_what_is_asked_of_them(tmp_path: Path) -> None:
    for lang in ("de", "en"):
        qas = [{"question": f"{lang} {number}?"} for number in range(2)]
        data = [
            {"paragraphs": [{"context": "Ein Absatz.", "qas": qas[:1]}, {"context": "Noch einer.", "qas": qas[1:]}]}
        ]
        (tmp_path / f"xquad.{lang}.json").write_text(json.dumps({"data": data}), encoding="utf-8")
    texts = {one.id: one.text for one in paragraphs(tmp_path)}
    assert [(one.question, texts[one.article_id]) for one in asked(tmp_path, "en")] == [
        ("en 0?", "Ein Absatz."),
        ("en 1?", "Noch einer."),
    ]
