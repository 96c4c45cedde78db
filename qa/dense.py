"""Vector stores: FAISS in this process, or Milvus. `open_store` is the only place that picks one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.errors import IndexDamagedError, StoreError
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore
from qa.publish import share
from qa.quantised import Chosen, Quantised, Rows, exact_scores, gather, half_index, half_view, load_faiss, slices
from qa.types import Hits, Selection, VectorStore

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.types import Keys, Vectors

FAISS_FILE = "dense.faiss"
#: Of a large store alone: the short codes of its vectors, what was added since they were made, and the keys of those
#: with codes that were removed since.
CODES_FILE, ADDED_FILE, REMOVED_FILE = "dense.codes.faiss", "dense.added.faiss", "dense.removed.npy"

#: Up to so many vectors each is compared with the question as it is: 20,000 take 1 to 5 ms, by the processor. More get
#: short codes when they are saved.
EXACT_UP_TO = 20_000

#: Share of the vectors that may be added without codes, and as many removed, before all codes are made anew. So each
#: vector is written twenty times at most, however large the archive becomes.
LOOSE_UP_TO = 0.05

#: Found beyond the k asked for, so that of equal scores those with the lowest keys are given.
TIES = 8


class FaissSelection:
    """Some of a store's vectors: of those compared as they are, and of those with codes."""

    def __init__(self, loose: Chosen, coded: Chosen | None) -> None:
        """The vectors chosen in each part of a store."""
        self.loose, self.coded = loose, coded

    def __len__(self) -> int:
        return len(self.loose) + (len(self.coded) if self.coded is not None else 0)


class FaissStore:
    """Inner-product search over unit vectors: exact in a small store, nearly so in a large one.

    Up to `EXACT_UP_TO` vectors every one is compared with the question as it is (``IndexFlatIP``). A store that has
    grown beyond keeps half precision, and its vectors get short codes when it is saved: the best by their codes are
    then compared as they are (`qa.quantised`). What is added later lies beside, without codes, until it is a twentieth
    of the store; what is removed is marked until then. So a small change of a large store writes little: the files of
    vectors and codes are linked, not copied, into the new folder.

    Scores are true inner products in every case, and a search among a selection is exact. Searches may run in many
    threads at once; `add`, `remove` and `save` need the caller's own lock.
    """

    def __init__(self, dim: int) -> None:
        """An empty store for vectors of length ``dim``."""
        self._loose: Any = _floats(dim)
        self._coded: Quantised | None = None

    @classmethod
    def load(cls, folder: Path) -> FaissStore:
        """Read what `save` wrote.

        Raises:
            IndexDamagedError: A file is missing, FAISS cannot read it, or two do not belong together.
        """
        path = folder / FAISS_FILE
        if not (folder / CODES_FILE).exists():
            index = _read_keyed(path)
            store = cls(index.d)
            store._loose = index
            return store
        vectors, codes = _read_keyed(path, mapped=True), _read(folder / CODES_FILE)
        store = cls(vectors.d)
        store._loose = _read_keyed(folder / ADDED_FILE) if (folder / ADDED_FILE).exists() else half_index(vectors.d)
        if (codes.d, codes.ntotal, store._loose.d) != (vectors.d, vectors.ntotal, vectors.d):
            raise IndexDamagedError(f"{folder / CODES_FILE} is not of the vectors in {path}", "qa build")
        store._coded = Quantised(vectors, codes, path)
        removed = _read_keys(folder / REMOVED_FILE)
        if store._coded.remove(removed) != len(removed):
            raise IndexDamagedError(f"{folder / REMOVED_FILE} does not belong to {path}", "qa build")
        return store

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._loose.d)

    @property
    def coded(self) -> int:
        """How many vectors have short codes, those that are removed included."""
        return len(self._coded.keys) if self._coded is not None else 0

    def __len__(self) -> int:
        return int(self._loose.ntotal) + (len(self._coded) if self._coded is not None else 0)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add rows ``(n, dim)`` under new int64 keys ``(n,)``.

        Raises:
            ValueError: Wrong shape; FAISS itself would fail with no message.
        """
        if vectors.ndim != 2 or vectors.shape != (len(keys), self.dim):  # noqa: PLR2004
            raise ValueError(f"vectors have shape {vectors.shape}, expected ({len(keys)}, {self.dim})")
        if not len(keys):
            return
        if _is_float(self._loose) and len(self) + len(keys) > EXACT_UP_TO:
            self._loose = _filled(half_index(self.dim), self._loose_rows())  # half the memory on the way to codes
        self._loose.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), keys.astype(np.int64))

    def remove(self, keys: Keys) -> int:
        """Remove these keys; gives how many there were."""
        if not len(keys):
            return 0
        keys = keys.astype(np.int64)
        removed = int(self._loose.remove_ids(keys))
        return removed + (self._coded.remove(keys) if self._coded is not None else 0)

    def select(self, keys: Keys) -> FaissSelection:
        """What `search` needs to look among these keys ``(n,)`` alone, until the next `add`, `remove` or `save`.

        A bit a vector and not FAISS's set of keys: of 200,000 vectors, 100,000 chosen, the set takes 14 ms to make and
        megabytes to keep.
        """
        loose = Chosen(np.isin(self._keys(), keys))
        return FaissSelection(loose, None if self._coded is None else Chosen(self._coded.find(keys)))

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
        if among is not None and not isinstance(among, FaissSelection):
            raise ValueError(f"a selection of FAISS is needed, not {type(among).__name__}")
        load_faiss()
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        wanted = k + TIES
        while True:
            hits = self._nearest(queries, wanted, among)
            last, kth = hits.scores[:, -1], hits.scores[:, k - 1]
            if wanted >= len(self) or not np.any((hits.keys[:, -1] >= 0) & (last == kth)):
                return Hits(scores=hits.scores[:, :k], keys=hits.keys[:, :k])
            wanted *= 4

    def _nearest(self, queries: Vectors, k: int, among: FaissSelection | None) -> Hits:
        """The k best of both parts, equal scores in the order of the keys."""
        scores, keys = self._loose_search(queries, k, None if among is None else among.loose)
        if self._coded is not None:
            more_scores, more_keys = self._coded.search(queries, k, None if among is None else among.coded)
            scores, keys = np.hstack([scores, more_scores]), np.hstack([keys, more_keys])
        order = np.lexsort((keys, -scores))[:, :k]
        return Hits(scores=np.take_along_axis(scores, order, axis=1), keys=np.take_along_axis(keys, order, axis=1))

    def _loose_search(self, queries: Vectors, k: int, among: Chosen | None) -> tuple[Vectors, Keys]:
        # The index within, which knows its vectors by position; IndexIDMap would look up every key of a choice.
        parameters = None if among is None else among.parameters
        scores, places = self._loose.index.search(queries, k, params=parameters)
        if not self._loose.ntotal:
            return scores, places
        if not _is_float(self._loose):
            scores = exact_scores(half_view(self._loose), queries, places)
        return scores, np.where(places >= 0, self._keys()[places], -1)

    def _keys(self) -> Keys:
        """The key of every loose vector, by position: FAISS's own memory, not a copy."""
        ids = self._loose.id_map
        if not ids.size():
            return np.empty(0, dtype=np.int64)
        keys: Keys = load_faiss().rev_swig_ptr(ids.data(), ids.size())
        return keys

    def _loose_rows(self) -> Rows:
        if not _is_float(self._loose):
            return Rows(self._keys(), half_view(self._loose))
        return Rows(self._keys(), self._loose.index.reconstruct_n(0, self._loose.ntotal).astype(np.float16))

    def save(self, folder: Path) -> None:
        """Write into ``folder``, from which `load` reads it back; codes are made first where it is time to.

        A store whose codes are made anew is, byte for byte, what a fresh one of the same vectors would be.
        """
        self._arrange()
        own = self._coded is not None and self._coded.path == folder / FAISS_FILE
        for name in (ADDED_FILE, REMOVED_FILE) if own else (FAISS_FILE, CODES_FILE, ADDED_FILE, REMOVED_FILE):
            (folder / name).unlink(missing_ok=True)
        if self._coded is None:
            _write(self._loose, folder / FAISS_FILE)
            return
        if self._coded.path is None:
            _write(self._coded.vectors, folder / FAISS_FILE)
            _write(self._coded.codes, folder / CODES_FILE)
        elif not own:
            for name in (FAISS_FILE, CODES_FILE):
                share(self._coded.path.with_name(name), folder / name)
        if self._loose.ntotal:
            _write(self._loose, folder / ADDED_FILE)
        if len(self._coded.removed):
            np.save(folder / REMOVED_FILE, self._coded.removed)

    def _arrange(self) -> None:
        """Codes for the vectors of a large store, none for those of a small one."""
        small, coded = len(self) <= EXACT_UP_TO, self._coded
        if small and coded is None and _is_float(self._loose):
            return
        if not small and coded is not None:
            most = LOOSE_UP_TO * len(coded.keys)
            if self._loose.ntotal <= most and len(coded.removed) <= most:
                return
        rows = gather([self._loose_rows(), *([] if coded is None else [coded.rows()])])
        # Let go before the codes are made: of a million vectors a copy is 770 MB.
        self._coded, self._loose = None, _floats(self.dim) if small else half_index(self.dim)
        if small:
            _filled(self._loose, rows)
        else:
            self._coded = Quantised.build(rows)

    def close(self) -> None:
        """Nothing is held but memory and a mapped file."""


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


def _floats(dim: int) -> Any:  # noqa: ANN401 - FAISS has no types
    """An empty index of vectors as they are given, under keys."""
    faiss = load_faiss()
    return faiss.IndexIDMap(faiss.IndexFlatIP(dim))


def _is_float(index: Any) -> bool:  # noqa: ANN401 - FAISS has no types
    faiss = load_faiss()
    return isinstance(faiss.downcast_index(index.index), faiss.IndexFlat)


def _filled(index: Any, rows: Rows) -> Any:  # noqa: ANN401 - FAISS has no types
    for part in slices(len(rows.keys)):
        index.add_with_ids(rows.halves[part].astype(np.float32), rows.keys[part])
    return index


def _write(index: Any, path: Path) -> None:  # noqa: ANN401 - FAISS has no types
    """As FAISS writes it, by a file of Python's: FAISS' own only prints that closing failed, on a disk that is full."""
    faiss = load_faiss()
    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


def _read(path: Path, *, mapped: bool = False) -> Any:  # noqa: ANN401 - FAISS has no types
    faiss = load_faiss()
    try:
        # Whoever adds to vectors that are mapped ends the process.
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1][-200:]
        raise IndexDamagedError(f"{path} cannot be read: {reason}", "qa build") from None


def _read_keyed(path: Path, *, mapped: bool = False) -> Any:  # noqa: ANN401 - FAISS has no types
    index = _read(path, mapped=mapped)
    if not isinstance(index, load_faiss().IndexIDMap):
        raise IndexDamagedError(f"{path} holds no vectors under keys", "qa build")
    return index


def _read_keys(path: Path) -> Keys:
    """The keys in a file; none without one."""
    if not path.exists():
        return np.empty(0, np.int64)
    try:
        keys: Keys = np.load(path).astype(np.int64)
    except (OSError, ValueError, EOFError) as error:
        raise IndexDamagedError(f"{path} cannot be read: {error}", "qa build") from None
    return keys
