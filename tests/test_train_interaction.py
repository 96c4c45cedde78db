"""What late interaction needs, read off an encoder's states: projection, rarities, and the command that writes both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the train extra is not installed")

from qa.embed import BUNDLED, INTERACTION_FILE, OnnxEncoder
from qa.train import interaction
from qa.train.interaction import LEAST, main, projection, rarity
from qa.train.pairs import Line

PAIRS = [
    ("The howitzers are in the depot.", "Die Haubitzen stehen im Depot."),
    ("The ferry leaves the harbour at nine.", "Die Fähre verlässt den Hafen um neun."),
    ("The mayor opened the new bridge.", "Die Bürgermeisterin eröffnete die neue Brücke."),
    ("The harvest was good in the valley.", "Die Ernte im Tal war gut."),
] * 6


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(BUNDLED, threads=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    lines = "".join(f"{english}\t{german}\n" for english, german in PAIRS)
    (folder / "sentence_pairs.tsv").write_text(lines, "utf-8")
    return folder


def moments(width: int = 24) -> np.ndarray:
    states = np.random.default_rng(3).standard_normal((500, width)) * np.linspace(3, 0.5, width)
    return states.T @ states / len(states)


def test_components_are_evened_out_and_turned() -> None:
    """Projected states have variances whose spread is the square root of what it was, shared between all numbers."""
    second, found = moments(), projection(moments(), 8)
    assert found.shape == (24, 8)
    kept = np.linalg.eigvalsh(second)[::-1][:8]
    projected = np.linalg.eigvalsh(found.T @ second @ found)[::-1]
    assert projected == pytest.approx(kept ** (1 - 2 * interaction.EVENED), rel=1e-4)
    variances = np.diag(found.T @ second @ found)
    assert variances.max() / variances.min() < projected[0] / projected[-1]


def test_the_same_moments_give_the_same_projection() -> None:
    assert np.array_equal(projection(moments(), 8), projection(moments(), 8))


def test_rare_pieces_count_more_than_common_ones(encoder: OnnxEncoder) -> None:
    weights = rarity([Line((english,), (german,)) for english, german in PAIRS], encoder)
    assert weights.shape == (encoder.vocabulary,)
    [[the], [ferry]] = encoder.pieces_of(["the", "ferry"])
    unseen = weights.max()
    assert weights.min() >= 0
    assert weights[the] < weights[ferry] < unseen


def test_the_command_adds_it_to_an_encoder(data: Path, tmp_path: Path, encoder: OnnxEncoder) -> None:
    model = tmp_path / "model"
    shutil.copytree(BUNDLED, model)
    config = json.loads((model / "config.json").read_text("utf-8"))
    del config["sha256"][INTERACTION_FILE]
    (model / "config.json").write_text(json.dumps(config), "utf-8")
    (model / INTERACTION_FILE).unlink()
    plain = OnnxEncoder(model, threads=1)
    assert plain.piece_bytes == 0
    assert len(plain.encode_question("Wo stehen die Haubitzen?").pieces) == 0
    assert main(["--data", str(data), "--model", str(model), "--passages", "8"]) == 0
    first = (model / INTERACTION_FILE).read_bytes()
    added = OnnxEncoder(model, threads=1)
    assert added.piece_bytes == interaction.DIM // 4
    assert added.sha256 not in {plain.sha256, encoder.sha256}
    assert main(["--data", str(data), "--model", str(model), "--passages", "8"]) == 0
    assert (model / INTERACTION_FILE).read_bytes() == first


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--model", str(BUNDLED)]) != 0
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_bundled_one_finds_the_passage_across_languages(encoder: OnnxEncoder) -> None:
    german = [german for _, german in PAIRS[:4]]
    encoded = encoder.encode_pieces(german)
    assert encoded.pieces.counts.sum() == len(encoded.pieces.codes) == len(encoded.pieces.places)
    starts = np.cumsum(encoded.pieces.counts) - encoded.pieces.counts
    for at, question in enumerate(("Where are the howitzers?", "When does the ferry leave?", "Who opened the bridge?")):
        asked = encoder.encode_question(question).pieces
        assert int(asked.mean(asked.nearest(encoded.pieces.codes, starts)).argmax()) == at


def test_a_piece_stands_where_it_begins_and_common_ones_are_left_out(encoder: OnnxEncoder) -> None:
    text = "Die Haubitzen stehen im Depot."
    pieces = encoder.encode_pieces([text]).pieces
    begins = [text[at:] for at in pieces.places]
    assert any(one.startswith("Haubitzen") for one in begins)
    assert any(one.startswith("Depot") for one in begins)
    assert not any(one.startswith(("Die ", ".")) for one in begins)
    assert list(pieces.places) == sorted(pieces.places)


def test_what_nothing_is_kept_of_has_no_pieces(encoder: OnnxEncoder) -> None:
    encoded = encoder.encode_pieces(["", "der die das", "Haubitzen"])
    assert encoded.pieces.counts.tolist()[:2] == [0, 0]
    assert encoded.pieces.counts[2] > 0
    assert encoded.vectors.shape == (3, encoder.dim)
    assert encoder.encode_pieces([]).pieces.codes.shape == (0, encoder.piece_bytes)


def test_pieces_are_the_same_alone_and_among_others(encoder: OnnxEncoder) -> None:
    texts = [text for pair in PAIRS[:4] for text in pair]
    together = encoder.encode_pieces(texts).pieces
    alone = [encoder.encode_pieces([text]).pieces for text in texts]
    assert np.array_equal(together.codes, np.concatenate([one.codes for one in alone]))
    assert np.array_equal(together.places, np.concatenate([one.places for one in alone]))
    assert together.counts.tolist() == [int(one.counts[0]) for one in alone]


def test_a_prompt_has_no_pieces() -> None:
    prompted = OnnxEncoder(
        BUNDLED, threads=1, prompts={"passage": "Abschnitt Kanzlerin: ", "query": "Frage Lokomotive: "}
    )
    pieces = prompted.encode_pieces(["Haubitzen"]).pieces
    assert pieces.places.tolist() == [at for at in pieces.places.tolist() if 0 <= at < len("Haubitzen")]
    assert pieces.counts.tolist() == [len(prompted.pieces_of(["Haubitzen"])[0])]
    assert len(prompted.encode_question("Haubitzen").pieces) == len(prompted.pieces_of(["Haubitzen"])[0])


def test_kept_pieces_weigh_at_least_what_the_bound_says(encoder: OnnxEncoder) -> None:
    stored = np.load(BUNDLED / INTERACTION_FILE)
    assert float(stored["least"]) == LEAST
    assert stored["weights"].shape == (encoder.vocabulary,)
