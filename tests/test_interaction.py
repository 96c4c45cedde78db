"""Late interaction: codes of word pieces, and what a question's pieces come near to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import EncoderError
from qa.interaction import AskedPieces, Interaction, decoded

WIDTH, DIM, WORDS = 24, 16, 40


def interaction(seed: int = 0, dim: int = DIM) -> Interaction:
    random = np.random.default_rng(seed)
    projection = random.standard_normal((WIDTH, dim)).astype(np.float32)
    return Interaction(projection, random.uniform(0, 9, WORDS).astype(np.float32), 2.0)


def states(count: int, seed: int = 1, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def exact(one: Interaction, rows: np.ndarray) -> np.ndarray:
    pieces = rows @ one.projection
    return pieces / np.linalg.norm(pieces, axis=1, keepdims=True)


def test_a_code_is_two_bits_a_number() -> None:
    one = interaction()
    codes = one.codes(states(7))
    assert (codes.dtype, codes.shape) == (np.uint8, (7, one.piece_bytes))
    assert one.piece_bytes == DIM // 4
    assert one.codes(states(0)).shape == (0, one.piece_bytes)


def test_decoded_numbers_have_the_sign_of_the_piece_and_its_larger_ones_weigh_more() -> None:
    one, rows = interaction(), states(200)
    pieces, numbers = exact(one, rows), decoded(one.codes(rows))
    assert set(np.unique(numbers)) == {-10.0, -3.0, 3.0, 10.0}
    assert np.all(np.sign(numbers) == np.sign(pieces))
    large = np.abs(numbers) == 10.0
    assert np.abs(pieces)[large].min() >= np.abs(pieces)[~large].max()


def test_cosines_by_codes_are_near_those_of_the_pieces() -> None:
    """With 128 numbers of two bits the error has a spread of about .03."""
    one, asked_states, kept = interaction(dim=128), states(30, 2), states(400, 3)
    asked = one.asked(np.arange(30), asked_states)
    found = asked.nearest(one.codes(kept), np.arange(400))
    error = found - exact(one, kept) @ exact(one, asked_states).T
    assert found.shape == (400, 30)
    assert abs(error.mean()) < 0.01
    assert error.std() < 0.06


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 6))
def test_each_piece_finds_the_nearest_of_each_text(counts: list[int], asked_count: int) -> None:
    one = interaction()
    codes = one.codes(states(sum(counts)))
    asked = one.asked(np.arange(asked_count), states(asked_count, 5))
    starts = np.cumsum([0, *counts])[:-1]
    found = asked.nearest(codes, starts)
    cosines = (decoded(codes) @ asked.rows.T) * asked.scales
    for row, start, count in zip(found, starts, counts, strict=True):
        best = cosines[start : start + count].max(axis=0) if count else np.zeros(asked_count)
        assert row == pytest.approx(best, abs=1e-6)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=20))
def test_what_a_text_gets_does_not_depend_on_those_beside_it(counts: list[int]) -> None:
    one = interaction(dim=128)
    codes, asked = one.codes(states(sum(counts))), one.asked(np.arange(5), states(5, 5))
    starts = np.cumsum([0, *counts])[:-1]
    together = asked.mean(asked.nearest(codes, starts))
    for at, (start, count) in enumerate(zip(starts, counts, strict=True)):
        alone = asked.nearest(codes[start : start + count], np.zeros(1, np.int64))
        assert asked.mean(alone)[0] == together[at]


def test_many_pieces_are_scored_a_slice_at_a_time() -> None:
    one = interaction()
    counts = [9_000, 0, 5_000, 20_000, 1]
    codes, asked = one.codes(states(sum(counts))), one.asked(np.arange(3), states(3, 5))
    starts = np.cumsum([0, *counts])[:-1]
    cosines = (decoded(codes) @ asked.rows.T) * asked.scales
    expected = [cosines[s : s + c].max(axis=0) if c else np.zeros(3) for s, c in zip(starts, counts, strict=True)]
    assert np.array_equal(asked.nearest(codes, starts), np.array(expected, np.float32))


def test_rare_pieces_count_more() -> None:
    asked = AskedPieces(np.zeros((2, 4), np.float32), np.ones(2, np.float32), np.array([3.0, 1.0], np.float32))
    assert asked.mean(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)).tolist() == [0.75, 0.25]


def test_a_question_without_pieces_is_near_nothing() -> None:
    none = AskedPieces.none()
    found = none.nearest(np.zeros((6, 4), np.uint8), np.array([0, 3]))
    assert found.shape == (2, 0)
    assert none.mean(found).tolist() == [0.0, 0.0]
    assert none.nearest(np.zeros((0, 0), np.uint8), np.zeros(0, np.int64)).shape == (0, 0)


def test_common_pieces_are_not_kept() -> None:
    one = interaction()
    assert one.keeps(np.arange(WORDS)).tolist() == (one.weights >= 2.0).tolist()


def test_what_is_written_is_read_and_always_the_same_bytes(tmp_path: Path) -> None:
    one = interaction()
    assert one.to_bytes() == one.to_bytes()
    (tmp_path / "a.npz").write_bytes(one.to_bytes())
    read = Interaction.read(tmp_path / "a.npz")
    assert np.array_equal(read.projection, one.projection.astype(np.float16).astype(np.float32))
    assert np.array_equal(read.weights, one.weights.astype(np.float16).astype(np.float32))
    assert read.least == one.least


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"not a file of numbers"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "interaction.npz"
    path.write_bytes(content)
    with pytest.raises(EncoderError, match=r"interaction\.npz cannot be read"):
        Interaction.read(path)
    with pytest.raises(EncoderError, match=r"interaction\.npz cannot be read"):
        Interaction.read(tmp_path / "folder" / "interaction.npz")


def test_shapes_that_fit_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "interaction.npz"
    path.write_bytes(Interaction(np.zeros((WIDTH, 6), np.float32), np.zeros(WORDS, np.float32), 2.0).to_bytes())
    with pytest.raises(EncoderError, match="shapes"):
        Interaction.read(path)
