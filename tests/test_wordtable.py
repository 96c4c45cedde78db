"""Vectors of words out of a table: sums of rows, length 1, whatever was asked before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import wordtable
from qa.wordtable import WordTable

ROWS = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0], [0, 0, 2], [-3, 0, 0]], np.int8)
SCALES = np.array([[1], [2], [0.5], [1], [1]], np.float32)
PIECES = {"": [], "a": [1], "b": [2], "ab": [1, 2], "c": [3], "aa": [1, 1], "gone": [1, 4]}


def table(rows=ROWS, scales=None):
    return WordTable(rows, scales, lambda words: [PIECES[word] for word in words])


def test_a_word_is_the_sum_of_its_pieces_at_length_one():
    found = table(scales=SCALES).vectors(["a", "ab", "c", "aa"])
    assert found.dtype == np.float32
    both = np.array([6, 2, 0]) / np.hypot(6, 2)
    np.testing.assert_allclose(found, [[1, 0, 0], both, [0, 0, 1], [1, 0, 0]], rtol=1e-6)


def test_a_word_without_pieces_is_zeros():
    assert not table().vectors([""]).any()
    assert not WordTable.none(4).vectors(["any", "word"]).any()
    assert WordTable.none(4).vectors([]).shape == (0, 4)


@given(st.lists(st.lists(st.sampled_from(sorted(PIECES)), max_size=6), max_size=8), st.integers(1, 4))
def test_the_same_word_has_the_same_vector_whatever_is_remembered(asked, remembered):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordtable, "REMEMBERED", remembered)
        kept = table(scales=SCALES)
        for words in asked:
            fresh = table(scales=SCALES)
            alone = [fresh.vectors([word])[0] for word in words]
            np.testing.assert_array_equal(kept.vectors(words), np.array(alone).reshape(-1, 3))
