"""Ending the wait for an answer from another thread: the stop button of the page, and a page that was closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop:
    """A wish to stop, which whoever waits can be woken by; once made it stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made = False
        self._wake: list[Callable[[], object]] = []

    @property
    def is_set(self) -> bool:
        """Whether the wish was made."""
        return self._made

    def set(self) -> None:
        """Make it."""
        with self._lock:
            self._made, wake, self._wake = True, self._wake, []
        for call in wake:
            call()

    def tell(self, call: Callable[[], object]) -> None:
        """Have ``call`` called when it is made, at once where it was, in whatever thread makes it."""
        with self._lock:
            if not self._made:
                self._wake.append(call)
                return
        call()


class Stops:
    """The answers under way, by keys: the browser session that waits for one, and a secret of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, set[Stop]] = {}

    @contextmanager
    def under_way(self, *keys: str) -> Iterator[Stop]:
        """A `Stop` for one answer, which `stop` reaches by each of ``keys`` as long as it is under way."""
        made = Stop()
        with self._lock:
            for key in keys:
                self._of.setdefault(key, set()).add(made)
        try:
            yield made
        finally:
            with self._lock:
                for key in keys:
                    self._of[key].discard(made)
                    if not self._of[key]:
                        del self._of[key]

    def stop(self, key: str) -> int:
        """Stop what is under way by this key; gives how many answers that was."""
        with self._lock:
            reached = tuple(self._of.get(key, ()))
        for one in reached:
            one.set()
        return len(reached)
