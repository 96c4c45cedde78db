"""Vector stores: FAISS in this process, or Milvus. `open_store` is the only place that picks one."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.errors import IndexDamagedError, StoreError
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore
from qa.types import Hits, Selection, VectorStore

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from qa.config import Settings
    from qa.types import Keys, Vectors

FAISS_FILE = "dense.faiss"


class FaissSelection:
    """Some of a store's vectors: a bit for each, as FAISS asks while it searches."""

    def __init__(self, chosen: NDArray[np.bool_]) -> None:
        """The vectors where ``chosen``, in the order of the store, is true."""
        self._count = int(np.count_nonzero(chosen))
        self._bits = np.packbits(chosen, bitorder="little")  # FAISS reads it for as long as it searches
        self.parameters = _faiss().SearchParameters(sel=_faiss().IDSelectorBitmap(self._bits))

    def __len__(self) -> int:
        return self._count


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

    def select(self, keys: Keys) -> FaissSelection:
        """What `search` needs to look among these keys ``(n,)`` alone, until the next `add` or `remove`.

        A bit a vector and not FAISS's set of keys: of 200,000 vectors, 100,000 chosen, the set takes 14 ms to make and
        megabytes to keep.
        """
        return FaissSelection(np.isin(self._keys(), keys))

    def search(self, queries: Vectors, k: int, among: Selection | None = None) -> Hits:
        """The k nearest of each row of ``queries`` ``(q, dim)``; rows are padded with key -1.

        Args:
            queries: Unit rows.
            k: How many, at least 1.
            among: Only these (`select`): exact, with the scores that the whole store gives them.

        Raises:
            ValueError: Wrong shape, or the selection is another store's.
        """
        if queries.ndim != 2 or queries.shape[1] != self.dim:  # noqa: PLR2004
            raise ValueError(f"queries have shape {queries.shape}, expected (q, {self.dim})")
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if among is None:
            scores, keys = self._index.search(queries, k)
        elif isinstance(among, FaissSelection):
            # The index within, which knows its vectors by position; IndexIDMap2 would look up every key.
            scores, places = self._index.index.search(queries, k, params=among.parameters)
            keys = np.where(places >= 0, self._keys()[places], -1) if len(self) else places
        else:
            raise ValueError(f"a selection of FAISS is needed, not {type(among).__name__}")
        # Equal scores are put in the order of the keys, so that a rebuilt index answers as the old one did.
        order = np.lexsort((keys, -scores))
        return Hits(scores=np.take_along_axis(scores, order, axis=1), keys=np.take_along_axis(keys, order, axis=1))

    def vectors(self, keys: Keys) -> Vectors:
        """The vectors under these keys, ``(n, dim)``, as far as the index keeps them.

        Raises:
            KeyError: A key is not there.
        """
        try:
            rows = [self._index.reconstruct(int(key)) for key in keys]
        except RuntimeError as error:
            raise KeyError(str(error)) from None
        return np.array(rows, dtype=np.float32).reshape(len(keys), self.dim)

    def _keys(self) -> Keys:
        """The key of every vector, by position: FAISS's own memory, not a copy."""
        ids = self._index.id_map
        if not ids.size():
            return np.empty(0, dtype=np.int64)
        keys: Keys = _faiss().rev_swig_ptr(ids.data(), ids.size())
        return keys

    def save(self, folder: Path) -> None:
        """Write ``dense.faiss`` into ``folder``."""
        _faiss().write_index(self._index, str(folder / FAISS_FILE))

    def close(self) -> None:
        """Nothing is held but memory."""


def new_store(kind: str, dim: int, *, settings: Settings | None = None, collection: str = "") -> VectorStore:
    """An empty store of a kind: ``faiss``, or ``milvus`` with the settings of a server and a collection's name.

    Raises:
        StoreError: The server cannot be reached or refuses.
    """
    _check_kind(kind)
    if kind == "milvus":
        return MilvusStore.create(_client(settings), collection, dim)
    return FaissStore(dim)


def open_store(
    kind: str, folder: Path, *, settings: Settings | None = None, collection: str = "", dim: int = 0
) -> VectorStore:
    """The store of a published build; on a server, the collection its manifest names, of vectors of length ``dim``.

    Raises:
        IndexDamagedError: It cannot be read or is gone, or its kind is not known to this version.
        StoreError: The server cannot be reached or refuses.
    """
    _check_kind(kind)
    if kind == "milvus":
        return MilvusStore.open(_client(settings), collection, dim)
    return FaissStore.load(folder)


def _check_kind(kind: str) -> None:
    if kind not in {"faiss", "milvus"}:
        raise IndexDamagedError(f"the index names an unknown vector store {kind!r}", "qa build")


def _client(settings: Settings | None) -> Client:
    if settings is None:
        raise StoreError("the index is on a Milvus server, and none is set", "set milvus_uri in qa.toml")
    return Client(Server.of(settings))


def _faiss() -> ModuleType:
    # Imported on first use: 0.2 s that `import qa` and the command line's help need not pay.
    faiss = importlib.import_module("faiss")
    # Measured with 1,500 vectors and another program running: 5 ms with the default threads, which spin while they
    # wait for one another, 0.1 ms with one.
    faiss.omp_set_num_threads(1)
    return faiss
