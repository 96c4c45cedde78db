"""How a large archive is best searched by its vectors: ``python -m eval.dense_sweep FOLDER ...``.

For each index that `eval.bench` has built: lists and how many of them are read, half precision and 8 bits, and (up to
150,000 passages) a graph, each with recall@10 and @50 against all vectors compared, and milliseconds of one question in
one thread. The questions are English sides of sentences that the archive holds, and of some that it does not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.archive import Material, questions, read_material
from eval.encoder_speed import markdown_table
from qa.embed import load_encoder
from qa.index import CHUNK_KEYS, CHUNK_VECTORS, KEY_TYPE, VECTOR_TYPE
from qa.ivf import Lists, Rows, gather, load_faiss, train
from qa.segments import Segments

ASKED = 200
DEEP, DEPTH = 50, 10
PROBES = (8, 16, 24, 32, 48, 64, 96, 128)
GRAPH_UP_TO = 150_000

#: Takes a question ``(1, dim)``, gives the places of the best `DEEP` ``(1, DEEP)``.
Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Task:
    """Vectors by ascending key, questions, and for each the places of the best `DEEP` of all."""

    rows: Rows
    queries: NDArray[np.float32]
    best: NDArray[np.int64]


def read_task(folder: Path, queries: NDArray[np.float32]) -> Task:
    """The vectors of a built index, and the true answers."""
    dim = queries.shape[1]
    halves = Segments(folder / CHUNK_VECTORS, VECTOR_TYPE, (dim,)).all()
    keys = Segments(folder / CHUNK_KEYS, KEY_TYPE).all()
    rows = gather([Rows(keys, halves, np.full(len(keys), -1, np.int64))])
    faiss = load_faiss()
    flat = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(keys), 50_000):
        flat.add(rows.halves[start : start + 50_000].astype(np.float32))
    return Task(rows, queries, flat.search(queries, DEEP)[1])


def measure(task: Task, search: Search) -> list[str]:
    """Recall@10, recall@50, p50 and p95 as cells."""
    took, shallow, deep = [], 0, 0
    for query, best in zip(task.queries, task.best, strict=True):
        started = time.perf_counter()
        found = search(query[None])[0]
        took.append(1000 * (time.perf_counter() - started))
        shallow += len(set(best[:DEPTH].tolist()) & set(found[:DEPTH].tolist()))
        deep += len(set(best.tolist()) & set(found.tolist()))
    asked = len(task.queries)
    recalls = f"{shallow / asked / DEPTH:.4f}", f"{deep / asked / DEEP:.4f}"
    return [*recalls, f"{np.percentile(took, 50):.2f}", f"{np.percentile(took, 95):.2f}"]


def sweep(task: Task, sizes: Sequence[int]) -> None:
    """Print the tables of one archive."""
    count = len(task.rows.keys)
    head = ("kind", "lists", "read", "made in s", "recall@10", "recall@50", "p50 ms", "p95 ms")
    lines: list[Sequence[str]] = []
    for size in sizes:
        number = 1 << (max(count // size, 1).bit_length() - 1)
        started = time.perf_counter()
        centroids = train(task.rows, number)
        lists = Lists.build(task.rows, centroids)
        made = f"{time.perf_counter() - started:.1f}"
        inner = lists.index
        lines += _probed("half precision", inner, number, made, task)
        if size == sizes[0]:
            lines += _probed("8 bits", _eight_bits(task, centroids), number, "", task)
    if count <= GRAPH_UP_TO:
        lines += _graph(task)
    print(f"\n{count} passages, {len(task.queries)} questions\n\n{markdown_table(head, lines)}", flush=True)


def _probed(kind: str, index: Any, lists: int, made: str, task: Task) -> list[list[str]]:  # noqa: ANN401 - untyped
    faiss, rows = load_faiss(), []
    for probes in (one for one in PROBES if one <= lists):
        settings = faiss.SearchParametersIVF(nprobe=probes)
        cells = measure(task, partial(_search, index, settings))
        rows.append([kind, str(lists), str(probes), made, *cells])
    return rows


def _search(index: Any, settings: Any, query: NDArray[np.float32]) -> NDArray[np.int64]:  # noqa: ANN401 - untyped
    places: NDArray[np.int64] = index.search(query, DEEP, params=settings)[1]
    return places


def _eight_bits(task: Task, centroids: Any) -> Any:  # noqa: ANN401 - untyped
    faiss, dim = load_faiss(), task.queries.shape[1]
    kind = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFScalarQuantizer(centroids, dim, centroids.ntotal, *kind)
    index.train(task.rows.halves[:: max(1, len(task.rows.keys) // 50_000)].astype(np.float32))
    for start in range(0, len(task.rows.keys), 50_000):
        index.add(task.rows.halves[start : start + 50_000].astype(np.float32))
    return index


def _graph(task: Task) -> list[list[str]]:
    """HNSW: Malkov and Yashunin 2018. Nothing can be removed from it."""
    faiss, dim = load_faiss(), task.queries.shape[1]
    index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_fp16, 32, faiss.METRIC_INNER_PRODUCT)
    started = time.perf_counter()
    index.train(task.rows.halves[:1000].astype(np.float32))
    for start in range(0, len(task.rows.keys), 50_000):
        index.add(task.rows.halves[start : start + 50_000].astype(np.float32))
    made, rows = f"{time.perf_counter() - started:.1f}", []
    for width in (64, 128, 256):
        settings = faiss.SearchParametersHNSW(efSearch=width)
        cells = measure(task, partial(_search, index, settings))
        rows.append(["graph of 32", "", f"ef {width}", made, *cells])
    return rows


def asked(material: Material, each: int) -> list[str]:
    """Questions: English sides of sentences in the archive, and as many of sentences that are in none."""
    return [*questions(material.told, each, 1), *questions(material.held_out, each, 2)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", help="indexes built by eval.bench")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with train/")
    parser.add_argument("--sizes", default="256,128,512", help="vectors a list, at least, on the average")
    options = parser.parse_args(arguments)
    queries = load_encoder().encode_queries(asked(read_material(options.data / "train"), ASKED))
    for folder in options.folders:
        sweep(read_task(folder, queries), [int(size) for size in options.sizes.split(",")])


if __name__ == "__main__":
    main()
