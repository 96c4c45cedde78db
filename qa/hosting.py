"""The collections of builds on a Milvus server: made with a build, named by its manifest, dropped with it.

Readers go by the manifest of their build, so that vectors and texts are always of one build. The alias is for other
programs and for people: it follows the published build, in one call of the server.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qa.dense import new_store, open_store
from qa.errors import IndexDamagedError, IndexMissingError, StoreError
from qa.manifest import MANIFEST_FILE
from qa.milvus.client import Client, Server
from qa.milvus.words import MilvusWords
from qa.publish import build_folders, current_build

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.index import Index
    from qa.types import VectorStore

#: Holds eight hex digits that tell the collections of this index folder from those of others on the same server.
ARCHIVE_FILE = "ARCHIVE"

#: Vectors taken from the files at a time.
SLICE = 4096


@dataclass(frozen=True, slots=True)
class Hosted:
    """Where the vectors of a new build go.

    Attributes:
        settings: Which store.
        collections: As in `qa.manifest.Manifest`; {} for FAISS.
        client: The connection, or None for FAISS.
    """

    settings: Settings
    collections: dict[str, str] = field(default_factory=dict)
    client: Client | None = None

    def store(self, dim: int, before: Index | None) -> VectorStore:
        """A store to be changed and then saved, with the vectors of the build before.

        Raises:
            StoreError: The server cannot be reached or refuses.
            IndexDamagedError: The store of the build before cannot be read.
        """
        kind = self.settings.store
        if before is not None and kind == before.manifest.recipe.store == "faiss":
            return open_store(kind, before.folder)
        store = new_store(kind, dim, settings=self.settings, collection=self.collections.get("vectors", ""))
        if before is not None:
            for live in before.live(SLICE):
                store.add(live.keys, live.vectors)
        return store

    def words(self) -> MilvusWords | None:
        """A new, empty collection for the words of all passages, or None where tantivy alone ranks them.

        Raises:
            StoreError: The server cannot be reached, refuses, or has no BM25.
        """
        if self.client is None or "words" not in self.collections:
            return None
        return MilvusWords.create(self.client, self.collections["words"])


@contextmanager
def hosting(settings: Settings, build_id: str) -> Iterator[Hosted]:
    """Give a place for the vectors of a build; after an error nothing of it is left. Needs `build_lock`.

    Raises:
        StoreError: The server cannot be reached or refuses.
    """
    if settings.store == "faiss":
        yield Hosted(settings)
        return
    client = Client(Server.of(settings))
    _drop_leftovers(client, settings.index)
    name = f"{settings.milvus_alias}_{_archive(settings.index)}_{re.sub(r'[^0-9A-Za-z]', '_', build_id)}"
    collections = {"vectors": name} | ({"words": f"{name}_words"} if settings.milvus_bm25 else {})
    try:
        yield Hosted(settings, collections, client)
    except BaseException:
        for one in collections.values():
            with suppress(StoreError, IndexDamagedError):
                client.drop(one)
        raise
    finally:
        client.close()


def settle(settings: Settings) -> None:
    """Bring the server in line with the index folder. Needs `build_lock`.

    The alias points to what is published; collections of builds that are gone are dropped. A folder that never had a
    build on a server is passed over, and so is a server that cannot be reached once the vectors have moved to FAISS.

    Raises:
        StoreError: The server cannot be reached or refuses; the index folder is as it should be.
    """
    root = settings.index
    if settings.milvus_uri is None or not (root / ARCHIVE_FILE).exists():
        return
    try:
        with closing(Client(Server.of(settings))) as client:
            _point(client, root, settings.milvus_alias)
            _drop_leftovers(client, root)
    except StoreError as error:
        if settings.store == "milvus":
            raise StoreError(f"{error.message}; the index is published, the alias may lag", error.mend) from None


def _point(client: Client, root: Path, alias: str) -> None:
    try:
        wanted = _collections_of(current_build(root)).get("vectors")
    except (IndexMissingError, IndexDamagedError):
        return
    pointed = client.alias(alias)
    if wanted is not None and pointed != wanted:
        client.point(alias, wanted)
    elif wanted is None and pointed is not None and _is_of(pointed, _archive(root)):
        client.drop_alias(alias)


def _drop_leftovers(client: Client, root: Path) -> None:
    """Drop the collections of this folder that none of its builds names: of failed builds and of removed ones."""
    archive = _archive(root)
    named = {name for folder in build_folders(root) for name in _collections_of(folder).values()}
    for name in client.collections():
        if name not in named and _is_of(name, archive):
            client.drop(name)


def _is_of(name: str, archive: str) -> bool:
    return re.fullmatch(rf"\w+_{archive}_\d{{8}}T\w+", name) is not None


def _collections_of(folder: Path) -> dict[str, str]:
    """The collections that a manifest names, of whatever version it is."""
    try:
        record = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        return {str(use): str(name) for use, name in record.get("collections", {}).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _archive(root: Path) -> str:
    path = root / ARCHIVE_FILE
    with suppress(OSError, UnicodeDecodeError):
        name = path.read_text(encoding="ascii").strip()
        if re.fullmatch(r"[0-9a-f]{8}", name):
            return name
    name = secrets.token_hex(4)
    path.write_text(name + "\n", encoding="ascii")
    return name
