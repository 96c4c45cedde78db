"""IBM model 1 in sparse matrices, against the same written out with dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the train extra is not installed")

from qa.train.alignment import DAMPING, PARTNERS, ROUNDS, best, cooccurrence, mean_rows, partners, presence

GERMAN, ENGLISH = 6, 5
lines = st.lists(
    st.tuples(
        st.lists(st.integers(0, GERMAN - 1), max_size=6),
        st.lists(st.integers(0, ENGLISH - 1), max_size=6),
    ),
    max_size=12,
)


def matrices(pairs):
    return presence([one for one, _ in pairs], GERMAN), presence([other for _, other in pairs], ENGLISH)


def model_1(pairs, start):
    """Brown et al. 1993, section 4: expected counts after `ROUNDS` rounds, lines taken as sets."""
    counts = {(g, e): start[g, e] for g in range(GERMAN) for e in range(ENGLISH) if start[g, e]}
    for _ in range(ROUNDS):
        totals = defaultdict(float)
        for (g, _), value in counts.items():
            totals[g] += value
        chances = {(g, e): value / totals[g] for (g, e), value in counts.items()}
        counts = defaultdict(float)
        for german, english in pairs:
            for e in set(english):
                shared = sum(chances[g, e] for g in set(german))
                for g in set(german):
                    counts[g, e] += chances[g, e] / shared
    return np.array([[counts.get((g, e), 0.0) for e in range(ENGLISH)] for g in range(GERMAN)])


@given(lines)
def test_presence_is_one_where_a_piece_stands(pairs):
    german, _ = matrices(pairs)
    assert german.shape == (len(pairs), GERMAN)
    for row, (line, _) in zip(german.toarray(), pairs, strict=True):
        assert {at for at, value in enumerate(row) if value == 1} == set(line)
        assert set(row) <= {0.0, 1.0}


@given(lines)
def test_counts_are_those_of_model_1(pairs):
    german, english = matrices(pairs)
    start = cooccurrence(german, english).toarray()
    assert partners(german, english).toarray() == pytest.approx(model_1(pairs, start), rel=1e-3, abs=1e-5)


@given(lines)
def test_an_english_piece_is_shared_out_among_the_german_ones_of_its_line(pairs):
    """Each English piece counts once for a line, whichever German pieces it goes to."""
    german, english = matrices(pairs)
    met = sum(len(set(other)) for one, other in pairs if one)
    assert partners(german, english).sum() == pytest.approx(met, rel=1e-4)


@given(lines)
def test_cooccurrence_is_a_cosine(pairs):
    german, english = matrices(pairs)
    ours = cooccurrence(german, english).toarray()
    g = german.toarray().astype(float)
    e = english.toarray() / np.sqrt(np.maximum(english.toarray().sum(1, keepdims=True), 1))
    lengths = np.outer(np.linalg.norm(g, axis=0), np.linalg.norm(e, axis=0))
    assert ours == pytest.approx(np.divide(g.T @ e, lengths, where=lengths > 0, out=np.zeros_like(lengths)), abs=1e-5)
    assert ours.max(initial=0) <= 1 + 1e-5


def test_what_another_piece_explains_is_given_up():
    """1 never stands without 0, so by counts alone it goes with both of their partners."""
    pairs = [([0, 1], [0, 1])] * 4 + [([0], [0])] * 4
    german, english = matrices(pairs)
    by_counts, by_model = cooccurrence(german, english).toarray()[1], partners(german, english).toarray()[1]
    assert by_model[0] / by_model[1] < 0.6 * by_counts[0] / by_counts[1]


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(1, 6))
def test_best_keeps_the_largest_of_each_row(seed, count):
    from scipy import sparse

    values = np.random.default_rng(seed).integers(0, 4, (5, 7)).astype(np.float32)
    kept = best(sparse.csr_matrix(values), count).toarray()
    for row, ours in zip(values, kept, strict=True):
        order = sorted(np.flatnonzero(row), key=lambda at: (-row[at], at))[:count]
        assert set(np.flatnonzero(ours)) == set(order)
        assert all(ours[at] == row[at] for at in order)


def test_a_row_is_the_mean_of_those_of_its_partners():
    from scipy import sparse

    counts = np.array([[3, 1, 0], [0, 0, 0], [1, 0, 0]], np.float32)
    rows = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    made = mean_rows(sparse.csr_matrix(counts), rows)
    common = 4.0**-DAMPING
    assert made[0] == pytest.approx((3 * common * rows[0] + rows[1]) / (3 * common + 1), rel=1e-5)
    assert not made[1].any()
    assert made[2] == pytest.approx(rows[0], rel=1e-5)
    many = mean_rows(sparse.csr_matrix(np.arange(1, 21, dtype=np.float32)[None]), np.eye(20, dtype=np.float32))
    assert np.flatnonzero(many[0]).tolist() == list(range(20 - PARTNERS, 20))
    assert many.sum() == pytest.approx(1)


def test_no_lines_give_no_counts():
    german, english = matrices([])
    assert partners(german, english).shape == (GERMAN, ENGLISH)
    assert partners(german, english).nnz == 0
