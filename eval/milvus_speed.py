"""What a Milvus server does with vectors: adding, indexing, searching, filters by name, and memory if it is local.

    python -m eval.milvus_speed --uri http://127.0.0.1:19530 --rows 100000 [--index hnsw]

Vectors are drawn around 1,000 centres, as those of texts lie in clumps; recall is against a comparison of all.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qa.config import milvus_token
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore
from qa.types import Keys, Selection, Vectors

_DIM, _K, _QUESTIONS, _SLICE = 384, 50, 200, 10_000


def drawn(rows: int, rng: np.random.Generator, centres: Vectors) -> Vectors:
    """Unit vectors around the centres."""
    vectors = centres[rng.integers(len(centres), size=rows)] + 0.06 * rng.standard_normal((rows, _DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


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
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--index", default="hnsw")
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((1000, _DIM))
    centres = (centres / np.linalg.norm(centres, axis=1, keepdims=True)).astype(np.float32)
    vectors, keys = drawn(given.rows, rng, centres), np.arange(given.rows, dtype=np.int64) * 7919
    questions = drawn(_QUESTIONS, rng, centres)
    client = Client(Server(given.uri, milvus_token(), timeout_s=60.0, index=given.index))
    name = f"qa_eval_{secrets.token_hex(6)}"
    store = MilvusStore.create(client, name, _DIM)
    try:
        took = timed("added", lambda: _add(store, keys, vectors))
        print(f"rows a second: {given.rows / took:.0f}")
        timed("written out and indexed", lambda: store.save(Path(tempfile.gettempdir())))
        opened = MilvusStore.open(client, name, _DIM)
        timed("counted", lambda: print(len(opened)))
        percentiles(opened, questions[:20], None)
        print(f"search of all: {percentiles(opened, questions, None)}")
        exact = np.argsort(-(questions @ vectors.T), axis=1)[:, :10]
        found = opened.search(questions, 10).keys // 7919
        recall = np.mean([len({*a} & {*b}) / 10 for a, b in zip(exact.tolist(), found.tolist(), strict=True)])
        print(f"recall@10: {recall:.3f}")
        for count in (100, 1000, 5000, 20_000, given.rows // 2):
            among = opened.select(rng.choice(keys, min(count, given.rows), replace=False))
            print(f"among {count}: {percentiles(opened, questions[:30], among)}", flush=True)
    finally:
        client.drop(name)
        client.close()


def _add(store: MilvusStore, keys: Keys, vectors: Vectors) -> None:
    for start in range(0, len(keys), _SLICE):
        store.add(keys[start : start + _SLICE], vectors[start : start + _SLICE])


if __name__ == "__main__":
    main()
