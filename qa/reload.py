"""A running server follows what is published: it looks at ``CURRENT`` now and then and loads what it newly names.

Looking and not a notification of the system: one `stat` costs 9 µs, and it works on every file system, shared ones too.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qa.errors import IndexMissingError, QAError
from qa.index import load_index
from qa.publish import CURRENT_FILE, current_build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qa.config import Settings
    from qa.index import Index
    from qa.live import LiveBot
    from qa.types import Encoder

LOG: Final = logging.getLogger("qa.reload")

#: Seconds until an index that was refused is tried again, though it is still the same; doubled each time. What refused
#: it may pass (a shared disk that lags behind, no memory), and one that stays broken is not read again all the time.
FIRST_RETRY: Final = 30.0
LAST_RETRY: Final = 900.0
#: Seconds that a stopping server waits for a load under way; nothing is lost with it.
STOPPING: Final = 3.0


@dataclass(frozen=True, slots=True)
class ReloadState:
    """What became of the published index.

    Attributes:
        error: Why the published index is not the one in use; None where it is, or none was ever there.
        loaded: How many were taken into use.
        refused: How many could not be.
    """

    error: str | None = None
    loaded: int = 0
    refused: int = 0


class Reloader:
    """Puts the index that is published into a bot, and leaves the one in use where that cannot be.

    Args:
        bot: Answers from the index.
        settings: The folder of the index, how often to look, and what an index must be built with.
        load: Opens the published index; `qa.index.load_index` but in tests.
        clock: Seconds, growing.
    """

    def __init__(
        self,
        bot: LiveBot,
        settings: Settings,
        *,
        load: Callable[[Settings, Encoder], Index] = load_index,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._settings = settings
        self._load = load
        self._clock = clock
        self._seen: tuple[int, ...] | None = None
        self._retry = FIRST_RETRY
        self._retry_at = 0.0
        self._stop = threading.Event()
        self.state = ReloadState()

    @property
    def since(self) -> str | None:
        """Since when the index in use is: UTC, ISO 8601."""
        return self._bot.since

    def look(self) -> bool:
        """Load what is published, if it is not in use; True if another index is in use now.

        Nothing that is wrong with it is raised: it stands in `state` and, once, in the log.
        """
        while True:
            pointer = _pointer(self._settings.index)
            if pointer == self._seen and (self.state.error is None or self._clock() < self._retry_at):
                return False
            loaded = self._follow()
            # A build that was replaced while it was read may be gone in part: that is not damage.
            if loaded in {True, False} or pointer == _pointer(self._settings.index):
                self._seen = pointer
                return self._settle(loaded)

    def _follow(self) -> bool | str:
        """Whether another index is in use now, or why it is not."""
        try:
            if current_build(self._settings.index).name == self._bot.index_id:
                return False
            index = self._load(self._settings, self._bot.encoder)
        except IndexMissingError as error:
            return str(error) if self._bot.index_id is not None else False
        except QAError as error:
            return str(error)
        except Exception as error:
            LOG.debug("loading failed", exc_info=True)
            return f"the index in {self._settings.index} cannot be loaded: {type(error).__name__}: {error}"
        self._bot.use(index)
        return True

    def _settle(self, loaded: bool | str) -> bool:
        """Keep what a look has found, and tell what is new."""
        before = self.state
        if isinstance(loaded, str):
            if loaded != before.error:
                self._retry = FIRST_RETRY
                goes_on = self._bot.index_id
                LOG.error("%s; %s", loaded, f"{goes_on} stays in use" if goes_on else "there is none to answer from")
                self.state = replace(before, error=loaded, refused=before.refused + 1)
            self._retry_at = self._clock() + self._retry
            self._retry = min(2 * self._retry, LAST_RETRY)
            return False
        self.state = replace(before, error=None, loaded=before.loaded + loaded)
        if loaded:
            LOG.info("index %s is in use: %d articles", self._bot.index_id, self._bot.article_count)
        elif before.error is not None:
            LOG.info("index %s is the published one again", self._bot.index_id)
        return loaded

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look every ``reload_seconds`` in a thread of its own, as long as the block lasts."""
        self._stop.clear()
        thread = threading.Thread(target=self._run, name="qa-reload", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(STOPPING)

    def _run(self) -> None:
        while not self._stop.wait(self._settings.reload_seconds):
            self.look()


def _pointer(root: Path) -> tuple[int, ...] | None:
    """What changes whenever ``CURRENT`` is replaced; None where it is not there."""
    try:
        seen = (root / CURRENT_FILE).stat()
    except OSError:
        return None
    return (seen.st_ino, seen.st_mtime_ns, seen.st_size)
