"""Batches: word pieces of many texts, wordings of lines, and streams of both that never end."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.train import batches
from qa.train.batches import MAX_PIECES, Pieces, Wordings, text_batches
from tests.bilingual import ENGLISH, sentences, tokenizer_of

TEXTS = [english for english, _ in sentences(20)]


def pieces_of(lengths):
    """Texts of those lengths, no two pieces of all alike."""
    return Pieces(np.arange(10, 10 + sum(lengths), dtype=np.int32), np.cumsum([0, *lengths]), first=2, last=3)


def test_pieces_are_those_of_the_tokenizer():
    tokenizer = tokenizer_of(ENGLISH)
    pieces = Pieces.of(tokenizer, TEXTS)
    for at, text in enumerate(TEXTS):
        assert pieces.marked(at) == tokenizer.encode(text).ids
        assert pieces.text(at) == tokenizer.encode(text, add_special_tokens=False).ids
        assert pieces.lengths[at] == len(pieces.text(at))


def test_many_texts_are_tokenized_in_parts(monkeypatch):
    whole = Pieces.of(tokenizer_of(ENGLISH), TEXTS)
    monkeypatch.setattr(batches, "_TOKENIZED_AT_ONCE", 7)
    parts = Pieces.of(tokenizer_of(ENGLISH), TEXTS)
    assert np.array_equal(whole.ids, parts.ids)
    assert np.array_equal(whole.starts, parts.starts)


def test_a_long_text_is_cut_and_no_text_has_no_pieces():
    pieces = Pieces.of(tokenizer_of(ENGLISH), ["river " * 1_000, "", "river"])
    assert pieces.lengths.tolist() == [MAX_PIECES - 2, 0, 1]
    assert len(pieces.marked(0)) == MAX_PIECES
    assert pieces.marked(1) == [2, 3]
    assert Pieces.of(tokenizer_of(ENGLISH), []).lengths.tolist() == []


@given(st.lists(st.integers(0, 120), min_size=1, max_size=8), st.data())
def test_spans_hold_the_pieces_of_each_text_as_far_as_there_is_room(lengths, data):
    pieces = pieces_of(lengths)
    texts = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8))
    row, spans = pieces.joined(texts)
    together = [piece for at in texts for piece in pieces.text(at)]
    assert row == [2, *together[: MAX_PIECES - 2], 3]
    assert len(spans) == len(texts)
    end = 1
    for at, (first, last) in zip(texts, spans, strict=True):
        own = pieces.text(at)
        assert first == end, "each begins where the one before it ends"
        assert row[first:last] == own[: MAX_PIECES - 1 - first]
        assert last - first == min(len(own), MAX_PIECES - 1 - first)
        end = last


@st.composite
def lines_of_wordings(draw):
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=40))
    lengths = draw(st.lists(st.integers(0, 60), min_size=sum(counts), max_size=sum(counts)))
    return Wordings.of(counts), np.array(lengths, np.int64)


@given(lines_of_wordings(), st.integers(10, 300), st.integers(0, 1_000))
def test_each_pass_has_every_line_once_within_the_budget(drawn, budget, seed):
    wordings, lengths = drawn
    count = len(wordings.starts) - 1
    stream = text_batches(wordings, lengths, np.full(count, 2.5), budget, seed)
    for _ in range(3):
        seen = []
        while len(seen) < count:
            batch = next(stream)
            assert len(batch.lines) == len(batch.texts) > 0
            assert np.all(wordings.starts[batch.lines] <= batch.texts)
            assert np.all(batch.texts < wordings.starts[batch.lines + 1])
            assert len(batch.lines) == 1 or len(batch.lines) * (lengths[batch.texts].max() + 2) <= budget
            seen += batch.lines.tolist()
        assert sorted(seen) == list(range(count))


@given(lines_of_wordings(), st.integers(0, 1_000))
def test_the_same_seed_gives_the_same_stream(drawn, seed):
    wordings, lengths = drawn
    weights = np.linspace(1, 3, len(wordings.starts) - 1)
    one, two = (itertools.islice(text_batches(wordings, lengths, weights, 64, seed), 12) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert np.array_equal(first.lines, second.lines)
        assert np.array_equal(first.texts, second.texts)


def flat(stream, count):
    return np.concatenate([batch.lines for batch in itertools.islice(stream, count)])


def test_passes_and_seeds_differ_in_their_order():
    wordings, lengths = Wordings.of([1] * 50), np.full(50, 8)
    streams = [text_batches(wordings, lengths, np.ones(50), 100, seed) for seed in (1, 2)]
    one, two = (flat(stream, 10).reshape(2, 50) for stream in streams)
    assert not np.array_equal(one[0], one[1])
    assert not np.array_equal(one[0], two[0])


def test_more_lines_than_are_sorted_at_once_are_all_gone_through(monkeypatch):
    monkeypatch.setattr(batches, "_POOL", 16)
    lengths = np.arange(100)
    stream = text_batches(Wordings.of([1] * 100), lengths, np.ones(100), 200, 1)
    seen: list[int] = []
    while len(seen) < 100:
        seen += next(stream).lines.tolist()
    assert sorted(seen) == list(range(100))


def test_heavier_lines_come_more_often():
    weights = np.array([1.0, 3.0] * 100)
    lines = flat(text_batches(Wordings.of([1] * 200), np.full(200, 8), weights, 100, 1), 2_000)
    light, heavy = np.bincount(lines % 2)
    # A pass ends after half of the lines, when u of the light ones and u cubed of the heavy ones are left: u + u**3 = 1.
    assert heavy / (light + heavy) == pytest.approx(1 - 0.6823**3, abs=0.01)


def test_every_wording_of_a_line_is_drawn_as_often():
    random = np.random.default_rng(0)
    drawn = Wordings.of([1, 4, 2]).draw(np.tile([0, 1, 2], 4_000), random)
    counts = np.bincount(drawn, minlength=7) / 4_000
    assert counts == pytest.approx([1, *[0.25] * 4, *[0.5] * 2], abs=0.03)
