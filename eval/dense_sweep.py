"""How a large archive is best searched by its vectors: ``python -m eval.dense_sweep FOLDER ...``.

For each index that `eval.bench` has built: all vectors compared, short codes and how many are scored anew, lists and
how many of them are read, and (up to 150,000 passages) a graph. Each with recall@10 and @50 against all compared, and
milliseconds of one question in one thread. The questions are English sides of sentences that the archive holds, and
of as many that it does not.
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
from qa import quantised
from qa.embed import load_encoder
from qa.index import CHUNK_KEYS, CHUNK_VECTORS, KEY_TYPE, VECTOR_TYPE
from qa.quantised import Quantised, Rows, gather, load_faiss, slices
from qa.segments import Segments

ASKED = 200
DEEP, DEPTH = 50, 10
TOGETHER, RESCORED = (2, 3, 4), (1, 2, 4, 8, 16)
PROBED = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
LIST_SIZE = 256
GRAPH_UP_TO, WIDTHS = 150_000, (64, 128, 200, 300)

#: Takes a question ``(1, dim)``, gives the places of the best `DEEP` ``(1, DEEP)``.
Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Task:
    """Vectors by ascending key, questions, and for each the places of the best `DEEP` of all."""

    rows: Rows
    queries: NDArray[np.float32]
    flat: Any
    best: NDArray[np.int64]


def read_task(folder: Path, queries: NDArray[np.float32]) -> Task:
    """The vectors of a built index, and the true answers."""
    dim = queries.shape[1]
    halves = Segments(folder / CHUNK_VECTORS, VECTOR_TYPE, (dim,)).all()
    keys = Segments(folder / CHUNK_KEYS, KEY_TYPE).all()
    rows = gather([Rows(keys, halves)])
    flat = _filled(_half(dim), rows)
    return Task(rows, queries, flat, flat.search(queries, DEEP)[1])


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


def sweep(task: Task) -> None:
    """Print the table of one archive."""
    head = ("kind", "", "made in s", "recall@10", "recall@50", "p50 ms", "p95 ms")
    lines: list[Sequence[str]] = [["all compared", "", "", *measure(task, partial(_search, task.flat, None))]]
    lines += [*_coded(task), *_listed(task)]
    if len(task.rows.keys) <= GRAPH_UP_TO:
        lines += _graph(task)
    print(
        f"\n{len(task.rows.keys)} passages, {len(task.queries)} questions\n\n{markdown_table(head, lines)}", flush=True
    )


def _coded(task: Task) -> list[list[str]]:
    """What `qa.quantised` does, and other sizes of it."""
    shipped, rows = (quantised.TOGETHER, quantised.RESCORED), []
    for together in TOGETHER:
        quantised.TOGETHER = together
        started = time.perf_counter()
        index = Quantised.build(task.rows)
        made = f"{time.perf_counter() - started:.1f}"
        for factor in RESCORED:
            quantised.RESCORED = factor
            cells = measure(task, partial(_search_codes, index))
            rows.append([f"codes of {together} numbers", f"{factor} times scored", made, *cells])
    quantised.TOGETHER, quantised.RESCORED = shipped
    return rows


def _search_codes(index: Quantised, query: NDArray[np.float32]) -> NDArray[np.int64]:
    scores, keys = index.search(query, DEEP, None)
    best = keys[:, np.argsort(-scores[0], kind="stable")[:DEEP]]
    return np.searchsorted(index.keys, best)


def _listed(task: Task) -> list[list[str]]:
    """Lists around centroids (IVF), of which the nearest are read."""
    faiss, dim, rows = load_faiss(), task.queries.shape[1], []
    number = 1 << (max(len(task.rows.keys) // LIST_SIZE, 1).bit_length() - 1)
    kind = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    centroids = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(centroids, dim, number, *kind, False)
    index.cp.niter, index.cp.spherical, index.cp.max_points_per_centroid = 10, True, 64
    started = time.perf_counter()
    sample = np.linspace(0, len(task.rows.keys) - 1, 64 * number).astype(np.int64)
    index.train(task.rows.halves[sample].astype(np.float32))
    _filled(index, task.rows)
    made = f"{time.perf_counter() - started:.1f}"
    for share in PROBED:
        settings = faiss.SearchParametersIVF(nprobe=int(share * number))
        cells = measure(task, partial(_search, index, settings))
        rows.append([f"{number} lists", f"{int(share * number)} read", made, *cells])
    return rows


def _graph(task: Task) -> list[list[str]]:
    """HNSW: Malkov and Yashunin 2018. Nothing can be removed from it."""
    faiss, dim = load_faiss(), task.queries.shape[1]
    index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_fp16, 32, faiss.METRIC_INNER_PRODUCT)
    started = time.perf_counter()
    index.train(task.rows.halves[:1000].astype(np.float32))
    _filled(index, task.rows)
    made, rows = f"{time.perf_counter() - started:.1f}", []
    for width in WIDTHS:
        cells = measure(task, partial(_search, index, faiss.SearchParametersHNSW(efSearch=width)))
        rows.append(["graph of 32", f"width {width}", made, *cells])
    return rows


def _half(dim: int) -> Any:  # noqa: ANN401 - FAISS has no types
    faiss = load_faiss()
    return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _filled(index: Any, rows: Rows) -> Any:  # noqa: ANN401 - FAISS has no types
    for part in slices(len(rows.keys)):
        index.add(rows.halves[part].astype(np.float32))
    return index


def _search(index: Any, settings: Any, query: NDArray[np.float32]) -> NDArray[np.int64]:  # noqa: ANN401 - untyped
    places: NDArray[np.int64] = index.search(query, DEEP, params=settings)[1]
    return places


def both_kinds(material: Material, each: int) -> list[str]:
    """Questions: English sides of sentences in the archive, and as many of sentences that are in none."""
    return [*questions(material.told, each, 1), *questions(material.held_out, each, 2)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", help="indexes built by eval.bench")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with train/")
    options = parser.parse_args(arguments)
    queries = load_encoder().encode_queries(both_kinds(read_material(options.data / "train"), ASKED))
    for folder in options.folders:
        sweep(read_task(folder, queries))


if __name__ == "__main__":
    main()
