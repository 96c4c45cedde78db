"""Building the index from a folder of articles, or bringing it up to date.

Work grows with what changed: a file that is as it was is not read again (`qa.seen`), one whose bytes are known is not
parsed again, and an article whose title and text are known is not embedded again. The files of the build before are
linked, not written anew (`qa.ingest`). An updated index answers as one that was built from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qa.articles import Listing, Skipped, list_files
from qa.errors import IndexDamagedError, IndexMissingError, IndexStaleError
from qa.hosting import hosting, settle
from qa.index import Index, articles_digest, digest_of, load_index, open_stores
from qa.ingest import Changes, Progress, Written, read_file, write_build
from qa.manifest import Manifest, read_manifest
from qa.publish import build_lock, held_build, published_build, publishing, release, tidy
from qa.seen import Seen

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.types import Article, Encoder


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """What a build did.

    Attributes:
        manifest: Of the build that answers now.
        folder: Where that lies.
        built: False where the index was up to date already, or was not to be touched.
        embedded: Articles that were embedded.
        duplicates: Copies folded into another article.
        bad: Files that could not be read.
        skipped: Files that are no articles.
        released: The build that a rollback had held until now, or None.
        unusable: Why nothing was reused of the published index, or "".
    """

    manifest: Manifest
    folder: Path
    built: bool
    embedded: int
    duplicates: int
    bad: tuple[Skipped, ...]
    skipped: tuple[Skipped, ...]
    released: str | None = None
    unusable: str = ""


def build_index(
    settings: Settings,
    encoder: Encoder,
    *,
    fresh: bool = False,
    outright: bool = True,
    progress: Progress = lambda _stage, _done, _total: None,
    waiting: Callable[[], None] = lambda: None,
) -> BuildSummary:
    """Bring the index up to date with the articles folder and publish it.

    Args:
        settings: Folders and chunk size.
        encoder: Embeds what is new.
        fresh: Reuse nothing of the published index.
        outright: Somebody asked for it: it ends a rollback. False leaves a build alone that a rollback holds.
        progress: See `Progress`.
        waiting: Called once if another build is under way.

    Raises:
        ArticlesError: The articles folder cannot be used.
        IndexBusyError: Another build does not end.
        QAError: The index cannot be written.
    """
    listing = list_files(settings.articles)
    with build_lock(settings.index, waiting=waiting):
        held = held_build(settings.index)
        if held is not None and not outright:
            folder = settings.index / held
            return BuildSummary(read_manifest(folder), folder, False, 0, 0, (), listing.skipped)
        old, unusable = (None, "") if fresh else _reusable(settings, encoder)
        changes = _changes(settings, listing, old, fresh=fresh, progress=progress)
        if old is not None and not changes and _answers(old, settings):
            release(settings.index)
            tidy(settings.index, settings.keep_builds)
            settle(settings)
            counts = 0, old.corpus.copy_count(), _bad(old.manifest), listing.skipped
            return BuildSummary(old.manifest, old.folder, False, *counts, released=held)
        written = _publish(settings, encoder, changes, old, progress)
    counts = written.embedded, written.copies, _bad(written.manifest), listing.skipped
    folder = settings.index / written.manifest.build_id
    return BuildSummary(written.manifest, folder, True, *counts, released=held, unusable=unusable)


def index_articles(
    settings: Settings,
    encoder: Encoder,
    articles: Sequence[Article],
    *,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Index:
    """Publish an index of articles that are in memory, and open it: for question sets that bring their own texts.

    Args:
        settings: Where it is published, and the chunk size.
        encoder: Embeds all of them.
        articles: With unique ids; indexed as they are, copies not merged.
        progress: See `Progress`.

    Raises:
        IndexBusyError, QAError: As `build_index`.
    """
    digest = digest_of((article.path, article.sha256) for article in articles)
    with build_lock(settings.index):
        _publish(settings, encoder, Changes(digest=digest, alone=articles), None, progress)
    return load_index(settings, encoder)


def _publish(settings: Settings, encoder: Encoder, changes: Changes, old: Index | None, progress: Progress) -> Written:
    build_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{changes.digest[:8]}"
    replaced = published_build(settings.index)
    with publishing(settings.index, build_id) as folder, hosting(settings, build_id) as hosted:
        written = write_build(folder, settings, encoder, changes, old, progress, hosted)
    release(settings.index)
    tidy(settings.index, settings.keep_builds, replaced=replaced)
    settle(settings)
    return written


def ensure_index(
    settings: Settings,
    encoder: Encoder,
    *,
    build: bool = True,
    starting: Callable[[str], None] = lambda _reason: None,
    held: Callable[[str], None] = lambda _reason: None,
    progress: Progress = lambda _stage, _done, _total: None,
    waiting: Callable[[], None] = lambda: None,
) -> Index:
    """The index of the articles as they are now, built first where there is none or they have changed.

    A build that a rollback holds answers as it is, whatever the articles are now.

    Args:
        settings: Folders and chunk size.
        encoder: Embeds what is new, and must be the one of the index.
        build: False refuses instead of building.
        starting: Called with the reason before a build.
        held: Called with the reason where a rollback keeps changed articles out.
        progress: See `Progress`.
        waiting: Called once if another build is under way.

    Raises:
        IndexMissingError, IndexStaleError, IndexDamagedError: A build is needed and ``build`` is False, or a rollback
            holds a build that cannot answer.
        QAError: As `build_index`.
    """
    try:
        return _current_index(settings, encoder, held)
    except (IndexMissingError, IndexStaleError, IndexDamagedError) as error:
        holding = held_build(settings.index)
        if holding is not None:
            # Built anew it would hold what somebody went back from: that is for them to decide.
            mend = "qa index rollback BUILD for another one, or qa build for a new one"
            raise type(error)(f"{error.message}; a rollback holds {holding}", mend) from None
        if not build:
            raise
        starting(error.message)
    build_index(settings, encoder, outright=False, progress=progress, waiting=waiting)
    return load_index(settings, encoder)


def _current_index(settings: Settings, encoder: Encoder, held: Callable[[str], None]) -> Index:
    listing = list_files(settings.articles)
    index = load_index(settings, encoder)
    if index.manifest.articles_digest != articles_digest(
        settings.articles, listing, Seen(settings.index, settings.articles)
    ):
        changed = f"the articles in {settings.articles} have changed since"
        if held_build(settings.index) != index.id:
            raise IndexStaleError(f"{changed} the index was built", "qa build")
        held(f"a rollback holds build {index.id}, {changed}")
    return index


def _reusable(settings: Settings, encoder: Encoder) -> tuple[Index | None, str]:
    """The published index, if vectors and parsed files can be taken from it, or why not."""
    try:
        return load_index(settings, encoder, any_store=True), ""
    except IndexMissingError:
        return None, ""
    except (IndexStaleError, IndexDamagedError) as error:
        return None, error.message


def _answers(index: Index, settings: Settings) -> bool:
    """Whether an index can be asked as it is: its store is the wanted one, and there."""
    try:
        open_stores(index, settings)
    except (IndexStaleError, IndexDamagedError):
        return False
    return True


def _changes(settings: Settings, listing: Listing, old: Index | None, *, fresh: bool, progress: Progress) -> Changes:
    """What the folder holds that the index does not, and the other way round."""
    seen = Seen(settings.index, settings.articles)
    if fresh:
        seen.forget()
    hashes = seen.hashes(listing, lambda done, total: progress("read", done, total))
    seen.save()
    digest = digest_of(hashes.items())
    if old is None:
        return Changes(digest, files=tuple(hashes.items()))
    known, bad = old.corpus.hashes(), old.manifest.bad_files
    gone = tuple(path for path in (*known, *bad) if path not in hashes)
    files = tuple((path, sha256) for path, sha256 in hashes.items() if known.get(path) != sha256)
    # A bad file is tried again: the limit or the permission may be what has changed.
    if not gone and all(path in bad and _as_before(settings, old, path, sha256) for path, sha256 in files):
        files = ()
    return Changes(digest, files=files, gone=gone)


def _as_before(settings: Settings, old: Index, path: str, sha256: str) -> bool:
    before = old.corpus.file(path)
    return before is not None and before == read_file(settings, path, sha256)


def _bad(manifest: Manifest) -> tuple[Skipped, ...]:
    return tuple(Skipped(path, reason) for path, reason in manifest.bad_files.items())
