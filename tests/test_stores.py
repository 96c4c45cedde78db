"""What every vector store does, with values: FAISS, Milvus Lite in this process, and the server of ``QA_MILVUS_URI``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qa.dense import new_store
from qa.milvus import collection as collections
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore

if TYPE_CHECKING:
    from qa.types import Keys, Vectors, VectorStore

KEYS = np.array([7, 3, 2**62], dtype=np.int64)
VECTORS = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], dtype=np.float32)


@dataclass
class Maker:
    """Makes empty stores of one kind."""

    kind: str
    make: Callable[[int], VectorStore]


@pytest.fixture(scope="module", params=["faiss", "lite", pytest.param("server", marks=pytest.mark.milvus)])
def maker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    if request.param == "faiss":
        yield Maker("faiss", lambda dim: new_store("faiss", dim))
        return
    uri = str(tmp_path_factory.mktemp("lite") / "milvus.db")
    if request.param == "server":
        uri = os.environ.get("QA_MILVUS_URI", "")
        if not uri:
            pytest.skip("QA_MILVUS_URI names no Milvus server")
    client = Client(Server(uri, token=os.environ.get("QA_MILVUS_TOKEN", ""), index="flat"))
    made: list[str] = []

    def make(dim: int) -> VectorStore:
        made.append(f"qa_test_{secrets.token_hex(6)}")
        return MilvusStore.create(client, made[-1], dim)

    yield Maker(request.param, make)
    for name in made:
        client.drop(name)
    client.close()


@pytest.fixture
def store(maker: Maker) -> VectorStore:
    store = maker.make(3)
    store.add(KEYS, VECTORS)
    return store


def keys(*given: int) -> Keys:
    return np.array(given, dtype=np.int64)


def rows(*given: list[float]) -> Vectors:
    return np.array(given, dtype=np.float32)


def test_scores_are_inner_products_best_first(store: VectorStore) -> None:
    hits = store.search(rows([1, 0, 0], [0, 1, 0]), 2)
    assert hits.keys[0].tolist() == [7, 3]
    assert hits.scores[0] == pytest.approx([1.0, 0.6])
    assert hits.keys[1][0] == 3
    assert hits.scores[1][0] == pytest.approx(0.8)
    assert hits.scores.dtype == np.float32
    assert hits.keys.dtype == np.int64
    assert (len(store), store.dim) == (3, 3)


def test_short_rows_are_padded(store: VectorStore) -> None:
    hits = store.search(VECTORS[:1], 5)
    assert hits.keys.shape == hits.scores.shape == (1, 5)
    assert hits.keys[0, 3:].tolist() == [-1, -1]
    assert hits.scores[0, 3] < -1e30


def test_removed_keys_are_not_found(store: VectorStore) -> None:
    assert store.remove(keys(7, 99, 7)) == 1
    assert len(store) == 2
    assert 7 not in store.search(VECTORS[:1], 3).keys
    assert store.remove(keys()) == 0
    assert store.remove(keys(99)) == 0


def test_a_key_comes_back_with_its_new_vector(store: VectorStore) -> None:
    store.remove(keys(7))
    store.add(keys(7), rows([0, 0, 1]))
    hits = store.search(rows([0, 0, 1]), 3)
    assert hits.keys[0].tolist() == [7, 2**62, 3]
    assert hits.scores[0] == pytest.approx([1, 1, 0])


def test_equal_scores_come_in_the_order_of_keys(maker: Maker) -> None:
    made = maker.make(2)
    made.add(keys(9, 1, 5), rows([1, 0], [1, 0], [1, 0]))
    assert made.search(rows([1, 0]), 3).keys[0].tolist() == [1, 5, 9]


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (9,)])
def test_wrong_shapes_are_refused_with_words(store: VectorStore, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        store.add(keys(10, 11, 12), np.zeros(shape, dtype=np.float32))
    with pytest.raises(ValueError, match="expected"):
        store.search(np.zeros((1, 4), dtype=np.float32), 1)
    assert len(store) == 3


def test_an_empty_store_gives_padding(maker: Maker) -> None:
    empty = maker.make(3)
    assert len(empty) == 0
    assert empty.search(VECTORS[:1], 2).keys.tolist() == [[-1, -1]]
    assert empty.search(VECTORS[:1], 1, empty.select(KEYS)).keys.tolist() == [[-1]]
    empty.add(keys(), np.empty((0, 3), dtype=np.float32))
    assert len(empty) == 0


def test_a_search_among_some_finds_what_a_search_of_all_would_leave(store: VectorStore) -> None:
    query = rows([1, 0.1, 0.2])
    everything = store.search(query, 3)
    some = store.select(keys(3, 2**62, 99, 3))
    assert len(some) == 2
    hits = store.search(query, 3, some)
    assert hits.keys[0].tolist() == [3, 2**62, -1]
    left = [score for key, score in zip(everything.keys[0], everything.scores[0], strict=True) if key != 7]
    assert hits.scores[0, :2].tolist() == left
    none = store.select(keys())
    assert len(none) == 0
    assert store.search(query, 2, none).keys.tolist() == [[-1, -1]]


def test_the_selection_of_another_kind_of_store_is_refused(store: VectorStore) -> None:
    with pytest.raises(ValueError, match="a selection of"):
        store.search(VECTORS[:1], 1, [1, 2])  # type: ignore[arg-type]


def test_of_equal_scores_at_the_end_the_lowest_keys_are_found(maker: Maker) -> None:
    made = maker.make(2)
    made.add(np.arange(40, dtype=np.int64)[::-1].copy(), np.tile(rows([1, 0]), (40, 1)))
    assert made.search(rows([1, 0]), 3).keys[0].tolist() == [0, 1, 2]


def test_a_base_of_queries_gives_the_vectors_back(store: VectorStore) -> None:
    hits = store.search(np.eye(3, dtype=np.float32), 2, store.select(keys(2**62, 3)))
    for axis, found, scores in zip(range(3), hits.keys, hits.scores, strict=True):
        assert dict(zip(found.tolist(), scores.tolist(), strict=True)) == pytest.approx(
            {3: VECTORS[1, axis], 2**62: VECTORS[2, axis]}
        )


def test_many_are_added_in_batches_and_found(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "BATCH", 7)
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((40, 4)).astype(np.float32)
    made = maker.make(4)
    made.add(np.arange(40, dtype=np.int64), vectors)
    assert len(made) == 40
    hits = made.search(vectors[:9], 40)
    for query, found, scores in zip(vectors[:9], hits.keys, hits.scores, strict=True):
        assert sorted(found.tolist()) == list(range(40))
        assert scores == pytest.approx(vectors[found] @ query, abs=1e-4)
    assert made.remove(np.arange(0, 60, 2, dtype=np.int64)) == 20
    assert sorted(made.search(vectors[:1], 21).keys[0].tolist()) == [-1, *range(1, 40, 2)]


def not_in(taken: set[int], key: int) -> bool:
    return key not in taken


vector = st.lists(st.floats(-1, 1, width=16), min_size=3, max_size=3)


#: How many examples each kind is worth: a call takes microseconds, milliseconds, and on a server up to a second.
EXAMPLES = {"faiss": 60, "lite": 8, "server": 2}


@pytest.mark.timeout(300)
def test_any_adding_removing_and_searching_equals_brute_force(maker: Maker) -> None:
    phases = [Phase.generate] if maker.kind == "server" else list(Phase)
    kept = settings(max_examples=EXAMPLES[maker.kind], phases=phases, suppress_health_check=[HealthCheck.too_slow])
    kept(given(st.data())(lambda data: compare_with_brute_force(maker, data)))()


def compare_with_brute_force(maker: Maker, data: st.DataObject) -> None:
    made = maker.make(3)
    held: dict[int, list[float]] = {}
    for _ in range(3):
        new_keys = st.integers(0, 2**63 - 1).filter(partial(not_in, set(held)))
        fresh = data.draw(st.dictionaries(new_keys, vector, max_size=8))
        made.add(keys(*fresh), np.array(list(fresh.values()), dtype=np.float32).reshape(len(fresh), 3))
        held |= fresh
        gone = data.draw(st.sets(st.sampled_from(sorted(held)))) if held else set()
        assert made.remove(keys(*gone)) == len(gone)
        held = {key: row for key, row in held.items() if key not in gone}
        assert len(made) == len(held)
    chosen = data.draw(st.none() | (st.sets(st.sampled_from(sorted(held))) if held else st.just(set())))
    query, k = data.draw(vector), data.draw(st.integers(1, 6))
    hits = made.search(rows(query), k, None if chosen is None else made.select(keys(*chosen)))
    scores = {key: float(np.dot(row, query)) for key, row in held.items() if chosen is None or key in chosen}
    best = sorted(scores.values(), reverse=True)[:k]
    found = [int(key) for key in hits.keys[0] if key >= 0]
    assert hits.keys[0, len(found) :].tolist() == [-1] * (k - len(found))
    assert hits.scores[0, : len(found)] == pytest.approx(best, abs=1e-4)
    assert [scores[key] for key in found] == pytest.approx(best, abs=1e-4)
    assert len(set(found)) == len(found)
