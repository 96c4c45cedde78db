"""Texts to unit vectors: shapes, lengths, batches, threads, both languages, and what is said when files are damaged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.embed import BUNDLED, OnnxEncoder, load_encoder
from qa.errors import EncoderError

TEXTS = [
    "Der Bäcker öffnet um sechs Uhr.",
    "Straße",
    "The committee met again on Tuesday and put off its decision about the bridge until the autumn. " * 6,
    "Ein Satz, der etwas länger ist als die übrigen, damit die Zeilen verschieden lang sind.",
    "?",
    "",
]
PAIRS = [
    ("Die Feuerwehr löschte den Brand in der alten Mühle.", "The fire brigade put out the blaze in the old mill."),
    ("Der Impfstoff wird nun an Kindern erprobt.", "The vaccine is now being tested on children."),
    ("Im Frühjahr steigen die Mieten in der Innenstadt.", "Rents in the city centre will rise in spring."),
    ("Die Mannschaft verlor das Endspiel im Elfmeterschießen.", "The team lost the final on penalties."),
    ("Der Hafen bleibt wegen des Sturms geschlossen.", "The port stays closed because of the storm."),
    ("Forscher fanden eine neue Käferart im Regenwald.", "Researchers found a new kind of beetle in the rainforest."),
    ("Das Gericht sprach den Bürgermeister frei.", "The court acquitted the mayor."),
    ("Die Bahn streicht zwei Verbindungen nach Süden.", "The railway is cutting two connections to the south."),
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(threads=2)


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(BUNDLED, tmp_path / "copy")


def test_rows_are_unit_length_and_float32(encoder):
    for encode in (encoder.encode_queries, encoder.encode_passages):
        vectors = encode(TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.dim)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode_queries([]).shape == (0, encoder.dim)
    assert encoder.encode_passages(()).shape == (0, encoder.dim)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_text_gets_the_vector_it_has_alone(encoder, texts):
    together = encoder.encode_passages(texts)
    alone = [encoder.encode_passages([text])[0] for text in texts]
    assert np.isfinite(together).all()
    for row, single in zip(together, alone, strict=True):
        assert np.abs(row - single).max() < 1e-5


def test_order_and_neighbours_do_not_matter(encoder):
    vectors = encoder.encode_passages(TEXTS)
    assert np.abs(encoder.encode_passages(TEXTS[::-1])[::-1] - vectors).max() < 1e-5
    many = encoder.encode_passages(TEXTS * 20)
    assert np.abs(many - np.tile(vectors, (20, 1))).max() < 1e-5


def test_more_texts_than_a_slice_keep_their_order(encoder, monkeypatch):
    monkeypatch.setattr("qa.embed.SLICE", 4)
    vectors = encoder.encode_passages(TEXTS)
    monkeypatch.undo()
    assert np.abs(encoder.encode_passages(TEXTS) - vectors).max() < 1e-5


def test_text_past_the_limit_is_cut(encoder):
    text = "Wasser " * (encoder.max_tokens - 2)
    limit, longer = encoder.encode_passages([text, text + "Feuer Erde Luft " * 50])
    assert np.abs(limit - longer).max() < 1e-5
    shorter = encoder.encode_passages([text.replace("Wasser", "Feuer", 1)])[0]
    assert np.abs(limit - shorter).max() > 1e-4


def test_umlauts_count_and_capitals_do_not(encoder):
    plain, umlaut, capitals = encoder.encode_passages(["schon gedruckt", "schön gedruckt", "SCHÖN GEDRUCKT"])
    assert np.abs(umlaut - capitals).max() < 1e-5
    assert plain @ umlaut < 0.999


def test_a_sentence_is_nearest_to_its_translation(encoder):
    german = encoder.encode_queries([pair[0] for pair in PAIRS])
    english = encoder.encode_passages([pair[1] for pair in PAIRS])
    scores = german @ english.T
    assert (scores.argmax(axis=1) == np.arange(len(PAIRS))).all()
    assert (scores.argmax(axis=0) == np.arange(len(PAIRS))).all()


def test_a_word_is_near_its_translation(encoder):
    """Out of a list of others; looked up, so that an ending the two do not share says nothing."""
    english = ["weapons", "soldiers", "peace", "president", "election", "water"]
    german = ["waffen", "soldaten", "frieden", "präsident", "wahl", "wasser"]
    cosines = encoder.encode_words(english) @ encoder.encode_words(german).T
    assert cosines.argmax(axis=1).tolist() == cosines.argmax(axis=0).tolist() == list(range(6))
    assert np.diag(cosines).min() > 0.6


def test_word_rows_are_of_length_1_or_zeros(encoder):
    found = encoder.encode_words(["waffen", "", "K9", "zzqx", "\x00"])
    assert found.dtype == np.float32
    lengths = np.linalg.norm(found, axis=1)
    assert lengths[[0, 2, 3]] == pytest.approx(1.0, abs=1e-5)
    assert lengths[1] == 0
    assert encoder.encode_words([]).shape == (0, encoder.dim)


def test_threads_may_share_it(encoder):
    expected = encoder.encode_passages(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(encoder.encode_passages, [TEXTS] * 12):
            assert np.abs(vectors - expected).max() < 1e-5


def test_names_of_the_bundled_encoder(encoder):
    assert encoder.name == load_encoder("bundled").name == load_encoder("").name == "bundled"
    assert encoder.prompts == {"query": "", "passage": ""}
    assert len(encoder.sha256) == 64


def test_a_copy_elsewhere_is_the_same_encoder_under_its_own_name(encoder, copy):
    other = load_encoder(str(copy))
    assert isinstance(other, OnnxEncoder)
    assert (other.name, other.sha256) == (str(copy), encoder.sha256)


def test_a_prompt_is_put_before_the_text(encoder):
    asking = load_encoder(prompts={"query": "Frage: "})
    assert np.abs(asking.encode_queries(["Wer?"]) - encoder.encode_queries(["Frage: Wer?"])).max() < 1e-6
    assert np.abs(asking.encode_passages(["Wer?"]) - encoder.encode_passages(["Wer?"])).max() < 1e-6
    with pytest.raises(EncoderError, match="unknown keys"):
        load_encoder(prompts={"document": "x"})


def test_another_length_is_another_digest(encoder, copy):
    path = copy / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"max_tokens": 32}))
    assert load_encoder(str(copy)).sha256 != encoder.sha256


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_flipped_bit_is_named(copy, file):
    content = bytearray((copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(EncoderError, match=rf"{file} is damaged.*qa\.train\.export"):
        load_encoder(str(copy))


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(copy, file):
    (copy / file).unlink()
    with pytest.raises(EncoderError, match=f"{file} cannot be read: No such file"):
        load_encoder(str(copy))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"format": 1}', "cannot be read.*dim"),
        (None, "cannot be read"),
    ],
)
def test_a_damaged_config_is_named(copy, content, said):
    path = copy / "config.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(EncoderError, match=rf"config\.json {said}"):
        OnnxEncoder(copy)


def test_a_later_format_is_refused(copy):
    path = copy / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"format": 99}))
    with pytest.raises(EncoderError, match="has format 99"):
        load_encoder(str(copy))


def test_a_damaged_package_says_how_to_get_it_back(copy, monkeypatch):
    monkeypatch.setattr("qa.embed.BUNDLED", copy)
    (copy / "model.onnx").write_bytes(b"")
    with pytest.raises(EncoderError, match="pip install --force-reinstall"):
        load_encoder()


def test_importing_the_module_loads_nothing_heavy():
    heavy = "onnxruntime tokenizers torch transformers sentence_transformers huggingface_hub"
    code = f"import sys, qa.embed; print([name for name in {heavy.split()!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_bundled_encoder_runs_without_torch():
    code = "import sys, qa.embed; qa.embed.load_encoder().encode_queries(['a']); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.fixture(scope="module")
def standard(tmp_path_factory):
    pytest.importorskip("onnx", reason="the train extra is not installed")
    from qa.train.export import to_sentence_transformers

    folder = tmp_path_factory.mktemp("standard")
    to_sentence_transformers(BUNDLED, folder)
    return folder


@pytest.fixture(scope="module")
def torch_encoder(standard):
    return load_encoder(str(standard), threads=2)


def test_sentence_transformers_agrees_on_the_same_weights(standard, torch_encoder, tmp_path):
    from qa.train.export import export
    from qa.train.graph import Precision

    export(standard, tmp_path, precision=Precision("fp16", "fp16"))
    encoder = load_encoder(str(tmp_path))
    texts = [*TEXTS, *(text for pair in PAIRS for text in pair)]
    for ours, theirs in (
        (encoder.encode_queries, torch_encoder.encode_queries),
        (encoder.encode_passages, torch_encoder.encode_passages),
    ):
        assert np.abs(ours(texts) - theirs(texts)).max() < 1e-3
    assert torch_encoder.dim == encoder.dim
    assert torch_encoder.encode_passages([]).shape == (0, encoder.dim)


def test_both_look_up_the_same_words(encoder, torch_encoder):
    words = ["waffen", "weapons", "haubitze", "", "pjöngjang"]
    assert np.abs(torch_encoder.encode_words(words) - encoder.encode_words(words)).max() < 0.01


def test_integers_cost_little(encoder, torch_encoder):
    """What it costs in nDCG is measured by eval/encoder_fidelity.py."""
    texts = [*TEXTS, *(text for pair in PAIRS for text in pair)]
    cosines = (encoder.encode_passages(texts) * torch_encoder.encode_passages(texts)).sum(axis=1)
    assert cosines.min() > 0.98
    assert cosines.mean() > 0.99


def test_sentence_transformers_rows_are_float32_of_length_1(torch_encoder):
    vectors = torch_encoder.encode_queries(TEXTS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_threads_may_share_a_sentence_transformers_model(torch_encoder):
    expected = torch_encoder.encode_passages(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(torch_encoder.encode_passages, [TEXTS] * 8):
            assert np.abs(vectors - expected).max() < 1e-5


def test_a_sentence_transformers_model_brings_its_prompts(standard, tmp_path, torch_encoder):
    folder = shutil.copytree(standard, tmp_path / "prompted")
    (folder / "README.md").write_text("notes do not change the digest")
    assert load_encoder(str(folder)).sha256 == torch_encoder.sha256
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({"prompts": {"query": "Frage: ", "document": "Text: "}}))
    prompted = load_encoder(str(folder))
    assert prompted.prompts == {"query": "Frage: ", "passage": "Text: "}
    assert prompted.sha256 != torch_encoder.sha256
    assert np.abs(prompted.encode_queries(["Wer?"]) - torch_encoder.encode_queries(["Frage: Wer?"])).max() < 1e-5
    assert np.abs(prompted.encode_passages(["Er."]) - torch_encoder.encode_passages(["Text: Er."])).max() < 1e-5
    given_prompts = load_encoder(str(folder), prompts={"query": "", "passage": ""})
    assert np.abs(given_prompts.encode_queries(["Wer?"]) - torch_encoder.encode_queries(["Wer?"])).max() < 1e-5


def test_a_damaged_sentence_transformers_folder_is_named(standard, tmp_path):
    folder = shutil.copytree(standard, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"\x00" * 64)
    with pytest.raises(EncoderError, match="damaged is not a sentence-transformers model"):
        load_encoder(str(folder))


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(EncoderError, match="does not exist"):
        load_encoder(str(tmp_path / "missing"))
    with pytest.raises(EncoderError, match="is not a sentence-transformers model"):
        load_encoder(str(tmp_path))


def test_an_unknown_name_without_network_says_what_to_do(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    said = "encoder 'nobody/no-such-encoder' is neither a folder nor a model.* check the name and the network"
    with pytest.raises(EncoderError, match=said):
        load_encoder("nobody/no-such-encoder")


@pytest.mark.parametrize("copies", [1, 3, 9])
def test_vectors_do_not_depend_on_the_number_of_threads(copies: int) -> None:
    texts = [f"{sentence} {other} " * length for sentence, other in PAIRS for length in range(1, 1 + copies)]
    one, *others = (load_encoder(threads=threads).encode_passages(texts) for threads in (1, 2, 3, 4))
    assert all(np.array_equal(one, other) for other in others)


def test_batches_side_by_side_use_the_threads_asked_for_and_leave_none(encoder, monkeypatch) -> None:
    texts = [" ".join(pair) for pair in PAIRS] * 20
    met: set[str] = set()
    run = OnnxEncoder._run

    def watched(self, rows, use):
        met.add(threading.current_thread().name)
        return run(self, rows, use)

    monkeypatch.setattr(OnnxEncoder, "_run", watched)
    before = threading.active_count()
    encoder.encode_passages(texts)
    assert met <= {"encode_0", "encode_1"}
    assert threading.active_count() == before
    met.clear()
    encoder.encode_queries(["Wer?"])
    assert met == {threading.current_thread().name}


def test_a_batch_that_fails_is_heard_of(encoder, monkeypatch) -> None:
    texts = [" ".join(pair) for pair in PAIRS] * 20
    run = OnnxEncoder._run
    asked = iter(range(1000))

    def failing(self, rows, use):
        if next(asked) == 3:
            raise MemoryError("no room")
        return run(self, rows, use)

    monkeypatch.setattr(OnnxEncoder, "_run", failing)
    with pytest.raises(MemoryError, match="no room"):
        encoder.encode_passages(texts)


def test_the_home_of_nobody_is_an_encoder_error() -> None:
    with pytest.raises(EncoderError, match="nobody of that name has a home here"):
        load_encoder("~nobody-at-all/model")
