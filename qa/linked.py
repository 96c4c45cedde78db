"""A temporary folder of links to an index that is only read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from qa.errors import IndexDamagedError, QAError


@contextmanager
def linked(folder: Path, locks: Sequence[str]) -> Iterator[str]:
    """A folder with a link to each file in ``folder``, and with lock files of its own; gone again afterwards.

    Raises:
        IndexDamagedError: There is no such folder.
        QAError: Nothing can be written where temporary files go.
    """
    try:
        files = [path for path in folder.resolve().iterdir() if path.name not in locks]
    except OSError as error:
        raise IndexDamagedError(f"{folder} cannot be read: {error.strerror}", "qa build") from None
    with ExitStack() as stack:
        try:
            view = stack.enter_context(tempfile.TemporaryDirectory(prefix="qa-lexical-", ignore_cleanup_errors=True))
            for path in files:
                (Path(view) / path.name).symlink_to(path)
            for lock in locks:
                # Whoever opens the index would make them. Where that fails it must not look as if the index were
                # damaged: everything would be embedded anew for want of room in /tmp.
                (Path(view) / lock).touch()
        except OSError as error:
            reason = error.strerror or str(error)
            mend = "make room there, or name another folder in TMPDIR"
            raise QAError(f"no temporary files can be written: {reason}", mend) from None
        yield view
