"""Vectors of words out of a table: sums of rows, length 1, whatever was asked before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import wordtable
from qa.numbered import NUMBER_TYPE, Numbered, WordList, listed
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
def test_cosines_are_those_of_the_vectors_whatever_is_remembered(asked, remembered):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordtable, "REMEMBERED", remembered)
        patch.setattr(wordtable, "BLOCK", 2)
        kept = table(scales=SCALES)
        known = sorted(PIECES)
        listing = WordList(listed(known))
        for words in asked:
            few = words[:2]
            expected = kept.vectors(few) @ kept.vectors(words).T
            np.testing.assert_allclose(kept.cosines(few, words), expected, atol=1e-6)
            numbered = Numbered(listing, np.array([known.index(word) for word in words], NUMBER_TYPE))
            np.testing.assert_allclose(kept.cosines(few, numbered), expected, atol=1e-6)


def test_cosines_of_nothing_and_with_nothing():
    assert table().cosines([], ["a"]).shape == (0, 1)
    assert table().cosines(["a"], []).shape == (1, 0)
    assert not WordTable.none(4).cosines(["any"], ["any", "word"]).any()


def test_many_threads_may_look_up_new_words_at_once(monkeypatch):
    """Each word is two pieces by its number; the table overflows again and again meanwhile."""
    monkeypatch.setattr(wordtable, "REMEMBERED", 50)
    rows = np.random.default_rng(1).normal(size=(40, 8)).astype(np.float32)
    kept = WordTable(rows, None, lambda words: [[int(word) % 40, int(word) // 40 % 40] for word in words])
    calls = [np.random.default_rng(seed).integers(0, 1600, 30).astype(NUMBER_TYPE) for seed in range(200)]
    listing = WordList(listed(map(str, range(1600))))

    def furthest(numbers):
        words = listing.words(numbers)
        expected = kept.vectors(words[:3]) @ kept.vectors(words).T
        found = kept.cosines(words[:3], words), kept.cosines(words[:3], Numbered(listing, numbers))
        return max(np.abs(one - expected).max() for one in found)

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(furthest, calls)) < 1e-5
