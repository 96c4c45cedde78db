"""The compact ONNX form: the graph against BERT written out in numpy, fixed bytes, and the way back."""

from __future__ import annotations

import hashlib
import json
import math
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the train extra is not installed")

from safetensors.numpy import load_file, save_file

from qa.embed import BUNDLED, OnnxEncoder
from qa.errors import EncoderError
from qa.runtime import onnxruntime
from qa.train.export import export, main, rebuild, to_sentence_transformers
from qa.train.graph import Precision

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghijklmnopqrstuvwxyzäöüß",
    *(f"##{c}" for c in "abcdeäöü"),
]
WIDTH, INNER, HEADS, LAYERS, POSITIONS = 16, 32, 4, 2, 40
TEXTS = ["a", "b c d", "äöü ß", "abc cab x y z", " ".join("abcdefghijklm")]


def tiny_tokenizer():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def tiny_weights(seed=0):
    random = np.random.default_rng(seed)
    shapes = {
        "embeddings.word_embeddings.weight": (len(PIECES), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        dense = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (WIDTH, WIDTH)}
        dense |= {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
        for part, shape in dense.items():
            shapes[f"{name}.{part}.weight"] = shape
            shapes[f"{name}.{part}.bias"] = shape[:1]
    weights = {name: random.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in norms:
        weights[f"{name}.weight"] = random.normal(1, 0.1, WIDTH).astype(np.float32)
        weights[f"{name}.bias"] = random.normal(0, 0.1, WIDTH).astype(np.float32)
    return weights


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "1_Pooling").mkdir(parents=True)
    save_file(tiny_weights(), folder / "model.safetensors")
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "type_vocab_size": 2,
        "vocab_size": len(PIECES),
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "mean"}))
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "a: ", "document": "b: "}})
    )
    return folder


def reference(weights, ids):
    """BERT with mean pooling and unit length, one text at a time (Devlin et al. 2019, as in transformers)."""

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def dense(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def heads(x):
        return x.reshape(len(ids), HEADS, WIDTH // HEADS).swapaxes(0, 1)

    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + weights["embeddings.position_embeddings.weight"][: len(ids)], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (heads(dense(x, f"{name}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(WIDTH // HEADS))
        mixed = (scores / scores.sum(-1, keepdims=True) @ value).swapaxes(0, 1).reshape(len(ids), WIDTH)
        x = norm(dense(mixed, f"{name}.attention.output.dense") + x, f"{name}.attention.output.LayerNorm")
        inner = dense(x, f"{name}.intermediate.dense")
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        x = norm(dense(inner, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def expected(texts):
    weights, tokenizer = tiny_weights(), tiny_tokenizer()
    return np.stack([reference(weights, np.array(tokenizer.encode(f"b: {text}").ids)) for text in texts])


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [
        (Precision("fp32", "fp32"), 1e-5),
        (Precision("fp16", "fp16"), 2e-3),
        (Precision("int8", "fp16"), 2e-2),
        (Precision("int8", "int8", "fp32"), 3e-2),
        (Precision("int8", "int8", "int8"), 6e-2),
    ],
)
def test_the_graph_computes_bert_as_written_in_the_paper(source, tmp_path, precision, tolerance):
    export(source, tmp_path / "out", precision=precision)
    encoder = OnnxEncoder(tmp_path / "out")
    assert np.abs(encoder.encode_passages(TEXTS) - expected(TEXTS)).max() < tolerance


def test_a_vector_in_integers_does_not_depend_on_its_neighbours_in_the_batch(source, tmp_path):
    """As it would with one scale for the whole batch, taken from whatever state is largest in it."""
    export(source, tmp_path / "out")
    encoder = OnnxEncoder(tmp_path / "out", threads=1)
    together = encoder.encode_passages(TEXTS)
    alone = np.concatenate([encoder.encode_passages([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-6


def test_integer_weights_leave_room_for_two_products_in_16_bits(source, tmp_path):
    import onnx

    export(source, tmp_path / "out")
    stored = {tensor.name: tensor for tensor in onnx.load(tmp_path / "out" / "model.onnx").graph.initializer}
    matrices = [name for name in stored if name.startswith("encoder.") and name.endswith(".int8")]
    assert len(matrices) == 6 * LAYERS
    for name in matrices:
        assert 2 * 255 * np.abs(onnx.numpy_helper.to_array(stored[name]).astype(int)).max() < 2**15


def test_a_session_folds_the_stored_weights_to_fp32(source, tmp_path):
    """Else each run would pay for the casts: what stays is the mask, the gathered rows and their scales."""
    import onnx

    export(source, tmp_path / "out", precision=Precision(arithmetic="fp32"))
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    runtime.InferenceSession(str(tmp_path / "out" / "model.onnx"), options, providers=["CPUExecutionProvider"])
    folded = onnx.load(tmp_path / "folded.onnx").graph
    assert sum(node.op_type == "Cast" for node in folded.node) == 2
    small = {onnx.TensorProto.INT8, onnx.TensorProto.FLOAT16}
    assert [tensor.name for tensor in folded.initializer if tensor.data_type in small] == [
        "embeddings.word_embeddings.weight.int8"
    ]


def test_prompts_and_length_are_those_of_the_source(source, tmp_path):
    export(source, tmp_path / "out")
    encoder = OnnxEncoder(tmp_path / "out")
    assert encoder.prompts == {"query": "a: ", "passage": "b: "}
    assert (encoder.dim, encoder.max_tokens) == (WIDTH, POSITIONS)
    with_prompt = OnnxEncoder(tmp_path / "out", prompts={"query": "b: "})
    assert np.array_equal(with_prompt.encode_queries(TEXTS), encoder.encode_passages(TEXTS))


def test_two_exports_are_the_same_bytes(source, tmp_path):
    for name in ("one", "two"):
        export(source, tmp_path / name, provenance="made for a test")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert set(one) == {"model.onnx", "tokenizer.json", "config.json"}
    config = json.loads(one["config.json"])
    assert config["sha256"]["model.onnx"] == hashlib.sha256(one["model.onnx"]).hexdigest()
    assert config["provenance"] == "made for a test"


def test_a_smaller_precision_is_a_smaller_file(source, tmp_path):
    import onnx

    sizes = []
    for precision in (Precision("fp32", "fp32"), Precision("fp16", "fp16"), Precision("int8", "fp16"), Precision()):
        export(source, tmp_path / "out", precision=precision)
        # Against so few weights the graph itself weighs most: only the tensors are compared.
        tensors = onnx.load(tmp_path / "out" / "model.onnx").graph.initializer
        sizes.append(sum(len(tensor.raw_data) for tensor in tensors if tensor.name.endswith((".weight", ".int8"))))
    assert all(larger > smaller for larger, smaller in pairwise(sizes))


def test_weights_survive_the_way_back(source, tmp_path):
    export(source, tmp_path / "out", precision=Precision("fp16", "fp16"))
    to_sentence_transformers(tmp_path / "out", tmp_path / "back")
    back, weights = load_file(tmp_path / "back" / "model.safetensors"), tiny_weights()
    assert set(back) == set(weights) | {"pooler.dense.weight", "pooler.dense.bias"}
    for name, values in weights.items():
        assert np.array_equal(back[name], values.astype(np.float16)), name


def test_there_and_back_gives_the_same_vectors(source, tmp_path):
    assert main([str(source), str(tmp_path / "out")]) == 0
    assert main(["--to-sentence-transformers", str(tmp_path / "back"), "--model", str(tmp_path / "out")]) == 0
    assert main([str(tmp_path / "back"), str(tmp_path / "again")]) == 0
    first, second = (OnnxEncoder(tmp_path / name) for name in ("out", "again"))
    assert np.abs(first.encode_passages(TEXTS) - second.encode_passages(TEXTS)).max() < 1e-2
    assert first.prompts == second.prompts


def test_rebuilding_an_export_gives_its_bytes(source, tmp_path):
    for precision in (Precision(), Precision("fp16", "fp16"), Precision("int8", "int8", "fp32")):
        export(source, tmp_path / "out", precision=precision, provenance="made for a test", name="tiny")
        assert main(["--rebuild", str(tmp_path / "out"), str(tmp_path / "again")]) == 0
        for file in ("model.onnx", "tokenizer.json", "config.json"):
            assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "out" / file).read_bytes()


def test_rebuilding_stores_no_number_anew_and_leaves_out_what_is_not_read(source, tmp_path):
    """Weights below their peak would be spread anew if they were rounded a second time."""
    import onnx

    export(source, tmp_path / "out")
    path = tmp_path / "out" / "model.onnx"
    model = onnx.load(path)
    name = "encoder.layer.0.output.dense.weight.int8"
    tensor = next(one for one in model.graph.initializer if one.name == name)
    weakened = onnx.numpy_helper.to_array(tensor) // 3
    tensor.CopyFrom(onnx.numpy_helper.from_array(weakened, name))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(3, np.float32), "left over"))
    onnx.save(model, path)
    rebuild(tmp_path / "out", tmp_path / "out")
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
    assert np.array_equal(stored[name], weakened)
    assert "left over" not in stored
    OnnxEncoder(tmp_path / "out").encode_passages(TEXTS)


def test_the_graph_of_the_bundled_encoder_can_be_rebuilt(tmp_path):
    rebuild(BUNDLED, tmp_path)
    before, after = OnnxEncoder(BUNDLED), OnnxEncoder(tmp_path)
    texts = ["Der Bäcker öffnet um sechs.", "", "The bridge stays closed until the autumn, they said. " * 8, "Brücke"]
    assert np.array_equal(before.encode_passages(texts * 3), after.encode_passages(texts * 3))


@pytest.mark.parametrize(
    ("file", "change", "named"),
    [
        ("config.json", {"model_type": "xlm-roberta"}, "xlm-roberta"),
        ("config.json", {"hidden_act": "relu"}, "relu"),
        ("1_Pooling/config.json", {"pooling_mode": "cls"}, "cls"),
    ],
)
def test_a_model_the_graph_cannot_compute_is_refused(source, tmp_path, capsys, file, change, named):
    path = source / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert main([str(source), str(tmp_path / "out")]) == 1
    assert named in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="not a sentence-transformers BERT folder"):
        export(tmp_path, tmp_path / "out")
    with pytest.raises(EncoderError, match="holds no exported encoder"):
        to_sentence_transformers(tmp_path, tmp_path / "out")


def test_the_command_line_asks_for_what_is_missing(capsys):
    with pytest.raises(SystemExit):
        main(["only-a-source"])
    assert "SOURCE and TARGET" in capsys.readouterr().err


def test_the_measures_of_the_fidelity_table():
    from eval.encoder_fidelity import ndcg, overlap, ranks_of_relevant

    scores = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.2, 0.2, 0.1]], np.float32)
    ranks = ranks_of_relevant(scores, np.array([0, 2, 1]))
    assert ranks.tolist() == [1, 3, 1]
    assert ndcg(ranks) == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert ndcg(ranks, depth=2) == pytest.approx(2 / 3)
    assert overlap(scores[:2], scores[:2, ::-1], depth=1) == 0
    assert overlap(scores[:2], 2 * scores[:2], depth=2) == 1
