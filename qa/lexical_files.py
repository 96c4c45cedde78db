"""The folder of a tantivy index: opened without writing to it, copied without copying it, stamped with who made it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import tantivy

from qa.errors import IndexDamagedError
from qa.linked import linked
from qa.publish import share

STAMP = "analysis.json"
#: tantivy's list of its own files.
_MANAGED = ".managed.json"
LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which analysers made an index, and how many passages were removed from it since."""

    analysis: str
    removed: int

    def write(self, folder: Path) -> None:
        """Write it into the folder of the index."""
        (folder / STAMP).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def read_stamp(folder: Path) -> Stamp:
    """The stamp of an index.

    Raises:
        IndexDamagedError: It is missing or broken.
    """
    try:
        return Stamp(**json.loads((folder / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder, error) from error


def copy_files(folder: Path, to: Path) -> None:
    """Make ``to`` a copy of an index, to be changed.

    The files of segments are shared: tantivy writes each once. The others are rewritten in place and are copied.
    """
    to.mkdir()
    # What else lies there is not ours: a desktop's .DS_Store would be published and then change.
    ours = {STAMP, _MANAGED, *json.loads((folder / _MANAGED).read_text(encoding="utf-8"))}
    for path in folder.iterdir():
        if path.name in ours:
            (shutil.copyfile if path.suffix == ".json" else share)(path, to / path.name)


def open_searcher(folder: Path, schema: tantivy.Schema) -> tantivy.Searcher:
    """A snapshot of the index, taken through links in a temporary folder that is gone again afterwards.

    tantivy takes a lock file when it opens an index and fails in a folder that it cannot write to. Once open, a
    searcher holds its files mapped and needs their names no more.

    Args:
        folder: Of the index.
        schema: What its fields must be.

    Raises:
        IndexDamagedError: A file is missing, cannot be read, or the fields are others.
        QAError: Nothing can be written where temporary files go.
    """
    with linked(folder, locks=LOCKS) as view:
        try:
            index = tantivy.Index.open(view)
            index.config_reader("manual")  # no thread that watches the folder
            searcher = index.searcher()
            if index.schema != schema:
                raise IndexDamagedError(f"the lexical index in {folder} has other fields", "qa build")
        except (OSError, ValueError) as error:
            raise damaged(folder, error) from error
    return searcher


def damaged(folder: Path, error: Exception) -> IndexDamagedError:
    """The error to raise where a file is missing or broken."""
    return IndexDamagedError(f"the lexical index in {folder} cannot be opened: {error}", "qa build")


def tidy(folder: Path) -> None:
    """Drop tantivy's lock files and give its private ones the folder's reading rights (it makes them 0600)."""
    mode = folder.stat().st_mode & 0o666
    for path in folder.iterdir():
        if path.name in LOCKS:
            path.unlink()
        elif path.is_file() and path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
