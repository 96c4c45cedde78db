"""Words of a question met by texts: in their own form, another one, or another language."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.likeness import STEM, UNLIKE, matches, numbered_matches, numbered_shares, shares, word_shares
from qa.numbered import NUMBER_TYPE, WordList, listed

#: Two languages along the same axes: "weapons" and "waffen" have a cosine of 0.8.
AXES = {"weapons": [1, 0, 0], "waffen": [0.8, 0.6, 0], "peace": [0, 0, 1], "frieden": [0, 0.6, 0.8], "seoul": [0, 1, 0]}


def cosines(asked, words):
    one, other = (
        np.array([AXES.get(word, [0, 0, 0]) for word in side], np.float32).reshape(-1, 3) for side in (asked, words)
    )
    return one @ other.T


def test_a_translation_counts_as_far_as_it_is_like():
    met = matches(["weapons", "peace"], [["waffen", "frieden"], ["waffen"], []], cosines)
    like = (0.8 - UNLIKE) / (1 - UNLIKE)
    np.testing.assert_allclose(met, [[like, like, 0], [like, 0, 0]], atol=1e-6)


def test_the_word_itself_and_its_other_forms_count_in_full_even_unknown():
    met = matches(["haubitze"], [["haubitzen"], ["haube"], ["haubitze", "seoul"]], cosines)
    assert met.tolist() == [[1, 0, 1]]


def test_a_word_that_few_meet_weighs_more():
    met = np.array([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    common, rare = math.log(5 / 3.5), math.log(5 / 1.5)
    assert shares(met).tolist() == pytest.approx([common / (common + rare)] * 2 + [1.0, 0.0])


def test_a_word_that_nobody_meets_lowers_all():
    met = np.array([[1.0, 0.0]])
    assert shares(np.vstack([met, [[0.0, 0.0]]]))[0] < shares(met)[0] == 1.0


@pytest.mark.parametrize(("question", "texts"), [("", [["a"]]), ("the of", [["a"]]), ("seoul", []), ("seoul", [[]])])
def test_nothing_asked_or_nothing_there_is_nothing_met(question, texts):
    assert word_shares(question, texts, cosines).tolist() == [0.0] * len(texts)
    numbers = [np.zeros(len(text), NUMBER_TYPE) for text in texts]
    assert numbered_shares(question, numbers, WordList(listed(["a"])), cosines).tolist() == [0.0] * len(texts)


WORDS = st.sampled_from([*AXES, "haubitze", "haubitzen", "duma"])


def plain(word, text):
    """How well one text meets one word, by the definition."""
    like = [(float(cosines([word], [other])[0, 0]) - UNLIKE) / (1 - UNLIKE) for other in text]
    same = [1.0 for other in text if other[:STEM] == word[:STEM]]
    return max([0.0, *(min(value, 1.0) for value in like), *same])


@given(st.lists(WORDS, unique=True, max_size=4), st.lists(st.lists(WORDS, max_size=5), max_size=5))
def test_all_at_once_is_word_by_word(asked, texts):
    expected = [[plain(word, text) for text in texts] for word in asked]
    expected = np.reshape(expected, (len(asked), len(texts)))
    np.testing.assert_allclose(matches(asked, texts, cosines), expected, atol=1e-6)
    known = list(dict.fromkeys(word for text in texts for word in text))
    numbers = [np.array([known.index(word) for word in text], NUMBER_TYPE) for text in texts]
    numbered = numbered_matches(asked, numbers, WordList(listed(known)), cosines)
    np.testing.assert_allclose(numbered, expected, atol=1e-6)


@given(st.lists(WORDS, unique=True, max_size=4), st.lists(st.lists(WORDS, max_size=5), max_size=5))
def test_shares_are_shares_and_a_text_with_every_word_has_the_largest(asked, texts):
    met = matches(asked, texts, cosines)
    assert met.shape == (len(asked), len(texts))
    found = shares(met)
    assert ((found >= 0) & (found <= 1 + 1e-9)).all()
    for text, share, column in zip(texts, found, met.T, strict=True):
        stems = {word[:STEM] for word in text}
        assert all(value == 1 for word, value in zip(asked, column, strict=True) if word[:STEM] in stems)
        if asked and {word[:STEM] for word in asked} <= stems:
            assert share == pytest.approx(1.0)


@given(st.lists(WORDS, unique=True, max_size=4), st.lists(st.lists(WORDS, max_size=5), max_size=5), st.randoms())
def test_the_order_of_words_and_texts_does_not_matter(asked, texts, random):
    shuffled = [random.sample(text, len(text)) for text in texts]
    again = shares(matches(random.sample(asked, len(asked)), shuffled, cosines))
    assert again.tolist() == pytest.approx(shares(matches(asked, texts, cosines)).tolist())
