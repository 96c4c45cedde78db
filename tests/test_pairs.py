"""Parallel texts: the three files, what is left out of them, and how bad lines are reported."""

from __future__ import annotations

import json
import lzma
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import QAError
from qa.train.pairs import DICTIONARY_FILE, LINES_FILE, PAIRS_FILE, Line, Parallel, common_first, read_parallel


def row(source, translations, *, group="a", direction="en-de"):
    return json.dumps({"g": group, "p": direction, "s": source, "t": translations}, ensure_ascii=False)


def write(folder, name, lines, *, packed=False):
    content = "".join(f"{line}\n" for line in lines).encode()
    if packed:
        (folder / f"{name}.xz").write_bytes(lzma.compress(content))
    else:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("packed", [False, True])
def test_all_three_files_are_read_packed_or_plain(tmp_path, packed):
    write(tmp_path, LINES_FILE, [row("The dog barks.", ["Der Hund bellt."])], packed=packed)
    write(tmp_path, PAIRS_FILE, ["It is raining.\tEs regnet."], packed=packed)
    write(tmp_path, DICTIONARY_FILE, ["dog\tHund"], packed=packed)
    found = read_parallel(tmp_path)
    assert found.documents == (
        (Line(("The dog barks.",), ("Der Hund bellt.",)),),
        (Line(("It is raining.",), ("Es regnet.",)),),
    )
    assert found.entries == (Line(("dog",), ("Hund",)),)


@pytest.mark.parametrize("name", [LINES_FILE, PAIRS_FILE])
def test_one_file_with_lines_is_enough(tmp_path, name):
    write(tmp_path, name, [row("dog", ["Hund"]) if name == LINES_FILE else "dog\tHund"])
    assert read_parallel(tmp_path) == Parallel(((Line(("dog",), ("Hund",)),),), ())


def test_a_dictionary_alone_is_refused(tmp_path):
    write(tmp_path, DICTIONARY_FILE, ["dog\tHund"])
    with pytest.raises(QAError, match="no lines to learn from"):
        read_parallel(tmp_path)


def test_marks_written_for_the_web_are_read_as_what_they_are(tmp_path):
    write(tmp_path, PAIRS_FILE, ["It &apos;s &quot;late&quot;\tEs ist &quot;spät&quot;"])
    assert read_parallel(tmp_path).lines == (Line(('It \'s "late"',), ('Es ist "spät"',)),)


def test_every_wording_is_kept_once_on_the_side_of_its_language(tmp_path):
    lines = [
        row("The dog barks.", ["Der Hund bellt.", "Ein Hund bellt.", "Der Hund bellt."]),
        row("Die Katze schläft.", ["The cat sleeps.", "The cat is asleep."], direction="de-en"),
    ]
    write(tmp_path, LINES_FILE, lines)
    assert read_parallel(tmp_path).lines == (
        Line(("The dog barks.",), ("Der Hund bellt.", "Ein Hund bellt.")),
        Line(("The cat sleeps.", "The cat is asleep."), ("Die Katze schläft.",)),
    )


def test_a_group_makes_a_document_in_the_order_of_the_file(tmp_path):
    texts = [("b", "one"), ("a", "two"), ("b", "three"), ("a", "four")]
    write(tmp_path, LINES_FILE, [row(text, [text.upper()], group=group) for group, text in texts])
    write(tmp_path, PAIRS_FILE, ["five\tFÜNF", "six\tSECHS"])
    documents = [[line.english[0] for line in document] for document in read_parallel(tmp_path).documents]
    assert documents == [["one", "three"], ["two", "four"], ["five", "six"]]


def test_what_cannot_be_a_translation_is_left_out(tmp_path):
    long = "A sentence that goes on for rather longer than the other one does, and then some more."
    lines = [
        row(long, ["Kurz.", "Ein Satz, der um einiges länger ist als der andere, und dann noch etwas mehr."]),
        row("The dog barks.", ["NO TRANSLATION AVAILABLE"]),
        row("The cat sleeps.", [""]),
        row("   ", ["Die Katze."]),
        row("The end.", []),
    ]
    write(tmp_path, LINES_FILE, lines)
    write(tmp_path, PAIRS_FILE, [f"{long}\tKurz.", "\tHund", "dog\t ", "dog\tHund"])
    found = read_parallel(tmp_path)
    assert [(len(line.english), len(line.german)) for line in found.lines] == [(1, 1), (1, 1)]
    assert found.lines[0].german[0].startswith("Ein Satz")
    assert found.lines[1] == Line(("dog",), ("Hund",))


def test_an_entry_may_be_much_longer_than_its_translation(tmp_path):
    write(tmp_path, DICTIONARY_FILE, [f"X\t{'lang ' * 20}"])
    write(tmp_path, PAIRS_FILE, ["dog\tHund"])
    assert len(read_parallel(tmp_path).entries) == 1


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=20))
def test_pairs_come_back_as_they_were_written(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("pairs")
    write(folder, PAIRS_FILE, [f"{english}\t{german}" for english, german in pairs], packed=True)
    (document,) = read_parallel(folder).documents
    assert [(*line.english, *line.german) for line in document] == pairs


GOOD = row("dog", ["Hund"])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (LINES_FILE, GOOD, '{"g": "a"'),
        (LINES_FILE, GOOD, ""),
        (LINES_FILE, GOOD, '["a list"]'),
        (LINES_FILE, GOOD, '{"g": "a", "p": "en-de", "s": "dog"}'),
        (LINES_FILE, GOOD, '{"g": "a", "p": "en-de", "t": ["Hund"]}'),
        (LINES_FILE, GOOD, '{"p": "en-de", "s": "dog", "t": ["Hund"]}'),
        (LINES_FILE, GOOD, '{"g": "a", "p": "en-de", "s": "dog", "t": 7}'),
        (PAIRS_FILE, "dog\tHund", "no tab"),
        (PAIRS_FILE, "dog\tHund", ""),
        (DICTIONARY_FILE, "dog\tHund", "no tab"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path, name, good, bad, packed):
    write(tmp_path, name, [good, good, bad, good], packed=packed)
    with pytest.raises(QAError) as error:
        read_parallel(tmp_path)
    assert f"{tmp_path / name}{'.xz' * packed}, line 3 " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "packed"),
    [
        ("dog\tHund\nm\xfcde\ttired\n".encode("latin-1"), False),
        (lzma.compress(b"dog\tHund\n" * 1_000)[:-40], True),
        (b"no such format", True),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, packed):
    path = tmp_path / f"{PAIRS_FILE}{'.xz' * packed}"
    path.write_bytes(content)
    with pytest.raises(QAError, match="cannot be read from line") as error:
        read_parallel(tmp_path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("lines", [None, [], ["dog\tNO TRANSLATION AVAILABLE"]])
def test_a_folder_with_nothing_to_learn_from_is_refused(tmp_path, lines):
    if lines is not None:
        write(tmp_path, PAIRS_FILE, lines)
    with pytest.raises(QAError, match="no lines to learn from"):
        read_parallel(tmp_path)
    with pytest.raises(QAError, match="no lines to learn from"):
        read_parallel(tmp_path / "missing")


@pytest.mark.parametrize(
    ("english", "asks"),
    [("Who is it?", True), ("“Who is it?”", True), ("(who?) ", True), ("Who? Me.", False), ("It is.", False)],
)
def test_a_question_is_known_by_its_mark(english, asks):
    assert Line((english,), ("x",)).is_question is asks


def test_an_entry_weighs_the_root_of_the_lines_with_its_rarest_word():
    lines = [Line((text,), ("x",)) for text in ("The dog barks, the dog!", "The cat", "THE end", "a dog")]
    entries = [Line((text,), ("x",)) for text in ("the", "dog", "the dog", "the mongoose", "42")]
    weights = common_first(entries, lines)
    assert weights == [math.sqrt(1 + count) for count in (3, 2, 2, 0, 0)]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_commoner_words_weigh_more_and_no_entry_nothing(counts):
    lines = [Line((chr(97 + at),), ("x",)) for at, count in enumerate(counts) for _ in range(count)]
    weights = common_first([Line((chr(97 + at),), ("x",)) for at in range(len(counts))], lines)
    ordered = [weight for _, weight in sorted(zip(counts, weights, strict=True))]
    assert all(low <= high for low, high in pairwise(ordered))
    assert ordered[0] >= 1
