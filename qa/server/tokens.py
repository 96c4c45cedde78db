"""API keys: named, revocable, kept as hashes in one small file that only its owner may read.

A key is 256 random bits, so that a plain SHA-256 of it cannot be reversed by guessing; a slow, salted key derivation
function protects what people choose (NIST SP 800-63B, section 5.1.2.2, asks for one below 112 bits only).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from filelock import FileLock, Timeout

from qa.errors import QAError

#: What a key may do: ask and read articles, or read the measurements at ``/metrics``, and nothing beside it.
Use = Literal["ask", "metrics"]

#: What every key starts with, so that a leaked one is recognised.
PREFIX: Final = "qa_"

_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FORMAT: Final = 1
#: Seconds that a command waits for another that changes the same file.
_PATIENCE: Final = 10


@dataclass(frozen=True, slots=True)
class Token:
    """A key as it is kept: ``sha256`` in hex, ``created`` in UTC (ISO 8601)."""

    name: str
    use: Use
    created: str
    sha256: str


class TokenFile:
    """The keys of one file. It is read again whenever it has changed: a revoked key is refused at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """All keys, oldest first.

        Raises:
            QAError: The file cannot be read.
        """
        try:
            status = self.path.stat()
            now = (status.st_mtime_ns, status.st_size, status.st_ino)
            if now != self._seen:
                record = json.loads(self.path.read_text(encoding="utf-8"))
                self._tokens = tuple(_token(token) for token in record["tokens"])
                self._seen = now
        except FileNotFoundError:
            self._seen, self._tokens = None, ()
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise QAError(
                f"the keys in {self.path} cannot be read: {error}", "remove it and make keys with qa token add NAME"
            ) from error
        return self._tokens

    def find(self, key: str) -> Token | None:
        """The token that ``key`` opens, or None."""
        digest = _digest(key)
        found = None
        for token in self.tokens():  # all of them, so that the time taken does not tell which one came close
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found

    def add(self, name: str, use: Use = "ask") -> str:
        """Make a key and give it; it is shown once and kept as its hash.

        Raises:
            QAError: The name is taken or cannot be one, or the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise QAError(f"{name!r} cannot be the name of a key", "use up to 64 letters, digits, dots and dashes")
        key = PREFIX + secrets.token_urlsafe(_BYTES)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        with self._locked():
            kept = self.tokens()
            if any(token.name == name for token in kept):
                raise QAError(f"there is a key named {name}", f"qa token revoke {name}, or use another name")
            self._write((*kept, Token(name, use, created, _digest(key))))
        return key

    def revoke(self, name: str) -> None:
        """Remove a key; whoever holds it is refused from now on.

        Raises:
            QAError: There is none of that name, or the file cannot be written.
        """
        with self._locked():
            kept = tuple(token for token in self.tokens() if token.name != name)
            if len(kept) == len(self.tokens()):
                raise QAError(f"there is no key named {name} in {self.path}", "qa token list")
            self._write(kept)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=_PATIENCE):
                yield
        except Timeout:
            raise QAError(f"another command is changing {self.path}", "try again when it is done") from None
        except OSError as error:
            raise QAError(f"{self.path} cannot be changed: {error.strerror}", "name token_file elsewhere") from error

    def _write(self, tokens: tuple[Token, ...]) -> None:
        text = json.dumps({"format": _FORMAT, "tokens": [asdict(token) for token in tokens]}, indent=1) + "\n"
        # One name for all, under the lock: what a killed command left there goes with the next.
        new = self.path.with_name(f".{self.path.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)


def _token(record: dict[str, Any]) -> Token:
    token = Token(**record)
    if not all(isinstance(value, str) and value.isascii() for value in asdict(token).values()):
        raise ValueError("a value in it is no plain text")
    return token


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
