"""Errors a person may see. Each message says what is wrong and where; ``mend`` is the command that helps."""

from __future__ import annotations


class QAError(Exception):
    """What is wrong, where, and what mends it.

    Args:
        message: One sentence without a closing stop.
        mend: A command or a short instruction, or "" where the message is enough.
    """

    exit_code = 1

    def __init__(self, message: str, mend: str = "") -> None:
        # Variables and names of files may hold bytes that are no text; what is shown must be.
        self.message, self.mend = (one.encode("utf-8", "backslashreplace").decode() for one in (message, mend))
        super().__init__(self.message)

    def __str__(self) -> str:
        """One line: the message, then what mends it."""
        line = f"{self.message} - {self.mend}" if self.mend else self.message
        return " ".join(line.split())

    @property
    def told(self) -> str:
        """The line for someone who asks over the network, where the whole one is for the server's owner alone."""
        return str(self)


class ConfigError(QAError):
    """A setting is unknown or has a value it cannot have."""

    exit_code = 2


class ArticlesError(QAError):
    """The articles folder cannot be used."""


class BadFileError(QAError):
    """One file cannot be read as an article; the build goes on without it."""


class EncoderError(QAError):
    """The encoder cannot be loaded or does not fit."""


class IndexMissingError(QAError):
    """There is no index, and building one was not allowed."""

    exit_code = 2


class IndexStaleError(QAError):
    """The index was built with other settings or another encoder."""


class IndexDamagedError(QAError):
    """A file of the index is missing or is not what was written."""


class IndexBusyError(QAError):
    """Another process is building this index."""


class BusyError(QAError):
    """All places are taken and the queue is full."""


class TimeLimitError(QAError):
    """A question took longer than allowed.

    Args:
        seconds: What was allowed.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No answer within {seconds:g} seconds", "please ask again, or ask for less at once")
        self.seconds = seconds


class StoreError(QAError):
    """The server that holds the vectors cannot be reached or does not do what it is asked."""

    @property
    def told(self) -> str:
        """Nothing of the server's address."""
        return "The articles cannot be searched at the moment - please ask again later; the server's log has the reason"


class WriterError(QAError):
    """The language model gave no prose.

    Args:
        reason: ``timeout``, ``unreachable``, ``status``, ``broken``, ``malformed`` or ``declined``.
        message: One sentence without a closing stop.
        mend: A command or a short instruction, or "".
        status: The HTTP status where there was one that tells of an error.
    """

    def __init__(self, reason: str, message: str, mend: str = "", status: int | None = None) -> None:
        super().__init__(message, mend)
        self.reason = reason
        self.status = status
