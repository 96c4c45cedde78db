"""Vector stores: FAISS in this process. `open_store` is the only place that picks one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.errors import IndexDamagedError
from qa.ivf import EXACT_UP_TO, SLICE, Chosen, Lists, Rows, gather, lists_for, load_faiss
from qa.types import Hits, Selection, VectorStore

if TYPE_CHECKING:
    from qa.types import Keys, Vectors

FAISS_FILE = "dense.faiss"
#: Beside lists alone: what was added since they were made, and the keys of those in them that were removed.
ADDED_FILE, REMOVED_FILE = "dense.added.faiss", "dense.removed.npy"

#: So many vectors may be added to lists, and as many removed from them, before the lists are written anew. Those added
#: are compared one by one: 10,000 take 1.6 ms of every search.
LOOSE_UP_TO = 10_000

#: Found beyond the k asked for, so that of equal scores those with the lowest keys are given.
TIES = 8


class FaissSelection:
    """Some of a store's vectors: of those compared one by one, and of those in lists."""

    def __init__(self, loose: Chosen, listed: Chosen | None) -> None:
        """The vectors chosen in each part of a store."""
        self.loose, self.listed = loose, listed

    def __len__(self) -> int:
        return len(self.loose) + len(self.listed or ())


class FaissStore:
    """Inner-product search over unit vectors: exact in a small store, in a large one by the nearest lists (`qa.ivf`).

    Up to `EXACT_UP_TO` vectors every one is compared with the question (``IndexFlatIP``). A store that has grown beyond
    is put in lists when it is saved, and keeps half precision from then on. What is added to lists lies beside them, is
    compared one by one, and joins them when it is saved with more than `LOOSE_UP_TO` others; what is removed is only
    marked until then. So a small change of a large store writes little: the file of the lists is linked, not copied,
    into the new folder, and its vectors are mapped, not read. Scores are true inner products in every case, and a
    search among a selection is exact.

    Searches may run in many threads at once; `add`, `remove` and `save` need the caller's own lock.
    """

    def __init__(self, dim: int) -> None:
        """An empty store for vectors of length ``dim``."""
        self._loose: Any = _floats(dim)
        self._lists: Lists | None = None

    @classmethod
    def load(cls, folder: Path) -> FaissStore:
        """Read what `save` wrote.

        Raises:
            IndexDamagedError: A file is missing, FAISS cannot read it, or two do not belong together.
        """
        path = folder / FAISS_FILE
        index = _read(path, mapped=True)
        store = cls(index.d)
        if not Lists.is_in(index):
            store._loose = _read(path)  # may be added to, which ends the process where the vectors are mapped
            return store
        store._lists = Lists(index, path)
        store._loose = _read(folder / ADDED_FILE) if (folder / ADDED_FILE).exists() else _halves(index.d)
        removed = _read_keys(folder / REMOVED_FILE)
        if store._loose.d != index.d or store._lists.remove(removed) != len(removed):
            raise IndexDamagedError(f"{path} is not what {ADDED_FILE} and {REMOVED_FILE} belong to", "qa build")
        return store

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._loose.d)

    @property
    def lists(self) -> int:
        """How many lists the vectors are in; 0 where all are compared one by one."""
        return self._lists.lists if self._lists is not None else 0

    def __len__(self) -> int:
        return int(self._loose.ntotal) + len(self._lists or ())

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add rows ``(n, dim)`` under new int64 keys ``(n,)``.

        Raises:
            ValueError: Wrong shape; FAISS itself would fail with no message.
        """
        if vectors.ndim != 2 or vectors.shape != (len(keys), self.dim):  # noqa: PLR2004
            raise ValueError(f"vectors have shape {vectors.shape}, expected ({len(keys)}, {self.dim})")
        if not len(keys):
            return
        if self._lists is None and len(self) <= EXACT_UP_TO < len(self) + len(keys):
            # On the way to lists: half the memory.
            self._loose = _index_of(_halves(self.dim), self._loose_rows())
        self._loose.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), keys.astype(np.int64))

    def remove(self, keys: Keys) -> int:
        """Remove these keys; gives how many there were."""
        if not len(keys):
            return 0
        keys = keys.astype(np.int64)
        removed = int(self._loose.remove_ids(keys))
        return removed + (self._lists.remove(keys) if self._lists is not None else 0)

    def select(self, keys: Keys) -> FaissSelection:
        """What `search` needs to look among these keys ``(n,)`` alone, until the next `add`, `remove` or `save`.

        A bit a vector and not FAISS's set of keys: of 200,000 vectors, 100,000 chosen, the set takes 14 ms to make and
        megabytes to keep.
        """
        loose = Chosen(np.isin(self._keys(), keys))
        return FaissSelection(loose, None if self._lists is None else self._lists.choose(keys))

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
        if self._lists is not None:
            more_scores, more_keys = self._lists.search(queries, k, None if among is None else among.listed)
            scores, keys = np.hstack([scores, more_scores]), np.hstack([keys, more_keys])
        order = np.lexsort((keys, -scores))[:, :k]
        return Hits(scores=np.take_along_axis(scores, order, axis=1), keys=np.take_along_axis(keys, order, axis=1))

    def _loose_search(self, queries: Vectors, k: int, among: Chosen | None) -> tuple[Vectors, Keys]:
        if among is None:
            scores, keys = self._loose.search(queries, k)
            return scores, keys
        # The index within, which knows its vectors by position; IndexIDMap2 would look up every key.
        scores, places = self._loose.index.search(queries, k, params=among.parameters)
        return scores, np.where(places >= 0, self._keys()[places], -1) if self._loose.ntotal else places

    def _keys(self) -> Keys:
        """The key of every loose vector, by position: FAISS's own memory, not a copy."""
        ids = self._loose.id_map
        if not ids.size():
            return np.empty(0, dtype=np.int64)
        keys: Keys = load_faiss().rev_swig_ptr(ids.data(), ids.size())
        return keys

    def _loose_rows(self) -> Rows:
        count, inner = self._loose.ntotal, self._loose.index
        halves = np.empty((count, self.dim), np.float16)
        for start in range(0, count, SLICE):
            halves[start : start + SLICE] = inner.reconstruct_n(start, min(SLICE, count - start))
        return Rows(self._keys().copy(), halves, np.full(count, -1, np.int64))

    def save(self, folder: Path) -> None:
        """Write into ``folder``, from which `load` reads it back; vectors are put in lists, or out of them, first.

        A store that is trained anew is, byte for byte, what a fresh one of the same vectors would be.
        """
        self._arrange()
        faiss, path = load_faiss(), folder / FAISS_FILE
        if self._lists is None:
            faiss.write_index(self._loose, str(path))
            return
        if self._lists.path is None:
            faiss.write_index(self._lists.owner, str(path))
        elif self._lists.path != path:
            _link(self._lists.path, path)
        for old in (folder / ADDED_FILE, folder / REMOVED_FILE):
            old.unlink(missing_ok=True)
        if self._loose.ntotal:
            faiss.write_index(self._loose, str(folder / ADDED_FILE))
        removed = self._lists.removed
        if len(removed):
            np.save(folder / REMOVED_FILE, removed)

    def _arrange(self) -> None:
        """Lists for as many vectors as there are now, or none."""
        wanted, lists = lists_for(len(self)), self._lists
        same = wanted == self.lists
        if same and (lists is None or max(self._loose.ntotal, len(lists.removed)) <= LOOSE_UP_TO):
            return
        rows = gather([self._loose_rows(), *([] if lists is None else [lists.rows()])])
        if wanted:
            self._lists, self._loose = Lists.build(rows, lists if same else None), _halves(self.dim)
        else:
            self._lists, self._loose = None, _index_of(_floats(self.dim), rows)


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


def _floats(dim: int) -> Any:  # noqa: ANN401 - FAISS has no types
    """An empty index of vectors as they are given, compared one by one."""
    faiss = load_faiss()
    return faiss.IndexIDMap(faiss.IndexFlatIP(dim))


def _halves(dim: int) -> Any:  # noqa: ANN401 - FAISS has no types
    """An empty index of half-precision vectors that are compared one by one."""
    faiss = load_faiss()
    kind = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    return faiss.IndexIDMap(faiss.IndexScalarQuantizer(dim, *kind))


def _index_of(index: Any, rows: Rows) -> Any:  # noqa: ANN401 - FAISS has no types
    for start in range(0, len(rows.keys), SLICE):
        part = slice(start, start + SLICE)
        index.add_with_ids(rows.halves[part].astype(np.float32), rows.keys[part])
    return index


def _read(path: Path, *, mapped: bool = False) -> Any:  # noqa: ANN401 - FAISS has no types
    faiss = load_faiss()
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1][-200:]
        raise IndexDamagedError(f"{path} cannot be read: {reason}", "qa build") from None
    if not isinstance(index, faiss.IndexIDMap):
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


def _link(source: Path, target: Path) -> None:
    """The same file in two builds: neither ever changes it, and it goes with the last of them."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)  # another disk, or one without links
