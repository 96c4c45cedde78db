"""The BERT to train against one written out in numpy, padding, and the way to a folder and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the train extra is not installed")

import torch
from hypothesis import given
from hypothesis import strategies as st

from qa.embed import OnnxEncoder, load_encoder
from qa.errors import EncoderError
from qa.train.bert import WORDS, Bert, padded, pooled
from qa.train.export import export, read_checkpoint
from qa.train.graph import Precision
from tests.bilingual import ENGLISH, random_weights, tokenizer_of, write_bert, write_teacher
from tests.test_export import HEADS, TEXTS, reference, tiny_tokenizer, tiny_weights

pytestmark = pytest.mark.usefixtures("one_thread")


#: bf16 keeps 8 bits; the largest difference seen in a vector, over two layers of random weights, is 0.0032.
BF16 = 0.01


@pytest.fixture
def source(tmp_path):
    return write_bert(tmp_path / "source", tiny_tokenizer(), tiny_weights(), HEADS)


@pytest.fixture
def rows():
    return [tiny_tokenizer().encode(text).ids for text in TEXTS]


def encoded(model, rows):
    with torch.no_grad():
        return pooled(model(*padded(rows))).numpy()


def test_vectors_are_those_of_bert_written_out_in_numpy(source, rows):
    expected = np.stack([reference(tiny_weights(), np.array(row)) for row in rows])
    found = encoded(Bert(source), rows)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(found - expected).max() < BF16


def test_padding_changes_no_vector(source, rows):
    model = Bert(source)
    together, alone = encoded(model, rows), np.concatenate([encoded(model, [row]) for row in rows])
    assert np.abs(together - alone).max() < BF16


def test_what_stands_behind_a_text_does_not_count(source, rows):
    model = Bert(source)
    ids, lengths = padded(rows)
    behind = torch.arange(ids.shape[1])[None] >= lengths[:, None]
    with torch.no_grad():
        states, others = model(ids, lengths), model(ids.masked_fill(behind, 7), lengths)
    assert states.shape == (len(rows), max(map(len, rows)), model.width)
    assert torch.equal(states, others)
    assert not states[behind].any()
    assert states[~behind].any(-1).all()


def test_gradients_reach_every_weight_and_only_the_rows_that_stand_there(source, rows):
    model = Bert(source)
    states = model(*padded(rows))
    (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
    gradient = model.rows.grad.coalesce()
    dense = gradient.to_dense()
    assert set(dense.any(1).nonzero()[:, 0].tolist()) == {piece for row in rows for piece in row}
    # A softmax stays as it is where all keys move together: the bias of the keys has no gradient but rounding.
    steep = {name for name, weight in model.weights.items() if weight.grad.norm() > 0.05}
    assert steep == {name for name in model.weights if not name.endswith("key/bias")}


def test_a_frozen_model_gives_the_same_states(source, rows):
    frozen = Bert(source).requires_grad_(requires_grad=False)
    assert not frozen(*padded(rows)).requires_grad
    assert np.array_equal(encoded(frozen, rows), encoded(Bert(source), rows))


def test_saved_and_read_again_it_is_the_same_model(source, rows, tmp_path):
    model = Bert(source)
    model.save(tmp_path / "saved")
    back = Bert(tmp_path / "saved")
    assert back.architecture == model.architecture
    assert back.tokenizer == model.tokenizer
    assert back.prompts == model.prompts
    stored = read_checkpoint(tmp_path / "saved").weights
    for name, values in tiny_weights().items():
        assert np.array_equal(stored[name], values.astype(np.float16).astype(np.float32)), name
    assert np.abs(encoded(back, rows) - encoded(model, rows)).max() < BF16
    back.save(tmp_path / "again")
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (
        tmp_path / "saved" / "model.safetensors"
    ).read_bytes()


def test_what_was_learnt_is_saved(source, rows, tmp_path):
    model = Bert(source)
    before = encoded(model, rows)
    with torch.no_grad():
        model.rows.mul_(-1)
        model.weights["encoder/layer/1/output/dense/bias"].add_(1)
    model.save(tmp_path / "saved")
    assert np.abs(encoded(Bert(tmp_path / "saved"), rows) - encoded(model, rows)).max() < BF16
    assert np.abs(encoded(model, rows) - before).max() > 10 * BF16


def test_prompts_are_kept(source, tmp_path):
    prompts = {"query": "q: ", "document": "p: "}
    (source / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    Bert(source).save(tmp_path / "saved")
    assert Bert(tmp_path / "saved").prompts == {"query": "q: ", "passage": "p: "}


def test_the_saved_folder_becomes_the_encoder_of_the_bot(source, rows, tmp_path):
    model = Bert(source)
    model.save(tmp_path / "saved")
    export(tmp_path / "saved", tmp_path / "out", precision=Precision("fp16", "fp16"))
    assert np.abs(OnnxEncoder(tmp_path / "out").encode_passages(TEXTS) - encoded(model, rows)).max() < BF16


@pytest.mark.slow
def test_sentence_transformers_loads_the_saved_folder(tmp_path):
    model = Bert(write_teacher(tmp_path / "teacher"))
    model.save(tmp_path / "saved")
    texts = ["the old river", "why sees the quiet judge the baker ?", "mirror " * 400]
    rows = [tokenizer_of(ENGLISH).encode(text).ids for text in texts]
    cut = [*rows[:2], [*rows[2][:255], rows[2][-1]]]
    encoder = load_encoder(str(tmp_path / "saved"))
    assert np.abs(encoder.encode_passages(texts) - encoded(model, cut)).max() < BF16


def test_a_pooler_is_not_learnt(tmp_path):
    weights = random_weights(len(ENGLISH) + 5)
    extra = {"pooler.dense.weight": np.ones((32, 32), np.float32), "embeddings.position_ids": np.arange(256)[None]}
    model = Bert(write_bert(tmp_path / "source", tokenizer_of(ENGLISH), {**weights, **extra}))
    assert {name.replace("/", ".") for name in model.weights} == set(weights) - {WORDS}
    assert model.rows.shape == weights[WORDS].shape


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="not a sentence-transformers BERT folder"):
        Bert(tmp_path)


@given(st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=12), min_size=1, max_size=6))
def test_padded_rows_keep_their_pieces_and_lengths(rows):
    ids, lengths = padded(rows)
    assert ids.shape == (len(rows), max(map(len, rows)))
    assert [ids[at, :length].tolist() for at, length in enumerate(lengths.tolist())] == rows
    assert int(ids.count_nonzero()) == sum(map(len, rows))


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 2**31))
def test_pooling_is_the_mean_of_what_is_there_at_unit_length(count, length, seed):
    random = np.random.default_rng(seed)
    states = random.normal(size=(count, length, 4)).astype(np.float32)
    lengths = random.integers(1, length + 1, count)
    for at, end in enumerate(lengths):
        states[at, end:] = 0
    means = np.stack([states[at, :end].mean(0) for at, end in enumerate(lengths)])
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(pooled(torch.from_numpy(states)).numpy(), expected, rtol=1e-3, atol=1e-4)
