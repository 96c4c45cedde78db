"""The process that reads the files of others for `qa.reader`: ``python -m qa.reading_process SECONDS BYTES``.

Frames on standard input and output, each a length of eight bytes and a pickle. The system ends it where a file takes
more of the processor than allowed, inside a C library too; memory is bounded by the system as well.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import qa.reading.clean  # noqa: F401 - before the first file's time and memory are counted
from qa.articles import read_article
from qa.errors import BadFileError

LENGTH: Final = struct.Struct("!Q")


def write_frame(stream: IO[bytes], value: object) -> None:
    """Send a value.

    Raises:
        OSError: Nobody reads.
    """
    data = pickle.dumps(value)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:  # noqa: ANN401 - what was sent
    """Receive a value, sent by this program.

    Raises:
        EOFError: The other side has ended.
    """
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    size = LENGTH.unpack(head)[0]
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - between two processes of our own


def too_much_memory(size: int) -> str:
    """Why a file is bad that ended the process: where memory is gone, little more can be told."""
    return f"reading the file takes more than {size / 2**30:g} GB of memory, or breaks the program that reads"


def main(seconds: float, memory: int) -> None:
    """Read files until nobody asks any more."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand between the frames
    # Made here: a handler has no memory left for it, and where one fails CPython 3.11 can try again for ever.
    spent = too_much_memory(memory)
    _limit_memory(memory)
    while True:
        path, root, max_bytes = read_frame(requests)
        _end_with_asker(True)
        _limit_time(seconds)
        reply: object
        try:
            reply = read_article(Path(path), Path(root), max_bytes=max_bytes)
        except BadFileError as error:
            reply = error.message
        except MemoryError:
            reply = spent
        _limit_time(0)
        _end_with_asker(False)
        write_frame(replies, reply)


def _end_with_asker(wanted: bool) -> None:
    """While a file is read, have the system end this process with the one that asked (Linux).

    Elsewhere, and between two files, its end is seen by reading from it; one bad file can keep from that for a minute.
    A signal for what happens to standard input, and no thread that waits: its stack and its heap count as memory.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on Windows

        asynchronous, signal_of = os.O_ASYNC, fcntl.F_SETSIG
    except (ImportError, AttributeError):
        return
    with suppress(OSError):
        flags = fcntl.fcntl(0, fcntl.F_GETFL)
        if not wanted:
            fcntl.fcntl(0, fcntl.F_SETFL, flags & ~asynchronous)
            return
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, signal_of, signal.SIGKILL)
        fcntl.fcntl(0, fcntl.F_SETFL, flags | asynchronous)
        # It may have ended just before.
        asker = select.poll()
        asker.register(0, 0)
        if asker.poll(0):
            os._exit(0)


def _limit_time(seconds: float) -> None:
    """SIGPROF ends a process that does not expect it."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(size: int) -> None:
    try:
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ImportError, OSError, ValueError):
        return


if __name__ == "__main__":
    try:
        main(float(sys.argv[1]), int(sys.argv[2]))
    except (EOFError, BrokenPipeError):
        os._exit(0)
