"""The manifest of a build: what it was made from and the checksum of every file of it."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qa.errors import IndexDamagedError, IndexStaleError, QAError

#: Raised when the files of a build change their meaning; a build of another schema is refused and rebuilt.
SCHEMA = 5

MANIFEST_FILE = "manifest.json"

#: Files that are hashed at once (hashlib lets go of the interpreter lock): 1.3 GB/s each where the processor has
#: instructions for SHA-256, a third of that where it has not.
HASHING_THREADS = 4


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a build looks like, apart from the articles.

    ``piece_bytes``: as `qa.types.Encoder` has it.
    """

    encoder_name: str
    encoder_sha256: str
    dim: int
    query_prompt: str
    passage_prompt: str
    cleaner: int
    chunker: int
    chunk_words: int
    store: str
    words: str
    piece_bytes: int = 0

    def difference(self, other: Recipe) -> str:
        """Names what differs from another recipe, oldest value first; "" when nothing does."""
        mine, theirs = asdict(self), asdict(other)
        # A renamed or moved model with the same weights gives the same vectors.
        del mine["encoder_name"]
        changed = [f"{key} {_short(mine[key])} → {_short(theirs[key])}" for key in mine if mine[key] != theirs[key]]
        return ", ".join(changed)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a build holds.

    Attributes:
        schema: `SCHEMA` of the version that wrote it.
        build_id: Name of its folder: UTC time and eight hex digits of the content.
        created: UTC, ISO 8601.
        recipe: How it was made.
        articles_digest: Hash over path and bytes of every file: says whether the folder has changed.
        article_count: Articles that can be quoted (copies not counted).
        chunk_count: Passages.
        sentence_count: Quotable sentences.
        bad_files: Path and reason of every file that could not be read.
        files: SHA-256 of every file of the build by its relative path.
        collections: On a Milvus server, the names of the collections: of its ``vectors``, and of its ``words`` where
            they are ranked there too.
        piece_count: Word pieces of the passages whose codes are kept.
    """

    schema: int
    build_id: str
    created: str
    recipe: Recipe
    articles_folder: str
    articles_digest: str
    article_count: int
    chunk_count: int
    sentence_count: int
    bad_files: dict[str, str]
    files: dict[str, str]
    collections: dict[str, str] = field(default_factory=dict)
    piece_count: int = 0

    def write(self, folder: Path) -> None:
        """Write ``manifest.json`` into ``folder``, with a checksum of its own."""
        (folder / MANIFEST_FILE).write_bytes(_sealed(asdict(self)))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a build.

    Raises:
        IndexStaleError: Another version wrote it.
        IndexDamagedError: It is missing or broken.
        QAError: It may not be read.
    """
    path = folder / MANIFEST_FILE
    try:
        written = path.read_bytes()
        record: dict[str, Any] = json.loads(written)
        schema, seal = record["schema"], record.pop("sha256", None)
    except OSError as error:
        raise unreadable(path, error) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IndexDamagedError(f"{path} cannot be read: {error}", "qa build") from None
    # It holds the checksums of all other files; a flipped bit in a count or in a reason would else be believed.
    if (seal is not None or schema == SCHEMA) and _sealed(record) != written:
        raise IndexDamagedError(f"{path} is damaged (its checksum differs)", "qa build")
    if schema != SCHEMA:
        raise IndexStaleError(f"{folder} has index schema {schema}, this version writes {SCHEMA}", "qa build")
    try:
        record["recipe"] = Recipe(**record["recipe"])
        return Manifest(**record)
    except (TypeError, KeyError) as error:
        raise IndexDamagedError(f"{path} is not a manifest: {error}", "qa build") from None


def _sealed(record: dict[str, Any]) -> bytes:
    """The bytes of a manifest file: the record as JSON, its own checksum last."""
    digest = hashlib.sha256(json.dumps(record, ensure_ascii=False, indent=1).encode(errors="replace")).hexdigest()
    return (json.dumps({**record, "sha256": digest}, ensure_ascii=False, indent=1) + "\n").encode(errors="replace")


def checksums(folder: Path, *, before: Path | None = None, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """SHA-256 of every file below ``folder`` by relative path, the manifest itself left out.

    Args:
        folder: Folder of a build.
        before: Folder of an earlier build: a file that is the same there, not only alike, is not read.
        known: The checksums of that build.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST_FILE)
    names = [path.relative_to(folder).as_posix() for path in files]
    found = {name: known[name] for name in names if before and known and _shared(before, folder, name, known)}
    new = [name for name in names if name not in found]
    found |= dict(zip(new, _hashed([folder / name for name in new]), strict=True))
    return {name: found[name] for name in names}


def _shared(before: Path, folder: Path, name: str, known: Mapping[str, str]) -> bool:
    return name in known and (before / name).exists() and (before / name).samefile(folder / name)


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare the files of a build with their checksums.

    Raises:
        IndexDamagedError: One is missing or differs, with its name.
        QAError: One may not be read.
    """
    # The largest first: one that begins last is what all others wait for.
    names = sorted(manifest.files, key=lambda name: _size(folder / name), reverse=True)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        for name, actual in zip(names, pool.map(_sha256_or_error, (folder / name for name in names)), strict=True):
            if isinstance(actual, OSError):
                raise unreadable(folder / name, actual)
            if actual != manifest.files[name]:
                raise IndexDamagedError(f"{folder / name} is damaged (its checksum differs)", "qa build")


def _hashed(paths: Sequence[Path]) -> list[str]:
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        return list(pool.map(file_sha256, paths))


def _sha256_or_error(path: Path) -> str | OSError:
    try:
        return file_sha256(path)
    except OSError as error:
        return error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


#: Errors that say nothing of the file: a build would not mend them, so it must not be offered.
_NOT_DAMAGE = {
    errno.EACCES: "let this user read it",
    errno.EPERM: "let this user read it",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "allow more open files",
    errno.ENOMEM: "free some memory",
}


def unreadable(path: Path, error: OSError) -> QAError:
    """The error to raise where a file of an index cannot be read: damage, unless it is only barred."""
    mend = _NOT_DAMAGE.get(error.errno or 0)
    message = f"{path} cannot be read: {error.strerror}"
    return IndexDamagedError(message, "qa build") if mend is None else QAError(message, mend)


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(value: object) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else repr(value)  # noqa: PLR2004 - a SHA-256
