"""Chunks as ranking needs them, kept in memory: most questions look at chunks that others have looked at before."""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from qa.text import content_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.corpus import ChunkRecord, Corpus
    from qa.types import Lang

#: Chunks kept, some 3 KB each: 25 MB. A question ranks up to 100. Over 10,000 chunks a question takes 6 ms of processor
#: time less with them (reading the chunks and their articles, cutting the texts into words).
KEPT = 8192


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """A chunk with the language of its article and its distinct content words in order."""

    record: ChunkRecord
    lang: Lang
    words: tuple[str, ...]


class ChunkCache:
    """The chunks of a corpus, the last used ones in memory; safe to use from many threads."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._kept: OrderedDict[int, ReadChunk] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._kept)

    def read(self, keys: Sequence[int]) -> list[ReadChunk]:
        """The chunks with these distinct keys, in their order; a key that is not there is left out."""
        found: dict[int, ReadChunk] = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[key] = self._kept[key]
        missing = [key for key in keys if key not in found]
        if missing:
            # Not under the lock: reading takes milliseconds, and two threads that read the same do no harm.
            found |= self._read(missing)
            with self._lock:
                for key in missing:
                    if key in found:
                        self._kept[key] = found[key]
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return [found[key] for key in keys if key in found]

    def _read(self, keys: Sequence[int]) -> dict[int, ReadChunk]:
        records = self._corpus.chunks(keys)
        langs = self._corpus.langs({record.chunk.article_id for record in records.values()})
        return {
            key: ReadChunk(record, lang, _words(record.chunk.text, lang))
            for key, record in records.items()
            if (lang := langs.get(record.chunk.article_id)) is not None
        }


def _words(text: str, lang: Lang) -> tuple[str, ...]:
    """Each word is one object in memory, in however many chunks it stands."""
    return tuple(dict.fromkeys(map(sys.intern, content_words(text, lang))))
