"""Files to `Article`s: which files of a folder are read, and what each says."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qa.errors import ArticlesError, BadFileError
from qa.reading.formats import READERS, parse
from qa.text import language, normalise
from qa.types import Article

#: Grows when the same bytes give another text or other metadata: an older index is then refused.
CLEANER_VERSION = 1

#: Largest file that is read, in bytes, unless the caller says otherwise.
MAX_BYTES = 20 * 2**20

_SLUG_LENGTH = 48
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe", "ł": "l"}
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that is not read, relative to the folder, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the system says about a file without reading it: another stamp, another content (times in ns)."""

    size: int
    modified: int
    changed: int
    inode: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    Attributes:
        folder: The folder as it was named.
        stamps: The files to read, by relative path.
        skipped: What is not read.
    """

    folder: Path
    stamps: Mapping[str, Stamp]
    skipped: tuple[Skipped, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to read, by relative path."""
        return tuple(self.folder / name for name in self.stamps)


def list_files(folder: Path) -> Listing:
    """Walk a folder of articles; 25,000 of them take 0.2 s.

    Raises:
        ArticlesError: It is missing, is no folder or cannot be listed.
    """
    root = _root(folder)
    stamps: dict[str, Stamp] = {}
    skipped: dict[str, str] = {}
    pending = [""]
    while pending:
        here = pending.pop()
        try:
            # As text: a `Path` for every entry would cost as much again as asking the system for it.
            with os.scandir(os.path.join(folder, here)) as entries:  # noqa: PTH118
                found = list(entries)
        except OSError:
            skipped[here.rstrip("/")] = "the folder cannot be read"
            continue
        for entry in found:
            name = here + entry.name
            if _is_folder(entry):
                pending.append(f"{name}/")
                continue
            stamp = _stamp_or_reason(entry, name, root)
            if isinstance(stamp, Stamp):
                stamps[name] = stamp
            else:
                skipped[name.encode("utf-8", "backslashreplace").decode("utf-8")] = stamp
    return Listing(folder, dict(sorted(stamps.items())), tuple(Skipped(*one) for one in sorted(skipped.items())))


def _root(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
        next(root.iterdir(), None)
    except FileNotFoundError:
        raise ArticlesError(f"there is no articles folder {folder}", "name it with --articles DIR") from None
    except NotADirectoryError:
        raise ArticlesError(
            f"{folder} is a file, not a folder of articles", "name the folder with --articles DIR"
        ) from None
    except (OSError, RuntimeError) as error:
        raise ArticlesError(
            f"the articles folder {folder} cannot be read: {_why(error)}", "check its permissions"
        ) from None
    return root


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
    except OSError:
        return False


def _stamp_or_reason(entry: os.DirEntry[str], name: str, root: Path) -> Stamp | str:
    """The stamp of a file that is read, or why the entry is not."""
    if entry.name.startswith("."):
        return "hidden"
    links = False
    try:
        name.encode("utf-8")
        links = entry.is_symlink()
        if links and not Path(entry.path).resolve(strict=True).is_relative_to(root):
            return "a link out of the folder"
        status = entry.stat()
    except UnicodeEncodeError:
        return "the file name is not UTF-8"
    except FileNotFoundError:
        return "a link to nothing"
    except (OSError, RuntimeError) as error:
        return "a link that leads back to itself" if links else f"cannot be read: {_why(error)}"
    reason = _reason_by_kind(name, status.st_mode)
    return reason or Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _reason_by_kind(name: str, mode: int) -> str | None:
    if stat.S_ISDIR(mode):
        return "a link to a folder; folders are read where they stand"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    # As `PurePath.suffix`, in a tenth of its time: it is asked of every file at every check.
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    suffix = f".{ending}".lower() if stem and ending else ""
    if suffix not in READERS:
        return f"{suffix} files are not read" if suffix else "a file without a known type"
    return None


def read_article(path: Path, root: Path, *, max_bytes: int = MAX_BYTES) -> Article:
    """One file as an article.

    What the file states (front matter, properties) goes before what its furniture says.

    Args:
        path: The file, below ``root``.
        root: The articles folder.
        max_bytes: Larger files are refused.

    Raises:
        BadFileError: It cannot be read or is no article; the message is the reason, without the path.
    """
    relative = path.relative_to(root).as_posix()
    parsed = parse(_bytes(path, max_bytes), path.suffix.lower())
    meta = parsed.meta
    # Its patterns take a tenth of a second, and most commands read no file.
    from qa.reading.clean import clean  # noqa: PLC0415

    cleaned = clean(parsed.text, title=meta.title)
    if not any(char.isalnum() for char in cleaned.text):
        raise BadFileError("nothing is left of the text without menus, buttons and credits")
    title = normalise(meta.title or cleaned.title or "") or None
    return Article(
        id=article_id(relative),
        title=title,
        text=cleaned.text,
        lang=meta.lang or language(cleaned.text),
        published=meta.published or cleaned.published,
        outlet=meta.outlet or cleaned.outlet,
        author=meta.author or cleaned.author,
        url=meta.url,
        path=relative,
        sha256=hashlib.sha256(f"{title or ''}\0{cleaned.text}".encode()).hexdigest(),
    )


def _bytes(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise BadFileError(f"the file cannot be read: {_why(error)}") from error
    if len(data) > max_bytes:
        raise BadFileError(f"the file is larger than {max_bytes / 2**20:g} MB", "set max_file_mb")
    return data


def _why(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or type(error).__name__).lower()


def article_id(relative_path: str) -> str:
    """Name of an article: its file's name in ASCII (at most 48 characters) and 8 hex digits of its path's SHA-256."""
    stem = relative_path.rsplit("/", 1)[-1].rsplit(".", 1)[0] or "article"
    letters = unicodedata.normalize("NFC", stem).lower().translate(_UMLAUTS)
    plain = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-")
    digest = hashlib.sha256(relative_path.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{slug or 'article'}-{digest}"
