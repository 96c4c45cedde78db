"""Passages: runs of lines about one thing, windows of them, and queries made from a line."""

from __future__ import annotations

import itertools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.train.passages import (
    FRAGMENT_WORDS,
    NEIGHBOURS,
    PASSAGE_PIECES,
    SHORTEST_RUN,
    query,
    runs,
    windows,
)


def topics(*lengths, dim=16, seed=0, spread=0.2):
    """Lines around one direction for each stretch, the directions at right angles."""
    random = np.random.default_rng(seed)
    rows = np.concatenate([np.tile(np.eye(dim)[at], (length, 1)) for at, length in enumerate(lengths)])
    rows = rows + random.normal(0, spread / np.sqrt(dim), rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("lengths", [(20,), (8, 30), (SHORTEST_RUN, 12, 40)])
def test_runs_part_where_the_topic_changes(lengths):
    ends = [0, *itertools.accumulate(lengths)]
    assert runs(topics(*lengths), start=100) == [range(100 + a, 100 + b) for a, b in pairwise(ends)]


def test_a_run_that_is_too_short_is_left_out():
    assert runs(topics(10, SHORTEST_RUN - 1, 10)) == [range(10), range(15, 25)]
    assert runs(topics(SHORTEST_RUN - 1)) == []
    assert runs(np.empty((0, 4), np.float32)) == []


def test_lines_without_an_order_are_in_few_runs():
    vectors = np.random.default_rng(0).normal(size=(2_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert sum(map(len, runs(vectors))) < 20


@given(st.integers(0, 60), st.integers(2, 6), st.floats(0, 3), st.integers(0, 1_000), st.integers(0, 2**32 - 1))
def test_runs_are_apart_in_order_and_within_bounds(count, dim, drift, start, seed):
    random = np.random.default_rng(seed)
    vectors = np.cumsum(random.normal(size=(count, dim)), axis=0) * drift + random.normal(size=(count, dim))
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    found = runs(vectors.astype(np.float32), start)
    assert all(len(run) >= SHORTEST_RUN for run in found)
    bounds = [start, *(edge for run in found for edge in (run.start, run.stop)), start + count]
    assert bounds == sorted(bounds)


@st.composite
def stretches(draw):
    """Documents one behind the other, some of their lines in runs, and the length of each line."""
    lengths = draw(st.lists(st.integers(1, 25), min_size=1, max_size=5))
    ends = [0, *itertools.accumulate(lengths)]
    documents = [range(a, b) for a, b in pairwise(ends)]
    chosen = draw(st.lists(st.sampled_from(documents), unique=True))
    pieces = draw(st.lists(st.integers(0, 300), min_size=ends[-1], max_size=ends[-1]))
    return chosen, documents, np.array(pieces, np.int64)


@given(stretches(), st.integers(0, 2**32 - 1))
def test_windows_are_consecutive_lines_of_one_stretch_within_the_budget(drawn, seed):
    texts, everything, pieces = drawn
    for group in itertools.islice(windows(texts, everything, pieces, seed), 30):
        assert 1 <= len(group) <= NEIGHBOURS
        lines = [line for window in group for line in window.lines]
        assert lines == list(range(lines[0], lines[-1] + 1)), "windows of a group follow each other"
        assert any(lines[0] in stretch and lines[-1] in stretch for stretch in everything)
        for window in group:
            assert window.asked in window.lines
            assert window.read == tuple(line for line in window.lines if line != window.asked or not window.without)
            assert window.read
            assert len(window.lines) == 1 or pieces[list(window.lines)].sum() < PASSAGE_PIECES[1]


@given(stretches(), st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_windows(drawn, seed):
    one, two = (list(itertools.islice(windows(*drawn, seed), 10)) for _ in range(2))
    assert one == two


def groups(texts, everything, pieces, count=2_000):
    return list(itertools.islice(windows(texts, everything, np.asarray(pieces), 0), count))


def test_neighbours_come_from_runs_alone():
    """Lines elsewhere stand in whatever order: the next ones are about something else."""
    for group in groups([range(100, 200)], [range(100), range(100, 200)], np.full(200, 20)):
        if group[0].lines[0] < 100:
            assert len(group) == 1
    without_runs = groups([], [range(100)], np.full(100, 20))
    assert max(map(len, without_runs)) == NEIGHBOURS


def test_about_two_thirds_of_the_groups_are_from_runs_and_half_of_the_windows_lack_their_line():
    found = groups([range(1_000, 2_000)], [range(1_000), range(1_000, 2_000)], np.full(2_000, 20))
    # 0.65 from runs, and half of the rest lies there too.
    assert np.mean([group[0].lines[0] >= 1_000 for group in found]) == pytest.approx(0.825, abs=0.03)
    flat = [window for group in found for window in group]
    assert np.mean([window.without for window in flat]) == pytest.approx(0.5, abs=0.03)
    places = [window.lines.index(window.asked) / (len(window.lines) - 1) for window in flat if len(window.lines) > 3]
    assert np.mean(places) == pytest.approx(0.5, abs=0.03), "any line may be asked for"


def test_lengths_reach_from_the_shortest_to_the_longest_passage():
    sums = [
        20 * len(window.lines) for group in groups([range(900)], [range(900)], np.full(900, 20)) for window in group
    ]
    assert max(sums) in range(220, 240)
    assert np.percentile(sums, 5) < 60
    assert np.percentile(sums, 95) > 200


def test_a_line_longer_than_the_budget_stands_alone():
    assert all(
        len(window.lines) == 1 for group in groups([range(9)], [range(9)], np.full(9, 500), 50) for window in group
    )


word = st.text("abcdefgäöü", min_size=1, max_size=6)
languages = st.sampled_from(["en", "de"])


@given(st.lists(word, min_size=1, max_size=30), languages, st.integers(0, 2**32 - 1))
def test_a_query_is_made_of_words_of_its_line_in_their_order(words, language, seed):
    asked = query(" ".join(words), language, np.random.default_rng(seed))
    found = asked.removesuffix("?").split()
    asking = 2 if asked.endswith("?") else 0  # as many words as the longest of "how many", "wo liegt"
    assert any(is_subsequence(found[skipped:], words) for skipped in range(asking + 1))
    assert found
    if found != words:
        assert len(found) <= FRAGMENT_WORDS[1] + asking


def is_subsequence(some, words):
    left = iter(words)
    return all(each in left for each in some)


@given(st.lists(word, min_size=1, max_size=FRAGMENT_WORDS[0]), languages, st.integers(0, 2**32 - 1))
def test_a_short_line_is_asked_as_it_is(words, language, seed):
    assert query(" ".join(words), language, np.random.default_rng(seed)) == " ".join(words)


def test_queries_are_lines_fragments_and_questions_in_the_language():
    line = "an der alten brücke steht seit vielen jahren ein kleines haus aus stein."
    random = np.random.default_rng(0)
    found = [query(line, "de", random) for _ in range(2_000)]
    assert np.mean([each == line for each in found]) == pytest.approx(0.4, abs=0.04)
    questions = [each for each in found if each.endswith("?")]
    assert len(questions) / len(found) == pytest.approx(0.36, abs=0.04)
    assert {each.split()[0] for each in questions} == {"was", "wer", "wann", "wo", "warum", "wie", "welche"}
    assert {query(line, "en", random).split()[0] for _ in range(500)} >= {"what", "who", "how", "which"}
    assert not any(each.endswith((".?", ". ?")) for each in found)
