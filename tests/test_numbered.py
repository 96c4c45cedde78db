"""Words by number: the same words, the same beginnings, whoever asks first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa.numbered import LETTERS, NUMBER_TYPE, Numbered, WordList, listed

if TYPE_CHECKING:
    from qa.numbered import Numbers

WORD = st.text(st.sampled_from("abäß1"), min_size=1, max_size=8)


def numbers(*some: int) -> Numbers:
    return np.array(some, NUMBER_TYPE)


@given(st.lists(WORD, unique=True, min_size=1), st.data())
def test_a_word_has_its_number(words: list[str], data: st.DataObject) -> None:
    known = WordList(listed(words))
    assert len(known) == len(words)
    some = data.draw(st.lists(st.integers(0, len(words) - 1)))
    assert known.words(numbers(*some)) == [words[at] for at in some]
    chosen = Numbered(known, numbers(*some))
    assert list(chosen) == chosen[:] == known.words(chosen.numbers)
    assert len(chosen) == len(some)


@given(st.lists(WORD, unique=True, min_size=1), st.data())
def test_beginnings_are_one_where_words_begin_alike(words: list[str], data: st.DataObject) -> None:
    known = WordList(listed(words))
    for _ in range(2):
        some = data.draw(st.lists(st.integers(0, len(words) - 1), min_size=1))
        begins = known.begins(numbers(*some)).tolist()
        for at, begin in zip(some, begins, strict=True):
            assert begin == known.beginning(words[at]) >= 0
            assert [one == begin for one in begins] == [words[one][:LETTERS] == words[at][:LETTERS] for one in some]
    assert known.beginning("never met") == -1


def test_a_list_may_be_empty() -> None:
    known = WordList(b"")
    assert len(known) == 0
    assert known.words(numbers()) == []
    assert known.begins(numbers()).tolist() == []


def test_lists_put_together_are_one() -> None:
    known = WordList(listed(["eins", "zwei"]) + listed([]) + listed(["drei"]))
    assert Numbered(known, numbers(2, 0))[0] == "drei"
    assert Numbered(known, numbers(2, 0))[-1:] == ["eins"]


def test_threads_meet_words_at_once() -> None:
    words = [f"{n % 300:05}{n}" for n in range(3000)]
    known = WordList(listed(words))
    asked = [np.random.default_rng(seed).integers(0, 3000, 200).astype(NUMBER_TYPE) for seed in range(100)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(known.begins, asked))
    for some, begins in zip(asked, found, strict=True):
        assert begins.tolist() == [known.beginning(word) for word in known.words(some)]
