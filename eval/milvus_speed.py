"""What a Milvus server does with vectors: adding, indexing, searching, filters by name, and memory if it is local.

    python -m eval.milvus_speed --uri http://127.0.0.1:19530 --vectors chunks.npy [--rows 100000] [--index hnsw]

The vectors are rows of the file, 384 numbers each; the questions are 200 of them that are left out and moved a little.
Recall is against a comparison of all.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.config import milvus_token
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore

if TYPE_CHECKING:
    from qa.types import Keys, Selection, Vectors

_DIM, _K, _QUESTIONS, _SLICE = 384, 50, 200, 10_000


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1."""
    rows: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return rows


def timed(name: str, doing: Callable[[], object]) -> float:
    """Do it and print how many seconds it took."""
    started = time.perf_counter()
    doing()
    took = time.perf_counter() - started
    print(f"{name}: {took:.2f} s", flush=True)
    return took


def percentiles(store: MilvusStore, questions: Vectors, among: Selection | None) -> str:
    """The time of a search, one question at a time."""
    took = []
    for question in questions:
        started = time.perf_counter()
        store.search(question[None], _K, among)
        took.append(1000 * (time.perf_counter() - started))
    return f"p50 {np.percentile(took, 50):.1f} ms, p95 {np.percentile(took, 95):.1f} ms"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--index", default="hnsw")
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    given_rows = np.load(given.vectors, mmap_mode="r")
    chosen = rng.permutation(len(given_rows))[: given.rows + _QUESTIONS]
    vectors = unit(given_rows[np.sort(chosen)].astype(np.float32))
    questions = unit(vectors[:_QUESTIONS] + 0.02 * rng.standard_normal((_QUESTIONS, _DIM)).astype(np.float32))
    vectors = rng.permutation(vectors[_QUESTIONS:])
    keys = np.arange(len(vectors), dtype=np.int64) * 7919
    client = Client(Server(given.uri, milvus_token(), timeout_s=60.0, index=given.index))
    name = f"qa_eval_{secrets.token_hex(6)}"
    store = MilvusStore.create(client, name, _DIM)
    try:
        took = timed("added", lambda: _add(store, keys, vectors))
        print(f"rows a second: {len(keys) / took:.0f}")
        timed("written out and indexed", lambda: store.save(Path(tempfile.gettempdir())))
        opened = MilvusStore.open(client, name, _DIM)
        timed("counted", lambda: print(len(opened)))
        percentiles(opened, questions[:20], None)
        print(f"search of all: {percentiles(opened, questions, None)}")
        tenth = -np.partition(-(questions @ vectors.T), 9, axis=1)[:, 9:10]
        # By score: of passages that say the same any will do.
        print(f"recall@10: {np.mean(opened.search(questions, 10).scores >= tenth - 1e-5):.3f}")
        for count in (100, 1000, 5000, 20_000, len(keys) // 2):
            among = opened.select(rng.choice(keys, min(count, len(keys)), replace=False))
            print(f"among {count}: {percentiles(opened, questions[:30], among)}", flush=True)
    finally:
        client.drop(name)
        client.close()


def _add(store: MilvusStore, keys: Keys, vectors: Vectors) -> None:
    for start in range(0, len(keys), _SLICE):
        store.add(keys[start : start + _SLICE], vectors[start : start + _SLICE])


if __name__ == "__main__":
    main()
