"""A published index moved to another store: its files are linked, its vectors sent, nothing embedded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.dense import new_store
from qa.errors import StoreError
from qa.hosting import SLICE, Hosted, hosting, settle
from qa.index import Index
from qa.lexical import LexicalDoc
from qa.manifest import MANIFEST_FILE, Manifest, checksums
from qa.only import codes_of
from qa.publish import TMP_PREFIX, build_lock, current_build, publishing, release, share, tidy

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.milvus.words import MilvusWords
    from qa.types import Keys, Vectors, VectorStore

#: Vectors that are compared, number by number, with what the new store holds: evenly among all.
SAMPLE = 100

#: How far a number of a vector may be from what it was: FAISS keeps half precision in a large store, Milvus's IVF_SQ8
#: a byte (a 256th of the range of that number). Those of unit vectors are about 0.05: another vector's lie further off.
TOLERANCE = 0.01

#: The files of a store's own, which stay behind.
_OWN = "dense."

#: Called with the stage (``copy``, ``words``, ``check``), how much is done and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """What was moved: the new build, the stores, and how many vectors were compared in the new one."""

    manifest: Manifest
    source: str
    target: str
    compared: int


def copy_index(settings: Settings, target: str, *, progress: Progress = lambda _stage, _done, _total: None) -> Copied:
    """Publish the current build with its vectors in another store, or on another server; the old one stays beside it.

    The vectors come from the files of the build, so that one whose server is lost can be moved too. Whole or not at
    all: an error leaves what was published, and nothing on the server.

    Args:
        settings: The index folder, and how the server is reached.
        target: ``faiss`` or ``milvus``.
        progress: See `Progress`.

    Raises:
        IndexMissingError, IndexDamagedError, IndexStaleError: There is no index that could be copied.
        IndexBusyError: A build is under way.
        StoreError: The server cannot be reached or refuses, or does not hold what it was sent.
        QAError: The folder cannot be written.
    """
    settings = replace(settings, store=target)
    root = settings.index
    current_build(root)  # before a lock is made in a folder that holds no index
    with build_lock(root, timeout_s=0):
        before = Index(current_build(root), settings=settings)
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        build_id = re.sub(r"^[^-]*", stamp, before.id, count=1)
        with publishing(root, build_id) as folder, hosting(settings, build_id) as hosted:
            manifest = _fill(folder, before, hosted, progress)
            manifest.write(folder)
        release(root)
        tidy(root, settings.keep_builds, replaced=before.folder)
        settle(settings)
    compared = min(SAMPLE, manifest.chunk_count)
    return Copied(manifest, before.manifest.recipe.store, target, compared)


def _fill(folder: Path, before: Index, hosted: Hosted, progress: Progress) -> Manifest:
    for path in sorted(before.folder.rglob("*")):
        name = path.relative_to(before.folder)
        if path.is_dir():
            (folder / name).mkdir()
        elif path.name != MANIFEST_FILE and not (len(name.parts) == 1 and path.name.startswith(_OWN)):
            share(path, folder / name)
    settings, total = hosted.settings, before.manifest.chunk_count
    store = new_store(
        settings.store, before.manifest.recipe.dim, settings=settings, collection=hosted.collections.get("vectors", "")
    )
    done = 0
    for live in before.live(SLICE):
        store.add(live.keys, live.vectors)
        done += len(live.keys)
        progress("copy", done, total)
    store.save(folder)
    words = hosted.words()
    if words is not None:
        words.add(_docs(before, progress))
        words.save()
    _check(before, store, words)
    store.close()
    progress("check", min(SAMPLE, total), min(SAMPLE, total))
    return replace(
        before.manifest,
        build_id=folder.name.removeprefix(TMP_PREFIX),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=replace(before.manifest.recipe, store=settings.store),
        files=checksums(folder, before=before.folder, known=before.manifest.files),
        collections=hosted.collections,
    )


def _docs(index: Index, progress: Progress) -> Iterator[LexicalDoc]:
    numbers, done, total = index.corpus.outlet_numbers(), 0, index.manifest.chunk_count
    for article in index.corpus.articles():
        codes = codes_of(article, numbers)
        for record in index.corpus.chunks_of(article.id):
            yield LexicalDoc(record.chunk.key, record.chunk.text, article.title or "", article.lang, codes)
            done += 1
        progress("words", done, total)


def _check(before: Index, store: VectorStore, words: MilvusWords | None) -> None:
    """Compare the counts, and a sample of the vectors number by number.

    Raises:
        StoreError: The store does not hold what it was sent.
    """
    total = before.manifest.chunk_count
    for what, held in (("vectors", len(store)), ("passages' words", total if words is None else len(words))):
        if held != total:
            raise StoreError(f"the copy holds {held} of {total} {what}; nothing was changed", "try again")
    if not total:
        return
    sample = _sample(before)
    held_vectors = stored(store, sample.keys)
    wrong = int(np.sum(np.max(np.abs(held_vectors - sample.vectors), axis=1) > TOLERANCE))
    if wrong:
        raise StoreError(
            f"{wrong} of {len(sample.keys)} vectors of the copy are not what they were; nothing was changed",
            "try again",
        )


@dataclass(frozen=True, slots=True)
class _Sample:
    keys: Keys
    vectors: Vectors


def _sample(index: Index) -> _Sample:
    """Chunks evenly among all, by ascending key."""
    step = max(1, index.manifest.chunk_count // SAMPLE)
    seen, keys, vectors = 0, [], []
    for live in index.live(SLICE):
        chosen = np.arange(-seen % step, len(live.keys), step)
        keys.append(live.keys[chosen])
        vectors.append(live.vectors[chosen])
        seen += len(live.keys)
    all_keys, all_vectors = np.concatenate(keys)[:SAMPLE], np.concatenate(vectors)[:SAMPLE]
    order = np.argsort(all_keys)
    return _Sample(all_keys[order], all_vectors[order])


def stored(store: VectorStore, keys: Keys) -> Vectors:
    """The vectors that a store holds under these ascending keys, ``(n, dim)``; of zeros where it holds none.

    Read through the search that questions go through: the inner product with the d-th unit vector of the base is the
    d-th number.
    """
    hits = store.search(np.eye(store.dim, dtype=np.float32), len(keys), store.select(keys))
    vectors = np.zeros((len(keys), store.dim), dtype=np.float32)
    for axis, (found, scores) in enumerate(zip(hits.keys, hits.scores, strict=True)):
        there = found >= 0
        vectors[np.searchsorted(keys, found[there]), axis] = scores[there]
    return vectors
