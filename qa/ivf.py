"""Many vectors in lists around centroids, of which a search reads the nearest: FAISS's inverted file (IVF).

Sivic and Zisserman 2003, "Video Google"; Jégou, Douze and Schmid 2011, "Product Quantization for Nearest Neighbor
Search". Vectors are kept in half precision, as a build keeps them anyway, so what is found has its true score.
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

    from qa.types import Keys

    Flags = NDArray[np.bool_]
    Places = NDArray[np.int64]

#: Up to so many vectors all are compared: 20,000 take 4 ms in one thread, and nothing has to be trained.
EXACT_UP_TO = 20_000

#: Vectors that a list holds at least, on the average; at twice as many there are twice as many lists.
LIST_SIZE = 256

#: Training: vectors for each centroid, rounds, and the seed that makes a fresh build equal an updated one.
POINTS, ROUNDS, SEED = 64, 10, 1234

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


def lists_for(count: int) -> int:
    """How many lists so many vectors are kept in: a power of two, or 0 where they are compared one by one.

    A store is trained anew when this changes: each time that it has doubled or halved.
    """
    return 0 if count <= EXACT_UP_TO else 1 << ((count // LIST_SIZE).bit_length() - 1)


def probes_for(lists: int) -> int:
    """How many of the lists a search reads."""
    return min(lists, 64)


class Chosen:
    """Some vectors of a FAISS index: a bit for each, by position, as FAISS asks while it searches."""

    def __init__(self, flags: Flags, probes: int = 0) -> None:
        """The vectors where ``flags`` ``(n,)`` is true; of an index in lists, so many of these are read."""
        faiss = load_faiss()
        self._count = int(np.count_nonzero(flags))
        self._bits = np.packbits(flags, bitorder="little")  # FAISS reads it for as long as it searches
        selector = faiss.IDSelectorBitmap(self._bits)
        settings = faiss.SearchParametersIVF(nprobe=probes, sel=selector) if probes else None
        self.parameters = settings or faiss.SearchParameters(sel=selector)

    def __len__(self) -> int:
        return self._count


@dataclass(frozen=True, slots=True)
class Rows:
    """Vectors ``(n, dim)`` in half precision, their keys ``(n,)``, and the lists ``(n,)`` they are in, -1 for none."""

    keys: Keys
    halves: NDArray[np.float16]
    lists: Places


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
    return Rows(keys[order], halves, np.concatenate([part.lists for part in parts])[order])


class Lists:
    """Vectors in lists, by ascending key. Never added to (FAISS may have them mapped); those removed are marked."""

    def __init__(self, index: Any, path: Path | None = None) -> None:  # noqa: ANN401 - FAISS has no types
        """What `Lists.build` or `Lists.is_in` made out, and the file that it lies in."""
        self.owner = index
        self.path = path
        self.keys: Keys = load_faiss().vector_to_array(index.id_map)
        self._index = load_faiss().downcast_index(index.index)
        self._keep(np.ones(len(self.keys), np.bool_))

    @staticmethod
    def is_in(index: Any) -> bool:  # noqa: ANN401 - FAISS has no types
        """Whether an ``IndexIDMap`` is one of these."""
        faiss = load_faiss()
        return isinstance(faiss.downcast_index(index.index), faiss.IndexIVFScalarQuantizer)

    @classmethod
    def build(cls, rows: Rows, like: Lists | None = None) -> Lists:
        """Rows by ascending key in lists: around the centroids of ``like``, or around new ones."""
        faiss = load_faiss()
        centroids = (
            faiss.clone_index(like._index.quantizer) if like is not None else _train(rows, lists_for(len(rows.keys)))
        )
        dim = rows.halves.shape[1]
        kind = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        # Not by residual: a vector has the same score here as among those compared one by one, so ties stay ties.
        index = faiss.IndexIVFScalarQuantizer(centroids, dim, centroids.ntotal, *kind, False)
        index.train(rows.halves[:1].astype(np.float32))
        keyed = faiss.IndexIDMap(index)
        for part in _slices(len(rows.keys)):
            vectors, places = rows.halves[part].astype(np.float32), rows.lists[part].copy()
            unknown = np.flatnonzero(places < 0) if like is not None else np.arange(len(places))
            if len(unknown):
                places[unknown] = centroids.search(vectors[unknown], 1)[1][:, 0]
            numbers = np.arange(part.start, part.start + len(vectors), dtype=np.int64)
            index.add_core(len(vectors), *map(faiss.swig_ptr, (vectors, numbers, places)))
        faiss.copy_array_to_vector(rows.keys, keyed.id_map)
        keyed.ntotal = len(rows.keys)
        return cls(keyed)

    def _keep(self, kept: Flags) -> None:
        self.kept = kept
        probes = probes_for(self.lists)
        some = not kept.all()
        self._all = Chosen(kept, probes) if some else None
        self._whole = load_faiss().SearchParametersIVF(nprobe=probes)

    def __len__(self) -> int:
        return len(self.keys) if self._all is None else len(self._all)

    @property
    def lists(self) -> int:
        """How many lists there are."""
        return int(self._index.nlist)

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
        if count:
            self._keep(self.kept & ~found)
        return count

    def choose(self, keys: Keys) -> Chosen:
        """These keys, to be searched exactly: in all lists."""
        return Chosen(self.find(keys), self.lists)

    def search(self, queries: NDArray[np.float32], k: int, among: Chosen | None) -> tuple[NDArray[np.float32], Keys]:
        """Scores and keys, each ``(q, k)``; of all vectors those in the nearest lists alone."""
        chosen = self._all if among is None else among  # a choice of none is one too
        parameters = chosen.parameters if chosen is not None else self._whole
        scores, places = self._index.search(queries, k, params=parameters)
        return scores, np.where(places >= 0, self.keys[places], -1)

    def rows(self) -> Rows:
        """All that are not removed."""
        faiss, index = load_faiss(), self._index
        halves = np.empty((len(self.keys), index.d), np.float16)
        places = np.empty(len(self.keys), np.int64)
        for number in range(index.nlist):
            size = index.invlists.list_size(number)
            if size:
                at = faiss.rev_swig_ptr(index.invlists.get_ids(number), size)
                codes = faiss.rev_swig_ptr(index.invlists.get_codes(number), size * index.code_size)
                halves[at] = codes.reshape(size, -1).view(np.float16)
                places[at] = number
        if self._all is None:
            return Rows(self.keys, halves, places)
        return Rows(self.keys[self.kept], halves[self.kept], places[self.kept])


def _train(rows: Rows, lists: int) -> Any:  # noqa: ANN401 - FAISS has no types
    """Centroids (``IndexFlatIP``) from rows spread evenly over the keys.

    In one thread, so that the sums, and with them the centroids, come out the same: seconds, beside the minutes or
    hours that embedding as many passages takes.
    """
    faiss = load_faiss()
    chosen = np.linspace(0, len(rows.keys) - 1, min(len(rows.keys), POINTS * lists)).astype(np.int64)
    sample = rows.halves[chosen].astype(np.float32)
    settings = faiss.ClusteringParameters()
    settings.niter, settings.seed, settings.spherical = ROUNDS, SEED, True
    settings.min_points_per_centroid, settings.max_points_per_centroid = 1, POINTS
    centroids = faiss.IndexFlatIP(sample.shape[1])
    faiss.Clustering(sample.shape[1], lists, settings).train(sample, centroids)
    return centroids


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, start + SLICE) for start in range(0, count, SLICE))
