"""Reading the files of a folder so that none of them can stop a build: by another process where one might.

Parsers of foreign bytes can loop, or take all memory: a PDF of 1 MB may unpack to gigabytes, and four million opening
brackets keep a Markdown parser busy for minutes. Small text files are read here; all others by a process that the
system ends when a file takes too much. The file is then named as bad, and the next one gets a new process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qa.articles import read_article
from qa.errors import BadFileError
from qa.reading_process import read_frame, too_much_memory, write_frame

if TYPE_CHECKING:
    from types import TracebackType

    from qa.types import Article

#: Seconds of the processor for one file. A PDF of 1,000 pages, the longest that is read, takes 20 to 50.
SECONDS: Final = 60.0
#: Address space of the process that reads. It starts with 0.3 GB; a page of a PDF may unpack to 75 MB, and pypdf keeps
#: what it has read.
MEMORY: Final = 2 * 2**30
#: Text files up to this size are read here. The worst ones found (brackets in Markdown, whose cost grows with the
#: square of their number) take 1.5 s at this size; 4 MB of them take minutes. Few articles have more than 20 KB.
SMALL: Final = 64 * 2**10
_TEXT: Final = frozenset({".md", ".markdown", ".txt"})


class Reader:
    """Reads files one after the other; its process starts with the first file that needs it and ends on leaving.

    Args:
        seconds: Of the processor, for one file; `SECONDS` where left out.
        memory: Address space in bytes; `MEMORY` where left out.
    """

    def __init__(self, *, seconds: float | None = None, memory: int | None = None) -> None:
        self._seconds = SECONDS if seconds is None else seconds
        self._memory = MEMORY if memory is None else memory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def read(self, path: Path, root: Path, *, max_bytes: int) -> Article:
        """One file as an article, as `qa.articles.read_article` gives it.

        Raises:
            BadFileError: Also where reading takes more time or memory than one file may.
        """
        if _is_small(path):
            return read_article(path, root, max_bytes=max_bytes)
        process = self._process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process has no pipes")
        try:
            write_frame(process.stdin, (str(path), str(root), max_bytes))
            reply: Article | str = read_frame(process.stdout)
        except (EOFError, OSError):
            raise BadFileError(self._why_it_ended()) from None
        if isinstance(reply, str):
            raise BadFileError(reply)
        return reply

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # what was not sent any more
                    continue

    def _start(self) -> subprocess.Popen[bytes]:
        """The process finds this package where we did, whatever ``sys.path`` was made of; Ctrl-C is for us alone."""
        # Each thread of a linear algebra library takes address space, on a machine of many cores more than there is.
        alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        path = os.pathsep.join(path or "." for path in sys.path)
        environment = {**os.environ, **alone, "PYTHONPATH": path}
        command = [sys.executable, "-m", "qa.reading_process", str(self._seconds), str(self._memory)]
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _why_it_ended(self) -> str:
        code = self._process.wait() if self._process is not None else 0
        self.close()
        if hasattr(signal, "SIGPROF") and code == -signal.SIGPROF:
            return f"reading the file takes more than {self._seconds:g} s"
        return too_much_memory(self._memory)


def _is_small(path: Path) -> bool:
    if path.suffix.lower() not in _TEXT:
        return False
    try:
        return path.stat().st_size <= SMALL
    except OSError:
        return True
