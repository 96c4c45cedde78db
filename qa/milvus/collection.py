"""A collection of rows under int64 keys, filled in batches and searched by one field."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.milvus.client import KEY, SETTLING_S, Client, NotLoadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from qa.types import Keys

#: Rows sent at once: of 384 numbers 1.5 MB, where servers refuse messages of 64 MB.
BATCH = 1000

#: Most results that Milvus gives to a search (its ``topK`` limit, by default).
MOST_RESULTS = 16_384

#: Up to so many keys are named in a filter at once. Milvus takes 10 us to read each: of 50,000 passages, a search among
#: 1,000 by name took 10 ms, among 5,000 52 and among 20,000 151, one that asks for enough more 11
#: (`python -m eval.milvus_speed`, Milvus 2.3.5).
NAMED = 1000
#: Keys named in one filter where there is no other way; more are searched for in turns. 20 bytes each as text.
FILTER_KEYS = 20_000

#: Seconds between two looks at an index that is being built; how long it is waited for when nothing changes, in
#: seconds, and the rows that it then takes up in one at least (a loaded machine of four cores: 300).
POLL_S, PATIENCE_S, SLOWEST = 0.5, 60.0, 100.0

#: How widely the approximate indexes look, at least: of HNSW and DiskANN as many as are asked for if those are more.
_BREADTH = {"HNSW": ("ef", 256), "DISKANN": ("search_list", 256)}
_PROBES = 64


class Collection:
    """Rows under int64 keys, searched by one of their fields."""

    def __init__(self, client: Client, name: str, searched: str, metric: str, *, settled: bool) -> None:
        """A collection that is there.

        Args:
            client: Where it is.
            name: What it is called.
            searched: The field that is searched.
            metric: By which measure.
            settled: Whether nothing is added any more; then a search need not wait for what others may add.
        """
        self.client, self.name = client, name
        self._searched, self._metric = searched, metric
        self._consistency = "Bounded" if settled else "Strong"
        self._count: int | None = None
        self.look()

    def look(self) -> None:
        """Take note of the kind of index."""
        described = self.client.call(lambda c, limit: c.describe_index(self.name, self._searched, timeout=limit)) or {}
        self._index = str(described.get("index_type", "")).upper()

    def __len__(self) -> int:
        if self._count is None:
            rows = self._read(
                lambda client, limit: client.query(
                    self.name, filter="", output_fields=["count(*)"], consistency_level="Strong", timeout=limit
                )
            )
            self._count = int(rows[0]["count(*)"])
        return self._count

    def insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows under new keys. A try whose reply was lost may have added them: the next one replaces them."""
        self._count = None
        for start in range(0, len(rows), BATCH):
            self._insert(list(rows[start : start + BATCH]))

    def _insert(self, rows: list[Mapping[str, Any]]) -> None:
        self.client.call(
            lambda client, limit: client.insert(self.name, rows, timeout=limit),
            again=lambda client, limit: client.upsert(self.name, rows, timeout=limit),
        )

    def delete(self, keys: Sequence[int]) -> int:
        """Remove these keys; gives how many there were."""
        self._count = None
        removed = 0
        for part in _parts(keys, BATCH):
            there = [int(row[KEY]) for row in self.rows(part, [KEY])]
            if there:
                doing = _deleting(self.name, there)
                self.client.call(doing, again=doing)
            removed += len(there)
        return removed

    def rows(self, keys: Sequence[int], fields: Sequence[str]) -> list[dict[str, Any]]:
        """These fields of the rows with these keys, in no order; a key that is not there has none."""
        found: list[dict[str, Any]] = []
        for part in _parts(keys, BATCH):
            found += self._rows(_among(part), list(fields))
        return found

    def _rows(self, named: str, fields: list[str]) -> list[dict[str, Any]]:
        return list(
            self._read(
                lambda client, limit: client.query(
                    self.name, filter=named, output_fields=fields, consistency_level="Strong", timeout=limit
                )
            )
        )

    def _read(self, doing: Callable[[Any, float], Any]) -> Any:  # noqa: ANN401
        try:
            return self.client.call(doing)
        except NotLoadedError:
            self.client.load(self.name)
            return self.client.call(doing)

    def settle(self) -> None:
        """Have everything written to the server's storage and indexed."""

        def flush(client: Any, _limit: float) -> None:  # noqa: ANN401
            client.flush(self.name, timeout=SETTLING_S)

        self.client.call(flush, again=flush)
        self.look()
        if self._index not in {"", "FLAT"}:
            self._wait_for_index()
            self.client.reload(self.name)

    def _wait_for_index(self) -> None:
        """Until then Milvus searches the rows with a makeshift index: of 38,000, recall@10 was 0.85 and then 0.995.

        Not for ever: what is found without it is right too, only not all of it.
        """
        pending, since = -1, time.monotonic()
        while pending and time.monotonic() - since < PATIENCE_S + pending / SLOWEST:
            described = self.client.call(lambda c, limit: c.describe_index(self.name, self._searched, timeout=limit))
            now = int(described.get("pending_index_rows", 0))
            if now != pending:
                pending, since = now, time.monotonic()
            if pending:
                time.sleep(POLL_S)

    def nearest(self, queries: Sequence[Any], k: int, among: Keys | None) -> list[dict[int, float]]:
        """The k best keys of each query with Milvus's distance, of all or of these (ascending) keys.

        Where many are let in, a search of all that asks for more finds them without naming them; where few are, they
        are named. Either way what is found is what a search of all would leave.
        """
        if among is None:
            return self._search(queries, min(k, MOST_RESULTS), "")
        if not len(among):
            return [{} for _ in queries]
        # Half as many again as are needed where those let in lie evenly among all.
        wanted = k + math.ceil(1.5 * k * len(self) / len(among))
        if len(among) > NAMED and wanted <= MOST_RESULTS:
            found = self._search(queries, wanted, "")
            left = [{key: score for key, score in row.items() if _holds(among, key)} for row in found]
            if all(len(mine) >= k or len(row) < wanted for mine, row in zip(left, found, strict=True)):
                return left
        found = [{} for _ in queries]
        for part in _parts(among, FILTER_KEYS):
            for row, more in zip(found, self._search(queries, min(k, MOST_RESULTS), _among(part)), strict=True):
                row.update(more)
        return found

    def _search(self, queries: Sequence[Any], limit: int, named: str) -> list[dict[int, float]]:
        name, least = _BREADTH.get(self._index, ("nprobe", _PROBES))
        breadth = max(least, limit) if self._index in _BREADTH else least
        breadths = {name: breadth} if self._index in _BREADTH or self._index.startswith("IVF") else {}
        found: list[dict[int, float]] = []
        for start in range(0, len(queries), BATCH):
            part = list(queries[start : start + BATCH])
            found += self._search_part(part, limit, named, breadths)
        return found

    def _search_part(
        self, queries: list[Any], limit: int, named: str, breadths: Mapping[str, int]
    ) -> list[dict[int, float]]:
        rows = self._read(
            lambda client, seconds: client.search(
                self.name,
                queries,
                anns_field=self._searched,
                limit=limit,
                filter=named,
                search_params={"metric_type": self._metric, "params": dict(breadths)},
                output_fields=[KEY],  # Milvus Lite gives all fields, vectors too, where none is named
                consistency_level=self._consistency,
                timeout=seconds,
            )
        )
        return [dict(zip(map(int, row.ids), map(float, row.distances), strict=True)) for row in rows]


def published(client: Client, name: str, searched: str, metric: str) -> Collection:
    """A published collection, in memory on the server, as a restarted one may have forgotten."""
    client.load(name)
    return Collection(client, name, searched, metric, settled=True)


def _among(keys: Sequence[int]) -> str:
    # As text: the placeholders of newer servers are refused by Milvus 2.3 and by Milvus Lite.
    return f"{KEY} in [{','.join(map(str, keys))}]"


def _deleting(name: str, keys: list[int]) -> Callable[[Any, float], Any]:
    return lambda client, limit: client.delete(name, ids=keys, timeout=limit)


def _parts(keys: Sequence[int] | Keys, size: int) -> Iterator[list[int]]:
    for start in range(0, len(keys), size):
        part = keys[start : start + size]
        yield part.tolist() if isinstance(part, np.ndarray) else list(part)


def _holds(ascending: Keys, key: int) -> bool:
    place = int(np.searchsorted(ascending, key))
    return place < len(ascending) and int(ascending[place]) == key
