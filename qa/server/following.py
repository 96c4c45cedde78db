"""What a server starts with: a bot over the index, what keeps it up to date, and where that is logged."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa import reload, watch
from qa.embed import load_encoder
from qa.errors import ArticlesError
from qa.live import LiveBot
from qa.reload import Reloader
from qa.watch import Watcher, listed
from qa.writer import load_writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from qa.config import Settings
    from qa.index import Index
    from qa.types import Encoder


@dataclass(frozen=True, slots=True)
class Following:
    """A bot, what puts newly published indexes into it, and what has them built, or None."""

    bot: LiveBot
    reloader: Reloader
    watcher: Watcher | None


def following(settings: Settings, open_index: Callable[[Settings, Encoder], Index] | None) -> Following:
    """A bot that follows the published index.

    Args:
        settings: Folders, writer, whether to watch the articles.
        open_index: Gives the index of the articles as they are, built if need be; None takes what is published, and
            where there is nothing, or nothing that can be used, begins without.

    Raises:
        QAError: The encoder or the writer cannot be loaded, or as ``open_index``.
    """
    log_followers()
    encoder = load_encoder(settings.encoder, prompts=settings.prompts)
    bot = LiveBot(encoder, threshold=settings.threshold, writer=load_writer(settings))
    reloader = Reloader(bot, settings)
    before = None
    if open_index is None:
        if not reloader.look() and reloader.state.error is None:
            reload.LOG.warning("no index in %s yet; it is taken into use once it is published", settings.index)
    else:
        with suppress(ArticlesError):  # open_index says so itself
            before = listed(settings.articles) if settings.watch else None
        bot.use(open_index(settings, encoder))
    return Following(bot, reloader, Watcher(settings, before) if settings.watch else None)


def log_followers() -> None:
    """Let what becomes of published indexes and of builds be written to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    for log in (reload.LOG, watch.LOG):
        log.handlers = [handler]
        log.setLevel(logging.INFO)
        log.propagate = False
