"""What every part of the server works with, made once from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qa.server.catalogue import Catalogue, as_of
from qa.server.desk import Desk
from qa.server.telemetry import IndexState, Telemetry

if TYPE_CHECKING:
    from qa.bot import Bot
    from qa.config import Settings
    from qa.live import LiveBot
    from qa.reload import Reloader
    from qa.watch import Watcher


@dataclass(frozen=True, slots=True)
class Service:
    """One bot at work on the network.

    Attributes:
        name: Shown as the name of the site.
        settings: All of them.
        desk: Where questions are handed in.
        catalogue: What is indexed.
        telemetry: What is measured.
        reloader: Follows the index that is published, or None where the bot's stays.
        watcher: Builds it again when the articles change, or None.
    """

    name: str
    settings: Settings
    desk: Desk
    catalogue: Catalogue
    telemetry: Telemetry
    reloader: Reloader | None = None
    watcher: Watcher | None = None

    @classmethod
    def over(
        cls,
        bot: Bot | LiveBot,
        settings: Settings,
        name: str,
        reloader: Reloader | None = None,
        watcher: Watcher | None = None,
    ) -> Service:
        """The service over one bot, and what follows the index for it."""
        telemetry = Telemetry()
        desk = Desk(bot, settings, telemetry)
        catalogue = Catalogue(desk)
        telemetry.watch_index(lambda: IndexState(desk.index_id, desk.built, desk.article_count))
        if reloader is not None:
            telemetry.watch_reloads(lambda: reloader.state)
        if watcher is not None:
            telemetry.watch_builds(lambda: watcher.state)
        return cls(name, settings, desk, catalogue, telemetry, reloader, watcher)

    def readiness(self) -> dict[str, Any]:
        """Whether there is an index, which one, since when, and what keeps a newer one out: the body of ``/readyz``."""
        desk, reloader, watcher = self.desk, self.reloader, self.watcher
        read = as_of(desk, lambda: {"since": reloader.since if reloader else None, "articles": desk.article_count})
        return {
            "status": "no-index" if read.index_id is None else "ready",
            "index_id": read.index_id,
            "built": read.built,
            **read.found,
            "reload_error": reloader.state.error if reloader else None,
            "build_error": watcher.state.error if watcher else None,
            "bad_files": watcher.state.bad_files if watcher else None,
        }
