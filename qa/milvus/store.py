"""`MilvusStore`: the vectors of a build in a collection of a Milvus server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qa.errors import IndexDamagedError
from qa.milvus.client import KEY, VECTOR, Client
from qa.milvus.collection import MOST_RESULTS, Collection, published
from qa.types import Hits, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qa.types import Keys, Vectors


#: Found beyond the k asked for, so that of equal scores those with the lowest keys are given.
TIES = 8


class MilvusSelection:
    """Some of a store's vectors, by ascending key."""

    def __init__(self, collection: Collection, keys: Keys) -> None:
        ascending = bool(np.all(np.diff(keys) > 0))  # then they are not copied: there may be millions
        self.keys: Keys = keys if ascending and keys.dtype == np.int64 else np.unique(keys.astype(np.int64))
        self._collection = collection
        self._count: int | None = None

    def __len__(self) -> int:
        if self._count is None:  # asked of the server, and nobody asks while a question waits
            self._count = len(self._collection.rows(self.keys.tolist(), [KEY]))
        return self._count


class MilvusStore:
    """Inner-product search over the unit vectors of a collection.

    As `qa.dense.FaissStore` in everything that can be seen; exact with ``milvus_index = "flat"``. Searches may run in
    many threads at once.
    """

    def __init__(self, collection: Collection, dim: int) -> None:
        self.collection = collection
        self._dim = dim

    @classmethod
    def create(cls, client: Client, name: str, dim: int) -> MilvusStore:
        """A new, empty collection for vectors of length ``dim``.

        Raises:
            StoreError: The server cannot be reached or refuses.
        """
        client.create_vectors(name, dim)
        return cls(Collection(client, name, VECTOR, "IP", settled=False), dim)

    @classmethod
    def open(cls, client: Client, name: str, dim: int) -> MilvusStore:
        """The collection of a published build.

        Raises:
            StoreError: The server cannot be reached or refuses.
            IndexDamagedError: The collection is gone or holds vectors of another length.
        """
        described = client.call(lambda c, limit: c.describe_collection(name, timeout=limit))
        lengths = [int(one["params"].get("dim", 0)) for one in described["fields"] if one["name"] == VECTOR]
        if lengths != [dim]:
            found = f"vectors of length {lengths[0]}" if lengths else "no vectors"
            raise IndexDamagedError(
                f"collection {name} of Milvus at {client.where} holds {found}, not of length {dim}",
                "qa index copy --to milvus",
            )
        return cls(published(client, name, VECTOR, "IP"), dim)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    def __len__(self) -> int:
        return len(self.collection)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add rows ``(n, dim)`` under new int64 keys ``(n,)``, in batches.

        Raises:
            ValueError: Wrong shape.
            StoreError: The server cannot be reached or refuses.
        """
        if vectors.ndim != 2 or vectors.shape != (len(keys), self.dim):  # noqa: PLR2004
            raise ValueError(f"vectors have shape {vectors.shape}, expected ({len(keys)}, {self.dim})")
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        self.collection.insert([{KEY: int(key), VECTOR: row} for key, row in zip(keys, rows, strict=True)])

    def remove(self, keys: Keys) -> int:
        """Remove these keys; gives how many there were."""
        return self.collection.delete([int(key) for key in np.unique(keys)])

    def select(self, keys: Keys) -> MilvusSelection:
        """What `search` needs to look among these keys ``(n,)`` alone: 8 bytes each."""
        return MilvusSelection(self.collection, keys)

    def search(self, queries: Vectors, k: int, among: Selection | None = None) -> Hits:
        """The k nearest of each row of ``queries`` ``(q, dim)``; rows are padded with key -1.

        Args:
            queries: Unit rows.
            k: How many, at least 1; of more than `MOST_RESULTS` the rest is padding.
            among: Only these (`select`).

        Raises:
            ValueError: Wrong shape, or the selection is another store's.
            StoreError: The server cannot be reached or refuses.
            IndexDamagedError: The collection is gone.
        """
        if queries.ndim != 2 or queries.shape[1] != self.dim:  # noqa: PLR2004
            raise ValueError(f"queries have shape {queries.shape}, expected (q, {self.dim})")
        if among is not None and not isinstance(among, MilvusSelection):
            raise ValueError(f"a selection of Milvus is needed, not {type(among).__name__}")
        rows = list(np.ascontiguousarray(queries, dtype=np.float32))
        found = self._nearest(rows, k, None if among is None else among.keys)
        scores = np.full((len(rows), k), -np.finfo(np.float32).max, dtype=np.float32)
        keys = np.full((len(rows), k), -1, dtype=np.int64)
        for place, row in enumerate(found):
            best = sorted(row, key=lambda key: (-row[key], key))[:k]
            keys[place, : len(best)] = best
            scores[place, : len(best)] = [row[key] for key in best]
        return Hits(scores=scores, keys=keys)

    def _nearest(self, rows: list[Vectors], k: int, among: Keys | None) -> list[dict[int, float]]:
        """More than k of each, where those at the end score the same: of these the lowest keys are given."""
        wanted = k + TIES
        while True:
            found = self.collection.nearest(rows, wanted, among)
            if wanted >= MOST_RESULTS or not any(_ends_in_ties(row, k, wanted) for row in found):
                return found
            wanted = min(4 * wanted, MOST_RESULTS)

    def save(self, folder: Path) -> None:  # noqa: ARG002 - the server keeps it; the manifest names the collection
        """Have everything written to the server's storage, and indexed by size; nothing is written into ``folder``."""
        self.collection.settle()
        if self.collection.client.grown(self.collection.name, len(self)):
            self.collection.settle()

    def close(self) -> None:
        """End the connection."""
        self.collection.client.close()


def _ends_in_ties(found: Mapping[int, float], k: int, wanted: int) -> bool:
    scores = sorted(found.values(), reverse=True)
    return len(scores) >= wanted and scores[k - 1] == scores[-1]
