"""The bot of a running server: it goes on answering while its index is replaced by another."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from qa.answer import EMPTY
from qa.bot import Bot
from qa.text import language
from qa.types import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qa.index import Index
    from qa.types import Article, Encoder, Only, Writer


@dataclass(slots=True)
class _Held:
    """A bot over one index, how many are using it just now, since when it is in use, and whether it was replaced."""

    bot: Bot
    since: str
    users: int = 0
    replaced: bool = False


class LiveBot:
    """A `Bot` whose index can be replaced at any time; safe to use from many threads.

    One reference is swapped. What has begun goes on with the index that it began with; the last to leave a replaced one
    closes it. Without an index it says of every question that there are no articles yet.
    """

    def __init__(
        self,
        encoder: Encoder,
        index: Index | None = None,
        *,
        threshold: float | None = None,
        writer: Writer | None = None,
    ) -> None:
        """A bot over an index, or over none yet; `qa.bot.Bot` has the rest.

        Args:
            encoder: The one that every index must be built with.
            index: The first; from then on it belongs to this bot, which closes it.
            threshold: Confidence below which it abstains; None takes the fitted one.
            writer: Writes prose over the quotes; None leaves them to speak for themselves.
        """
        self.encoder = encoder
        self.writer = writer
        self._threshold = threshold
        self._lock = threading.Lock()
        self._held: _Held | None = None
        if index is not None:
            self.use(index)

    def use(self, index: Index) -> None:
        """Answer from ``index`` from now on; the one before is closed when the last question in it is answered."""
        bot = Bot(index, self.encoder, threshold=self._threshold, writer=self.writer)
        before = self._swap(_Held(bot, datetime.now(UTC).isoformat(timespec="seconds")))
        if before is not None and before.users == 0:
            before.bot.index.close()

    def close(self) -> None:
        """Let go of the index, as `use` lets go of the one before."""
        before = self._swap(None)
        if before is not None and before.users == 0:
            before.bot.index.close()

    def _swap(self, following: _Held | None) -> _Held | None:
        with self._lock:
            before, self._held = self._held, following
            if before is not None:
                before.replaced = True
        return before

    @contextmanager
    def _using(self) -> Iterator[_Held | None]:
        """The bot of this moment, whose index stays open as long as the block lasts."""
        with self._lock:
            held = self._held
            if held is not None:
                held.users += 1
        try:
            yield held
        finally:
            if held is not None:
                with self._lock:
                    held.users -= 1
                    last = held.replaced and held.users == 0
                if last:
                    held.bot.index.close()

    @property
    def index_id(self) -> str | None:
        """Name of the build it answers from, or None."""
        with self._using() as held:
            return held.bot.index_id if held else None

    @property
    def built(self) -> str | None:
        """When that build was made: UTC, ISO 8601."""
        with self._using() as held:
            return held.bot.built if held else None

    @property
    def since(self) -> str | None:
        """Since when it answers from that build: UTC, ISO 8601."""
        with self._using() as held:
            return held.since if held else None

    @property
    def article_count(self) -> int:
        """How many articles there are."""
        with self._using() as held:
            return held.bot.article_count if held else 0

    @property
    def outlets(self) -> tuple[str, ...]:
        """The outlets of the articles, as `Bot.outlets` gives them."""
        with self._using() as held:
            return held.bot.outlets if held else ()

    @property
    def days(self) -> tuple[str, ...]:
        """The days of the articles, as `Bot.days` gives them."""
        with self._using() as held:
            return held.bot.days if held else ()

    def ask(self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None) -> Answer:
        """Answer one question, as `Bot.ask` does."""
        *_, answer = self.answering(question, top, history, only)
        return answer

    def answering(
        self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None
    ) -> Iterator[Answer]:
        """`ask`, as it comes (`Bot.answering`), all of it from one index."""
        with self._using() as held:
            if held is None:
                lang = language(question)
                yield Answer(question, "empty_index", EMPTY[lang], (), 0.0, (), question, lang, None)
                return
            yield from held.bot.answering(question, top, history, only)

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, as `Bot.articles` gives them."""
        with self._using() as held:
            return held.bot.articles() if held else ()

    def newest(self, limit: int) -> tuple[Article, ...]:
        """The first of them, ``limit`` at most."""
        with self._using() as held:
            return held.bot.newest(limit) if held else ()

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        with self._using() as held:
            return held.bot.article(article_id) if held else None
