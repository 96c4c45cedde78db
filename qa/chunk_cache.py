"""What chunks are ranked by, kept in memory: most questions look at chunks that others have looked at before."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.corpus import ChunkWords, Corpus

#: Chunks kept, some 500 bytes each: 4 MB. A question ranks up to 100; to read as many takes 0.6 ms, to find them here
#: 0.03.
KEPT = 8192


class ChunkCache:
    """What the chunks of a corpus are ranked by, the last used ones in memory; safe to use from many threads."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._kept: OrderedDict[int, ChunkWords] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._kept)

    def read(self, keys: Sequence[int]) -> list[ChunkWords]:
        """The chunks with these distinct keys, in their order; a key that is not there is left out."""
        found: dict[int, ChunkWords] = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[key] = self._kept[key]
        missing = [key for key in keys if key not in found]
        if missing:
            # Not under the lock: reading takes milliseconds, and two threads that read the same do no harm.
            found |= self._corpus.words_of(missing)
            with self._lock:
                for key in missing:
                    if key in found:
                        self._kept[key] = found[key]
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return [found[key] for key in keys if key in found]
