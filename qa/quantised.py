"""Many vectors, found by short codes and scored by themselves.

Every vector is compared with the question, but by a code of two bits a number, of which FAISS reads 32 at once: product
quantisation (Jégou, Douze and Schmid 2011) with a fast scan (André, Kermarrec and Le Scouarnec 2015, "Cache locality is
not enough"). The best by their codes are then scored by their vectors, which stay on the disk until then.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

    from numpy.typing import NDArray

    from qa.types import Keys, Vectors

    Flags = NDArray[np.bool_]
    Halves = NDArray[np.float16]
    Places = NDArray[np.int64]

#: Numbers of a vector that share a code of four bits. With 2, 3 and 4, scoring four times as many as are wanted, 50 of
#: 100,000 passages are found with a recall of 0.995, 0.957 and 0.900 in 0.7, 0.5 and 0.45 ms (`eval.dense_sweep`;
#: sentences of ../shared/data/train recombined, asked for in English).
TOGETHER = 2

#: So many times as many as are wanted are taken by their codes. At 1, 2, 4, 8 and 16 the recall of 50 is 0.776, 0.951,
#: 0.995, 1.000 and 1.000 of 100,000 passages, 0.803, 0.947, 0.990, 0.998 and 0.998 of 1,000,000, in 5.4, 5.3, 5.4, 5.5
#: and 6.1 ms there; run `eval.dense_sweep` again when the encoder changes.
RESCORED = 8

#: Vectors that the codes are fitted to, rounds of it, and the seed that makes a fresh build equal an updated one. With
#: an eighth of them the recall is the same; with all of these a million vectors get their codes in 11 s.
SAMPLE, ROUNDS, SEED = 8_192, 10, 1234

#: Rows handled at once where all of a store are: bounds the memory beside them to 25 MB at 384 dimensions.
SLICE = 16_384


def load_faiss() -> ModuleType:
    """FAISS, set to one thread a search.

    Imported on first use: 0.2 s that `import qa` and the command line's help need not pay.
    """
    faiss = importlib.import_module("faiss")
    # Measured with 1,500 vectors and another program running: 5 ms with the default threads, which spin while they
    # wait for one another, 0.1 ms with one.
    faiss.omp_set_num_threads(1)
    return faiss


class Chosen:
    """Some vectors of a FAISS index: a bit for each, by position, as FAISS asks while it searches."""

    def __init__(self, flags: Flags) -> None:
        """The vectors where ``flags`` ``(n,)`` is true."""
        faiss = load_faiss()
        self._count = int(np.count_nonzero(flags))
        self._bits = np.packbits(flags, bitorder="little")  # FAISS reads it for as long as it searches
        self.parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(self._bits))

    def __len__(self) -> int:
        return self._count


@dataclass(frozen=True, slots=True)
class Rows:
    """Vectors ``(n, dim)`` in half precision and their keys ``(n,)``."""

    keys: Keys
    halves: Halves


def gather(parts: Sequence[Rows]) -> Rows:
    """All rows by ascending key."""
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys, kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    halves = np.empty((len(keys), parts[0].halves.shape[1]), np.float16)
    start = 0
    for part in parts:
        halves[places[start : start + len(part.keys)]] = part.halves
        start += len(part.keys)
    return Rows(keys[order], halves)


class Quantised:
    """Vectors with short codes, by ascending key. Never added to (FAISS may have them mapped); removed ones are marked.

    Attributes:
        vectors: ``IndexIDMap`` over the vectors in half precision.
        codes: ``IndexPQFastScan`` over the same, in the same order.
        path: The file that ``vectors`` were read from, or None.
    """

    def __init__(self, vectors: Any, codes: Any, path: Path | None = None) -> None:  # noqa: ANN401 - FAISS has no types
        """Both as `build` made them."""
        self.vectors, self.codes, self.path = vectors, codes, path
        self.keys: Keys = load_faiss().vector_to_array(vectors.id_map)
        self._half = half_view(vectors)
        self.kept = np.ones(len(self.keys), np.bool_)
        self._removed = 0

    @classmethod
    def build(cls, rows: Rows) -> Quantised:
        """Rows by ascending key, their codes fitted to some of them, spread evenly.

        In one thread, so that the sums, and with them the codes, are the same wherever it runs.
        """
        faiss, dim = load_faiss(), rows.halves.shape[1]
        groups = dim // TOGETHER if dim % TOGETHER == 0 else dim
        codes = faiss.IndexPQFastScan(dim, groups, 4, faiss.METRIC_INNER_PRODUCT)
        codes.pq.cp.niter, codes.pq.cp.seed, codes.pq.cp.min_points_per_centroid = ROUNDS, SEED, 1
        chosen = np.linspace(0, len(rows.keys) - 1, min(len(rows.keys), SAMPLE)).astype(np.int64)
        codes.train(rows.halves[chosen].astype(np.float32))
        vectors = half_index(dim)
        for part in slices(len(rows.keys)):
            floats = rows.halves[part].astype(np.float32)
            codes.add(floats)
            vectors.add_with_ids(floats, rows.keys[part])
        return cls(vectors, codes)

    def __len__(self) -> int:
        return len(self.keys) - self._removed

    @property
    def removed(self) -> Keys:
        """The keys that are marked, ascending."""
        return self.keys[~self.kept]

    def find(self, keys: Keys) -> Flags:
        """Which of the vectors have these keys and are not removed, ``(n,)``."""
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        flags = np.zeros(len(self.keys), np.bool_)
        flags[places[self.keys[places] == keys]] = True
        return flags & self.kept

    def remove(self, keys: Keys) -> int:
        """Mark these keys; gives how many there were."""
        found = self.find(keys)
        count = int(np.count_nonzero(found))
        self.kept = self.kept & ~found  # searches under way keep what they began with
        self._removed += count
        return count

    def search(self, queries: Vectors, k: int, among: Chosen | None) -> tuple[Vectors, Keys]:
        """Scores and keys, each ``(q, k)`` and in no order; fewer than there are get the key -1.

        Those in ``among`` are all compared by their vectors.
        """
        if among is not None:
            places = self.vectors.index.search(queries, k, params=among.parameters)[1]
        else:
            places = self._shortlist(queries, k)
        scores = exact_scores(self._half, queries, places)
        return scores, np.where(places >= 0, self.keys[places], -1)

    def _shortlist(self, queries: Vectors, k: int) -> Places:
        """The places of the best by their codes, `RESCORED` times ``k`` and those that are removed beside."""
        kept, total = self.kept, len(self.keys)
        wanted = RESCORED * k
        while True:
            fetched = min(wanted, total)
            places: Places = self.codes.search(queries, fetched)[1]
            places[(places >= 0) & ~kept[places]] = -1
            left = int(np.count_nonzero(places >= 0, axis=1).min(initial=fetched))
            if fetched == total or left >= k:
                return places
            wanted *= 4

    def rows(self) -> Rows:
        """All that are not removed."""
        if not self._removed:
            return Rows(self.keys, self._half)
        return Rows(self.keys[self.kept], self._half[self.kept])


def exact_scores(halves: Halves, queries: Vectors, places: Places) -> Vectors:
    """Inner products of each query with the vectors at its places, ``(q, k)``; minus infinity where that is -1.

    Summed in double precision, so that a vector has the same score wherever it lies, and equal ones stay equal.
    """
    scores = np.full(places.shape, -np.inf, np.float32)
    for row, (query, chosen) in enumerate(zip(queries.astype(np.float64), places, strict=True)):
        there = chosen >= 0
        scores[row, there] = halves[chosen[there]].astype(np.float64) @ query
    return scores


def half_index(dim: int) -> Any:  # noqa: ANN401 - FAISS has no types
    """An empty index of vectors in half precision under keys."""
    faiss = load_faiss()
    kind = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    return faiss.IndexIDMap(faiss.IndexScalarQuantizer(dim, *kind))


def half_view(index: Any) -> Halves:  # noqa: ANN401 - FAISS has no types
    """The vectors of a `half_index`, ``(n, dim)``: FAISS's own memory, until it is added to or removed from."""
    faiss = load_faiss()
    inner = faiss.downcast_index(index.index)
    size = inner.ntotal * inner.code_size
    if not size:
        return np.empty((0, inner.d), np.float16)
    halves: Halves = faiss.rev_swig_ptr(inner.codes.data(), size).view(np.float16).reshape(inner.ntotal, inner.d)
    return halves


def slices(count: int) -> Iterator[slice]:
    """Stretches of `SLICE` rows."""
    return (slice(start, start + SLICE) for start in range(0, count, SLICE))
