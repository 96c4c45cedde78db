from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dense import FaissStore, new_store, open_store
from qa.errors import IndexDamagedError
from qa.types import VectorStore

KEYS = np.array([7, 3, 2**62], dtype=np.int64)
VECTORS = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], dtype=np.float32)


@pytest.fixture
def store() -> VectorStore:
    made = new_store("faiss", 3)
    made.add(KEYS, VECTORS)
    return made


def test_scores_are_inner_products_best_first(store: VectorStore) -> None:
    hits = store.search(np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32), 2)
    assert hits.keys[0].tolist() == [7, 3]
    assert hits.scores[0] == pytest.approx([1.0, 0.6])
    assert hits.keys[1][0] == 3
    assert hits.scores[1][0] == pytest.approx(0.8)


def test_short_rows_are_padded(store: VectorStore) -> None:
    hits = store.search(VECTORS[:1], 5)
    assert hits.keys.shape == hits.scores.shape == (1, 5)
    assert hits.keys[0, 3:].tolist() == [-1, -1]


def test_removed_keys_are_not_found(store: VectorStore) -> None:
    assert store.remove(np.array([7, 99], dtype=np.int64)) == 1
    assert len(store) == 2
    assert 7 not in store.search(VECTORS[:1], 2).keys


def test_equal_scores_come_in_the_order_of_keys() -> None:
    made = FaissStore(2)
    made.add(np.array([9, 1, 5], dtype=np.int64), np.array([[1, 0]] * 3, dtype=np.float32))
    assert made.search(np.array([[1, 0]], dtype=np.float32), 3).keys[0].tolist() == [1, 5, 9]


def test_a_saved_store_answers_as_before(store: VectorStore, tmp_path: Path) -> None:
    store.save(tmp_path)
    again = open_store("faiss", tmp_path)
    before, after = store.search(VECTORS, 3), again.search(VECTORS, 3)
    assert np.array_equal(before.keys, after.keys)
    assert np.array_equal(before.scores, after.scores)


@pytest.mark.parametrize("shape", [(3, 2), (3, 4), (2, 3), (9,)])
def test_wrong_shapes_are_refused_with_words(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        FaissStore(3).add(KEYS, np.zeros(shape, dtype=np.float32))


def test_a_query_of_another_length_is_refused(store: VectorStore) -> None:
    with pytest.raises(ValueError, match="expected"):
        store.search(np.zeros((1, 4), dtype=np.float32), 1)


def test_an_empty_store_gives_padding() -> None:
    assert FaissStore(3).search(VECTORS[:1], 2).keys.tolist() == [[-1, -1]]


def test_damage_and_unknown_kinds_name_the_mend(tmp_path: Path) -> None:
    (tmp_path / "dense.faiss").write_bytes(b"not an index")
    for kind, folder in (("faiss", tmp_path), ("faiss", tmp_path / "none"), ("other", tmp_path)):
        with pytest.raises(IndexDamagedError, match="qa build"):
            open_store(kind, folder)


@given(
    st.lists(st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4), min_size=1, max_size=20),
    st.integers(1, 8),
)
def test_results_are_those_of_a_full_comparison(rows: list[list[float]], k: int) -> None:
    vectors = np.array(rows, dtype=np.float32)
    keys = np.arange(len(vectors), dtype=np.int64) * 3
    made = FaissStore(4)
    made.add(keys, vectors)
    found = made.search(vectors[:1], k)
    exact = np.sort(vectors @ vectors[0])[::-1][:k]
    assert found.scores[0][: len(exact)] == pytest.approx(exact, abs=1e-5)


def test_a_search_among_some_finds_what_a_search_of_all_would_leave(store: VectorStore) -> None:
    query = np.array([[1, 0.1, 0.2]], dtype=np.float32)
    everything = store.search(query, 3)
    some = store.select(np.array([3, 2**62, 99], dtype=np.int64))
    assert len(some) == 2
    hits = store.search(query, 3, some)
    assert hits.keys[0].tolist() == [3, 2**62, -1]
    left = [score for key, score in zip(everything.keys[0], everything.scores[0], strict=True) if key != 7]
    assert hits.scores[0, :2].tolist() == left
    none = store.select(np.empty(0, dtype=np.int64))
    assert store.search(query, 2, none).keys.tolist() == [[-1, -1]]


def test_a_selection_outlives_saving_and_loading_and_not_its_store(store: VectorStore, tmp_path: Path) -> None:
    store.save(tmp_path)
    loaded = open_store("faiss", tmp_path)
    hits = loaded.search(VECTORS[:1], 1, loaded.select(KEYS[2:]))
    assert hits.keys.tolist() == [[2**62]]
    with pytest.raises(ValueError, match="a selection of FAISS"):
        loaded.search(VECTORS[:1], 1, [1, 2])


def test_an_empty_store_has_nothing_to_select() -> None:
    empty = new_store("faiss", 3)
    assert empty.search(VECTORS[:1], 1, empty.select(KEYS)).keys.tolist() == [[-1]]


@given(st.integers(1, 70), st.data())
def test_any_selection_equals_brute_force(size: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(size)
    vectors = rng.standard_normal((size, 4)).astype(np.float32)
    keys = rng.permutation(1000)[:size].astype(np.int64)
    store = new_store("faiss", 4)
    store.add(keys, vectors)
    chosen = np.array(data.draw(st.lists(st.sampled_from(keys.tolist()), unique=True)), dtype=np.int64)
    hits = store.search(vectors[:1], size, store.select(chosen))
    scores = dict(zip(keys.tolist(), (vectors @ vectors[0]).tolist(), strict=True))
    found = [key for key in hits.keys[0].tolist() if key >= 0]
    assert sorted(found) == sorted(chosen.tolist())
    assert hits.scores[0, : len(found)] == pytest.approx(sorted((scores[key] for key in found), reverse=True), abs=1e-5)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("vectors", [1, 5000], ids=["when it is closed", "while it is written"])
def test_a_full_disk_is_an_error_whenever_it_shows(tmp_path: Path, vectors: int) -> None:
    store = FaissStore(8)
    store.add(np.arange(vectors), np.eye(8, dtype=np.float32)[np.arange(vectors) % 8])
    (tmp_path / "dense.faiss").symlink_to("/dev/full")
    with mock.patch.object(Path, "unlink"), pytest.raises(OSError, match="No space left"):
        store.save(tmp_path)
