"""The builds that lie beside each other in an index folder: listed, gone back to, removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa.articles import list_files
from qa.errors import ArticlesError, IndexDamagedError, IndexMissingError, IndexStaleError
from qa.hosting import settle
from qa.index import Index, articles_digest, recipe_of
from qa.manifest import Manifest, read_manifest, verify
from qa.publish import build_folders, build_lock, current_build, held_build, hold, prune, published_build, sweep

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.types import Encoder

_CHOOSE = "qa index list shows what there is"


@dataclass(frozen=True, slots=True)
class Build:
    """One build of an index folder.

    Attributes:
        id: Name of its folder.
        current: Whether it answers.
        held: Whether a rollback holds it there.
        created: UTC, ISO 8601; None where the manifest cannot be read, as are the figures.
        articles: Articles that can be quoted.
        chunks: Passages.
        bytes: Of all its files; some of them may be shared with other builds.
        encoder: Name of the encoder.
        fault: What is wrong with it, or "".
    """

    id: str
    current: bool
    held: bool
    created: str | None
    articles: int | None
    chunks: int | None
    bytes: int
    encoder: str | None
    fault: str


@dataclass(frozen=True, slots=True)
class Rollback:
    """What answers after a rollback; ``folder_same``: the articles are as they were then (None: unreadable)."""

    manifest: Manifest
    folder_same: bool | None


@dataclass(frozen=True, slots=True)
class Pruned:
    """The builds that were removed, and the bytes that came free."""

    names: tuple[str, ...]
    freed: int


def list_builds(root: Path) -> list[Build]:
    """All builds in ``root``, newest first, each file compared with its checksum.

    Raises:
        IndexMissingError: There is none.
    """
    current, held = published_build(root), held_build(root)
    folders = build_folders(root)
    if current is not None and current.is_dir() and current not in folders and current.parent == root:
        folders.append(current)  # it has lost its manifest
    if not folders:
        raise IndexMissingError(f"no index in {root}", "qa build")
    return [_build(folder, folder == current, folder.name == held) for folder in reversed(folders)]


def _build(folder: Path, current: bool, held: bool) -> Build:
    manifest, fault = None, ""
    try:
        manifest = read_manifest(folder)
        verify(folder, manifest)
    except IndexStaleError:
        fault = "of another version"
    except IndexDamagedError as error:
        fault = f"damaged: {error.message}"
    size = sum(_bytes_by_file([folder]).values())
    if manifest is None:
        return Build(folder.name, current, held, None, None, None, size, None, fault)
    return Build(
        folder.name,
        current,
        held,
        manifest.created,
        manifest.article_count,
        manifest.chunk_count,
        size,
        manifest.recipe.encoder_name,
        fault,
    )


def size_on_disk(root: Path) -> int:
    """Bytes of all builds in ``root``; a file that several of them share counts once."""
    return sum(_bytes_by_file(build_folders(root)).values())


def roll_back(settings: Settings, encoder: Encoder, build_id: str | None = None) -> Rollback:
    """Let an earlier build answer, and hold it there (`qa.publish.hold`) after it was opened and checked.

    Args:
        settings: Index folder, and the settings that it must have been made with.
        encoder: The one that will ask it.
        build_id: None: the newest that is older than the current one.

    Raises:
        IndexMissingError: There is no such build, or none is older.
        IndexDamagedError, IndexStaleError: It cannot answer; what answers now goes on.
        IndexBusyError: A build is under way. It is not waited for: what it publishes is not what was gone back from.
        QAError: The folder cannot be written.
    """
    root = settings.index
    if not root.is_dir():
        raise IndexMissingError(f"no index in {root}", "qa build")
    with build_lock(root, timeout_s=0):
        folder = _target(root, build_id)
        try:
            index = Index(folder, settings=settings)
            difference = index.manifest.recipe.difference(recipe_of(settings, encoder))
        except (IndexDamagedError, IndexStaleError) as error:
            raise type(error)(f"build {folder.name} cannot answer: {error.message}", _CHOOSE) from None
        if difference:
            raise IndexStaleError(f"build {folder.name} was made otherwise ({difference})", _CHOOSE)
        _ = index.store
        hold(root, folder.name)
        settle(settings)
    return Rollback(index.manifest, _folder_same(settings, index.manifest))


def _target(root: Path, build_id: str | None) -> Path:
    folders = build_folders(root)
    if build_id is not None:
        for folder in folders:
            if folder.name == build_id:
                return folder
        raise IndexMissingError(f"there is no build {build_id} in {root}", _CHOOSE)
    current = published_build(root)
    older = [folder for folder in folders if current is None or folder.name < current.name]
    if not older:
        raise IndexMissingError(f"no build in {root} is older than the current one", _CHOOSE)
    return older[-1]


def _folder_same(settings: Settings, manifest: Manifest) -> bool | None:
    try:
        return articles_digest(settings.articles, list_files(settings.articles)) == manifest.articles_digest
    except ArticlesError:
        return None


def prune_builds(root: Path, keep: int) -> Pruned:
    """Remove all builds but the current one and the ``keep`` newest others, and what killed builds left.

    Raises:
        IndexMissingError, IndexDamagedError: It is not known which build is the current one; nothing is removed.
        IndexBusyError: A build is under way.
        QAError: The folder cannot be written.
    """
    current_build(root)
    with build_lock(root, timeout_s=0):
        before = _bytes_by_file([root])
        sweep(root)
        removed = prune(root, keep)
        after = _bytes_by_file([root])
    return Pruned(tuple(folder.name for folder in removed), sum(before.values()) - sum(after.values()))


def _bytes_by_file(folders: list[Path]) -> dict[tuple[int, int], int]:
    """Bytes of every file below by device and inode, so that a linked file counts once."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                status = path.stat()
                found[status.st_dev, status.st_ino] = status.st_size
    return found
