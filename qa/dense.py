"""Vector stores: FAISS in this process. `open_store` is the only place that picks one."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.errors import IndexDamagedError
from qa.types import Hits, VectorStore

if TYPE_CHECKING:
    from types import ModuleType

    from qa.types import Keys, Vectors

FAISS_FILE = "dense.faiss"


class FaissStore:
    """Exact inner-product search over unit vectors (``IndexFlatIP`` under ``IndexIDMap2``).

    Searches may run in many threads at once; add and remove need the caller's own lock.
    """

    def __init__(self, dim: int) -> None:
        """An empty store for vectors of length ``dim``."""
        faiss = _faiss()
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))

    @classmethod
    def load(cls, folder: Path) -> FaissStore:
        """Read what `save` wrote.

        Raises:
            IndexDamagedError: The file is missing or FAISS cannot read it.
        """
        path = folder / FAISS_FILE
        store = cls.__new__(cls)
        try:
            store._index = _faiss().read_index(str(path))
        except RuntimeError as error:
            reason = str(error).splitlines()[-1][-200:]
            raise IndexDamagedError(f"{path} cannot be read: {reason}", "qa build") from None
        return store

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add rows ``(n, dim)`` under new int64 keys ``(n,)``.

        Raises:
            ValueError: Wrong shape; FAISS itself would fail with no message.
        """
        if vectors.ndim != 2 or vectors.shape != (len(keys), self.dim):  # noqa: PLR2004
            raise ValueError(f"vectors have shape {vectors.shape}, expected ({len(keys)}, {self.dim})")
        if len(keys):
            self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), keys.astype(np.int64))

    def remove(self, keys: Keys) -> int:
        """Remove these keys; gives how many there were."""
        return int(self._index.remove_ids(keys.astype(np.int64))) if len(keys) else 0

    def search(self, queries: Vectors, k: int) -> Hits:
        """The k nearest of each row of ``queries`` ``(q, dim)``; rows are padded with key -1.

        Raises:
            ValueError: Wrong shape.
        """
        if queries.ndim != 2 or queries.shape[1] != self.dim:  # noqa: PLR2004
            raise ValueError(f"queries have shape {queries.shape}, expected (q, {self.dim})")
        scores, keys = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
        # Equal scores are put in the order of the keys, so that a rebuilt index answers as the old one did.
        order = np.lexsort((keys, -scores))
        return Hits(scores=np.take_along_axis(scores, order, axis=1), keys=np.take_along_axis(keys, order, axis=1))

    def save(self, folder: Path) -> None:
        """Write ``dense.faiss`` into ``folder``."""
        _faiss().write_index(self._index, str(folder / FAISS_FILE))


def new_store(kind: str, dim: int) -> VectorStore:
    """An empty store of a kind (``faiss``)."""
    _check_kind(kind)
    return FaissStore(dim)


def open_store(kind: str, folder: Path) -> VectorStore:
    """The store of a published build.

    Raises:
        IndexDamagedError: It cannot be read, or its kind is not known to this version.
    """
    _check_kind(kind)
    return FaissStore.load(folder)


def _check_kind(kind: str) -> None:
    if kind != "faiss":
        raise IndexDamagedError(f"the index names an unknown vector store {kind!r}", "qa build")


def _faiss() -> ModuleType:
    # Imported on first use: 0.2 s that `import qa` and the command line's help need not pay.
    faiss = importlib.import_module("faiss")
    # Measured with 1,500 vectors and another program running: 5 ms with the default threads, which spin while they
    # wait for one another, 0.1 ms with one.
    faiss.omp_set_num_threads(1)
    return faiss
