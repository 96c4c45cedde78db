from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa import dense, ivf
from qa.dense import FaissStore
from qa.errors import IndexDamagedError

DIM = 16


@pytest.fixture(autouse=True, scope="module")
def _small_lists() -> Iterator[None]:
    """Sizes at which a test takes milliseconds; nothing but the sizes differs."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, size in (
            (ivf, "EXACT_UP_TO", 300),
            (dense, "EXACT_UP_TO", 300),
            (ivf, "LIST_SIZE", 32),
            (ivf, "SLICE", 128),
            (dense, "SLICE", 128),
            (dense, "LOOSE_UP_TO", 50),
        ):
            patch.setattr(module, name, size)
        yield


def unit(count: int, seed: int = 0) -> np.ndarray:
    """Rows of length 1 around a few directions, as a build keeps them: rounded to half precision."""
    rng = np.random.default_rng(seed)
    middles = np.random.default_rng(99).standard_normal((12, DIM))
    rows = middles[rng.integers(12, size=count)] + 0.5 * rng.standard_normal((count, DIM))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def keys_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(10 * count)[:count].astype(np.int64)


def stored(folder: Path, keys: np.ndarray, vectors: np.ndarray) -> FaissStore:
    """A store of these, saved and loaded."""
    store = FaissStore(DIM)
    for start in range(0, len(keys), 70):
        store.add(keys[start : start + 70], vectors[start : start + 70])
    folder.mkdir(exist_ok=True)
    store.save(folder)
    return FaissStore.load(folder)


def exact(keys: np.ndarray, vectors: np.ndarray, query: np.ndarray, k: int) -> list[int]:
    scores = (vectors.astype(np.float64) @ query.astype(np.float64)).round(6)
    return [int(key) for key in keys[np.lexsort((keys, -scores))[:k]]]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(("count", "lists"), [(0, 0), (300, 0), (301, 8), (511, 8), (512, 16), (1024, 32)])
def test_the_number_of_lists_follows_the_size(count: int, lists: int) -> None:
    assert ivf.lists_for(count) == lists


def test_a_store_goes_into_lists_when_it_is_saved_large(tmp_path: Path) -> None:
    assert stored(tmp_path / "small", keys_of(300), unit(300)).lists == 0
    assert stored(tmp_path / "large", keys_of(301), unit(301)).lists == 8


def test_scores_are_the_true_inner_products(tmp_path: Path) -> None:
    keys, vectors = keys_of(700), unit(700)
    store, queries = stored(tmp_path, keys, vectors), unit(20, seed=1)
    by_key = dict(zip(keys.tolist(), vectors, strict=True))
    hits = store.search(queries, 10)
    for query, scores, found in zip(queries, hits.scores, hits.keys, strict=True):
        assert scores == pytest.approx([by_key[key] @ query for key in found.tolist()], abs=1e-6)
        assert sorted(scores, reverse=True) == scores.tolist()


def test_with_all_lists_read_it_finds_what_brute_force_finds(tmp_path: Path) -> None:
    # 16 lists, fewer than are read: then nothing is approximate.
    keys, vectors = keys_of(700), unit(700)
    store = stored(tmp_path, keys, vectors)
    for query in unit(20, seed=1):
        assert store.search(query[None], 10).keys[0].tolist() == exact(keys, vectors, query, 10)


def test_few_lists_read_find_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ivf, "probes_for", lambda _lists: 4)
    keys, vectors, queries = keys_of(2000), unit(2000), unit(50, seed=1)
    store = stored(tmp_path, keys, vectors)
    found = [
        set(row.tolist()) & set(exact(keys, vectors, q, 10))
        for q, row in zip(queries, store.search(queries, 10).keys, strict=True)
    ]
    share = sum(map(len, found)) / 500
    assert 0.8 < share < 1.0


@settings(max_examples=25)
@given(data=st.data())
def test_a_selection_is_searched_exactly_whatever_lists_it_is_in(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys, vectors = keys_of(400), unit(400)
    store = stored(tmp_path_factory.mktemp("store"), keys[:380], vectors[:380])
    store.add(keys[380:], vectors[380:])
    gone = np.array(data.draw(st.lists(st.sampled_from(keys.tolist()), max_size=20, unique=True)), np.int64)
    assert store.remove(gone) == len(gone)
    chosen = np.array(data.draw(st.lists(st.sampled_from(keys.tolist()), max_size=60, unique=True)), np.int64)
    selection = store.select(chosen)
    left = np.isin(keys, chosen) & ~np.isin(keys, gone)
    assert len(selection) == left.sum()
    query = unit(1, seed=2)
    hits = store.search(query, 30, selection)
    wanted = exact(keys[left], vectors[left], query[0], 30)
    assert hits.keys[0].tolist() == wanted + [-1] * (30 - len(wanted))


def test_what_is_added_and_removed_counts_at_once_and_after_loading(tmp_path: Path) -> None:
    keys, vectors = keys_of(600), unit(600)
    store = stored(tmp_path / "one", keys[:580], vectors[:580])
    store.add(keys[580:], vectors[580:])
    assert store.remove(keys[:7]) == 7
    assert store.remove(keys[:7]) == 0
    (tmp_path / "two").mkdir()
    store.save(tmp_path / "two")
    for one in (store, FaissStore.load(tmp_path / "two")):
        assert len(one) == 593
        for query in unit(10, seed=3):
            assert one.search(query[None], 10).keys[0].tolist() == exact(keys[7:], vectors[7:], query, 10)


def test_a_small_change_writes_little_and_shares_the_rest(tmp_path: Path) -> None:
    keys, vectors = keys_of(600), unit(600)
    store = stored(tmp_path / "one", keys[:590], vectors[:590])
    store.add(keys[590:], vectors[590:])
    store.remove(keys[:3])
    (tmp_path / "two").mkdir()
    store.save(tmp_path / "two")
    assert (tmp_path / "one" / "dense.faiss").samefile(tmp_path / "two" / "dense.faiss")
    assert sorted(contents(tmp_path / "two")) == ["dense.added.faiss", "dense.faiss", "dense.removed.npy"]


def test_many_changes_are_taken_into_the_lists(tmp_path: Path) -> None:
    keys, vectors = keys_of(700), unit(700)
    store = stored(tmp_path / "one", keys[:600], vectors[:600])
    store.add(keys[600:], vectors[600:])
    store.remove(keys[:3])
    (tmp_path / "two").mkdir()
    store.save(tmp_path / "two")
    assert sorted(contents(tmp_path / "two")) == ["dense.faiss"]
    loaded = FaissStore.load(tmp_path / "two")
    assert (len(loaded), loaded.lists) == (697, 16)
    for query in unit(10, seed=3):
        assert loaded.search(query[None], 10).keys[0].tolist() == exact(keys[3:], vectors[3:], query, 10)


@pytest.mark.parametrize("before", [200, 600])
def test_a_store_trained_anew_is_a_fresh_one_byte_for_byte(tmp_path: Path, before: int) -> None:
    keys, vectors = keys_of(1200), unit(1200)
    store = stored(tmp_path / "old", keys[:before], vectors[:before])
    store.add(keys[before:], vectors[before:])
    (tmp_path / "updated").mkdir()
    store.save(tmp_path / "updated")
    backwards = stored(tmp_path / "fresh", keys[::-1], vectors[::-1])
    assert backwards.lists == 32
    assert contents(tmp_path / "updated") == contents(tmp_path / "fresh")


def test_a_store_that_has_shrunk_is_exact_again(tmp_path: Path) -> None:
    keys, vectors = keys_of(400), unit(400)
    store = stored(tmp_path / "one", keys, vectors)
    store.remove(keys[200:])
    (tmp_path / "two").mkdir()
    store.save(tmp_path / "two")
    loaded = FaissStore.load(tmp_path / "two")
    assert (len(loaded), loaded.lists) == (200, 0)
    assert loaded.search(vectors[:1], 1).scores[0, 0] == pytest.approx(vectors[0] @ vectors[0], abs=1e-6)


def test_a_store_from_which_all_is_removed_is_empty(tmp_path: Path) -> None:
    keys, vectors = keys_of(400), unit(400)
    store = stored(tmp_path, keys, vectors)
    assert store.remove(keys) == 400
    assert len(store) == 0
    assert store.search(vectors[:1], 2).keys.tolist() == [[-1, -1]]
    assert store.search(vectors[:1], 2, store.select(keys)).keys.tolist() == [[-1, -1]]


@pytest.mark.parametrize("count", [100, 400])
def test_of_equal_vectors_those_with_the_lowest_keys_are_found(tmp_path: Path, count: int) -> None:
    vectors, keys = unit(count), np.arange(count, dtype=np.int64) + 1000
    vectors[: count // 2] = vectors[0]
    store = stored(tmp_path, keys[::-1], vectors[::-1])
    store.add(np.array([5, 9], np.int64), vectors[:2])  # beside the lists, where there are any
    assert store.search(vectors[:1], 4).keys[0].tolist() == [5, 9, 1000, 1001]


def test_searches_in_many_threads_agree(tmp_path: Path) -> None:
    keys, vectors, queries = keys_of(700), unit(700), unit(40, seed=1)
    store = stored(tmp_path, keys, vectors)
    alone = [store.search(query[None], 5).keys.tolist() for query in queries]
    found: list[list[list[list[int]]]] = []
    threads = [
        threading.Thread(target=lambda: found.append([store.search(query[None], 5).keys.tolist() for query in queries]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95, 0.999])
def test_a_file_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    stored(tmp_path, keys_of(400), unit(400))
    path = tmp_path / "dense.faiss"
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(IndexDamagedError, match="qa build"):
        FaissStore.load(tmp_path)


@pytest.mark.parametrize(("name", "data"), [("dense.added.faiss", b"no"), ("dense.removed.npy", b"no")])
def test_broken_files_beside_the_lists_are_refused(tmp_path: Path, name: str, data: bytes) -> None:
    stored(tmp_path, keys_of(400), unit(400))
    (tmp_path / name).write_bytes(data)
    with pytest.raises(IndexDamagedError, match="qa build"):
        FaissStore.load(tmp_path)


def test_removed_keys_of_another_store_are_refused(tmp_path: Path) -> None:
    stored(tmp_path, keys_of(400), unit(400))
    np.save(tmp_path / "dense.removed.npy", np.array([999_999]))
    with pytest.raises(IndexDamagedError, match="belong"):
        FaissStore.load(tmp_path)
