"""A temporary folder of links to an index that is only read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from qa.errors import IndexDamagedError, QAError
from qa.scratch import places, scratch_folder


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
        yield str(_view(stack, files, locks))


def _view(stack: ExitStack, files: Sequence[Path], locks: Sequence[str]) -> Path:
    """The folder, in the first of the places that takes it."""
    refused: OSError | None = None
    for place in places():
        try:
            with ExitStack() as making:
                view = making.enter_context(scratch_folder(place))
                for path in files:
                    (view / path.name).symlink_to(path)
                for lock in locks:
                    # Whoever opens the index would make them. Where that fails it must not look as if the index were
                    # damaged: everything would be embedded anew for want of room in /tmp.
                    (view / lock).touch()
                stack.push(making.pop_all())
                return view
        except OSError as error:
            refused = refused or error
    reason = "there is no folder for them" if refused is None else refused.strerror or str(refused)
    raise QAError(f"no temporary files can be written: {reason}", "make room there, or name another folder in TMPDIR")
