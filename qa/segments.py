"""Rows of numbers that only grow, in files that are written once and shared by every later build.

A folder of raw files, each named for its first row. A new build links what the one before it has and adds a file. As in
a log-structured merge tree (O'Neil et al. 1996), that file takes up those before it that have become small beside it:
of N rows added one at a time there are log2(N) files, and each row is copied log2(N) times at most.
"""

from __future__ import annotations

import os
import shutil
from bisect import bisect_right
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from qa.errors import IndexDamagedError
from qa.publish import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

#: Files below this many bytes are always taken up into the next: writing them again takes 2 ms, less than opening many
#: files that hold one article each costs every reader.
SMALL_BYTES = 4 << 20

#: Files from this many bytes on are left as they are: so that a large index is checked in several threads, and no
#: build writes more than this much again.
FULL_BYTES = 256 << 20


class Segments:
    """Reader of such a folder; maps the files and holds nothing in memory."""

    def __init__(self, folder: Path, dtype: DTypeLike, shape: tuple[int, ...] = ()) -> None:
        """Map the rows of a folder; one that is not there has none.

        Args:
            folder: As `SegmentWriter` filled it.
            dtype: Type of the numbers.
            shape: Shape of one row; () for a single number.

        Raises:
            IndexDamagedError: A file is missing, cut off or of another kind.
        """
        self.paths = _files(folder)
        self._parts: list[NDArray[Any]] = []
        self._starts: list[int] = []
        self._count = 0
        self._none: NDArray[Any] = np.empty((0, *shape), dtype=dtype)
        for path in self.paths:
            if int(path.name) != self._count:
                raise IndexDamagedError(f"{folder} has no file {self._count:012d}", "qa build")
            self._starts.append(self._count)
            self._parts.append(_mapped(path, self._none.dtype, shape))
            self._count += len(self._parts[-1])

    def __len__(self) -> int:
        """How many rows, the dead ones included."""
        return self._count

    def rows(self, start: int, end: int) -> NDArray[Any]:
        """Rows ``start`` to ``end`` of one `SegmentWriter.append`, mapped."""
        if start == end:
            return self._none
        part = bisect_right(self._starts, start) - 1
        first = self._starts[part]
        return self._parts[part][start - first : end - first]

    def all(self) -> NDArray[Any]:
        """Every row, in memory."""
        return np.concatenate([self._none, *self._parts])


class SegmentWriter:
    """Adds rows to a copy of a folder; the files of the original are linked and never written to."""

    def __init__(
        self, folder: Path, dtype: DTypeLike, shape: tuple[int, ...] = (), *, before: Path | None = None
    ) -> None:
        """Begin where ``before`` ends, or with nothing.

        Args:
            folder: Made here; must not exist.
            dtype: Type of the numbers.
            shape: Shape of one row.
            before: The same folder of the build before.

        Raises:
            IndexDamagedError: As `Segments`.
        """
        folder.mkdir()
        self._folder = folder
        self._old = Segments(folder if before is None else before, dtype, shape)
        self._dtype, self._shape = np.dtype(dtype), shape
        self._count = len(self._old)
        self._files: list[IO[bytes]] = []
        self._starts: list[int] = []

    def __len__(self) -> int:
        """How many rows there are by now."""
        return self._count

    def append(self, rows: NDArray[Any]) -> int:
        """Add rows ``(n, *shape)``, which stay together in one file; gives the number of the first."""
        data = np.ascontiguousarray(rows, dtype=self._dtype)
        if data.shape[1:] != self._shape:
            raise ValueError(f"rows have shape {data.shape[1:]}, expected {self._shape}")
        if len(data):
            self._file().write(data.tobytes())
        start, self._count = self._count, self._count + len(data)
        return start

    def rows(self, start: int, end: int) -> NDArray[Any]:
        """Rows ``start`` to ``end`` of one `append`, of this build or an earlier one."""
        if end <= len(self._old):
            return self._old.rows(start, end)
        part = bisect_right(self._starts, start) - 1
        file, size = self._files[part], self._row_bytes
        file.flush()
        data = os.pread(file.fileno(), (end - start) * size, (start - self._starts[part]) * size)
        return np.frombuffer(data, dtype=self._dtype).reshape(-1, *self._shape)

    def close(self) -> None:
        """Finish the files; where nothing was added, all of the old ones are linked."""
        if not self._files:
            for path in self._old.paths:
                share(path, self._folder / path.name)
        for file in self._files:
            file.close()

    def abandon(self) -> None:
        """Let go of the files as they are: they are to be removed."""
        for file in self._files:
            file.close()

    @property
    def _row_bytes(self) -> int:
        return self._dtype.itemsize * int(np.prod(self._shape, dtype=np.int64))

    def _file(self) -> IO[bytes]:
        """The file that rows are added to: begun with those that it takes up, another when it is full."""
        if not self._files:
            self._begin()
        elif self._files[-1].tell() >= FULL_BYTES:
            self._open(self._count)
        return self._files[-1]

    def _begin(self) -> None:
        paths = self._old.paths
        kept = _kept([path.stat().st_size for path in paths])
        for path in paths[:kept]:
            share(path, self._folder / path.name)
        self._open(int(paths[kept].name) if kept < len(paths) else self._count)
        for path in paths[kept:]:
            with path.open("rb") as file:
                shutil.copyfileobj(file, self._files[0], 1 << 20)

    def _open(self, start: int) -> None:
        # Closed by `close`; a build that fails is thrown away with its process or its folder.
        self._files.append((self._folder / f"{start:012d}").open("wb+"))
        self._starts.append(start)


def _kept(sizes: Sequence[int]) -> int:
    """How many files stay as they are; those after them become one. Each that stays is larger than all after it."""
    kept, behind = len(sizes), 0
    for place in range(len(sizes) - 1, -1, -1):
        if sizes[place] >= FULL_BYTES:
            break
        if sizes[place] < max(SMALL_BYTES, behind):
            kept = place
        behind += sizes[place]
    return kept


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.isdigit()) if folder.is_dir() else []


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        data: NDArray[Any] = np.memmap(path, dtype=dtype, mode="r")
        # Not as `memmap`, whose every slice takes some microseconds more.
        return np.asarray(data).reshape(-1, *shape)
    except (OSError, ValueError) as error:
        raise IndexDamagedError(f"{path} cannot be read: {error}", "qa build") from None
