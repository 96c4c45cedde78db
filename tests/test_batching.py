"""Batches hold each text once, and what is computed side by side comes in order, with errors, and leaves no thread."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.batching import AHEAD, side_by_side, token_batches


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 2000))
def test_batches_hold_each_text_once_and_keep_the_budget(lengths, budget):
    lengths = np.array(lengths, np.int64)
    batches = list(token_batches(lengths, budget))
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_outputs_come_in_order_whatever_the_number_of_threads(threads, count):
    before = threading.active_count()
    assert list(side_by_side(lambda one: one * one, range(count), threads)) == [one * one for one in range(count)]
    assert threading.active_count() == before


def test_one_batch_stays_in_the_thread_of_the_caller():
    (name,) = side_by_side(lambda _: threading.current_thread().name, [0], 4)
    assert name == threading.current_thread().name


def test_two_are_computed_at_a_time():
    """Each waits for the other: one after the other would never end."""
    barrier = threading.Barrier(2, timeout=30)
    assert len(list(side_by_side(lambda _: barrier.wait(), range(10), 2))) == 10


def test_no_more_wait_than_there_is_room_for():
    begun: list[int] = []
    found = side_by_side(begun.append, range(100), 2)
    next(found)
    assert len(begun) <= AHEAD * 2 + 1
    found.close()
    assert len(begun) <= AHEAD * 2 + 1


def test_an_error_is_raised_and_what_was_not_begun_is_left_out():
    def run(one: int) -> int:
        if one == 3:
            raise MemoryError("no room")
        return one

    before = threading.active_count()
    taken = []
    with pytest.raises(MemoryError, match="no room"):
        taken.extend(side_by_side(run, range(100), 2))
    assert threading.active_count() == before


def test_batches_of_no_texts():
    assert list(token_batches(np.empty(0, np.int64), 10)) == []
