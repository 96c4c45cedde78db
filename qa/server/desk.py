"""Where questions are handed in: at most so many at once, so many waiting, and so long for each."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Literal

from qa.errors import BusyError, QAError, TimeLimitError
from qa.types import Only

if TYPE_CHECKING:
    from qa.bot import Bot
    from qa.config import Settings
    from qa.live import LiveBot
    from qa.server.telemetry import Telemetry
    from qa.stopping import Stop
    from qa.types import Answer, Article, Writer

#: Receives each question where `log_questions` is set, one JSON object a line; silent otherwise.
LOG: Final = logging.getLogger("qa.questions")

_LOG: Final = logging.getLogger(__name__)

#: Seconds after which a client that was told "busy" may try again: most answers take far less.
RETRY: Final = 2

#: Questions whose quotes are sought at the same time. The others of `concurrent` wait, or have their prose written by a
#: language model, which costs this machine nothing. Seeking is mostly Python, which runs on one core at a time: over
#: 10,000 passages 1, 2, 4 and 8 at once answer 33, 35, 37 and 39 questions a second, each in 26, 52, 101 and 186 ms,
#: and hold up the server's own loop for 8, 13, 27 and 33 ms (95th percentile). ``python -m eval.load_threads``; four
#: busy cores, so provisional.
SOUGHT_AT_ONCE: Final = 2

#: How a question came in.
Way = Literal["page", "api", "mcp"]


def log_questions() -> None:
    """Let `LOG` write to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s question %(message)s"))
    LOG.handlers = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


@dataclass(frozen=True, slots=True)
class Query:
    """A question with everything that may be said about it.

    Attributes:
        question: As typed.
        history: The earlier questions of the conversation, oldest first.
        top: Most quotes; None takes the setting.
        since: Only articles published on or after this date: ``2024``, ``2024-10`` or ``2024-10-24``.
        until: Only articles published on or before this date; a month or a year counts to its last day.
        outlets: Only articles of one of these outlets; (): of all.
    """

    question: str
    history: tuple[str, ...] = ()
    top: int | None = None
    since: str | None = None
    until: str | None = None
    outlets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A question that was handed in.

    Attributes:
        future: Becomes the final answer, or the bot's error.
        given_up: Set when nobody waits any more.
    """

    future: Future[Answer]
    given_up: threading.Event


class Desk:
    """Hands questions to a bot; to the page it looks like the bot itself.

    A thread cannot be stopped from outside. So a question that runs over its time keeps its place until the bot is done
    with it, while whoever asked has been told: the machine is never given more work than its places.
    """

    def __init__(self, bot: Bot | LiveBot, settings: Settings, telemetry: Telemetry) -> None:
        self._bot = bot
        self._settings = settings
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._taken = 0
        self._pool: ThreadPoolExecutor | None = None
        self._seeking = threading.BoundedSemaphore(SOUGHT_AT_ONCE)
        telemetry.watch_queue(lambda: self._taken)

    @property
    def index_id(self) -> str | None:
        """Name of the build the bot answers from."""
        return self._bot.index_id

    @property
    def built(self) -> str | None:
        """When that build was made, as `Bot.built` gives it."""
        return self._bot.built

    @property
    def article_count(self) -> int:
        """How many articles there are."""
        return self._bot.article_count

    @property
    def outlets(self) -> tuple[str, ...]:
        """The outlets of the articles, as `Bot.outlets` gives them."""
        return self._bot.outlets

    @property
    def days(self) -> tuple[str, ...]:
        """The days of the articles, as `Bot.days` gives them."""
        return self._bot.days

    @property
    def writer(self) -> Writer | None:
        """The language model that writes over the quotes, or None."""
        return self._bot.writer

    @property
    def seconds(self) -> float:
        """Longest time for a question."""
        return self._settings.answer_seconds

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, as `Bot.articles` gives them."""
        return self._bot.articles()

    def newest(self, limit: int) -> tuple[Article, ...]:
        """The first of them, ``limit`` at most."""
        return self._bot.newest(limit)

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        return self._bot.article(article_id)

    def ask(
        self, question: str, top: int | None = None, history: Sequence[str] = (), only: Only | None = None
    ) -> Answer:
        """Ask as the page does and wait for the answer.

        Raises:
            BusyError: No place is free and the queue is full.
            TimeLimitError: It took longer than `seconds`.
            QAError: The bot cannot answer.
        """
        answers = list(self.answering(question, top, history, only))
        return answers[-1]

    def answering(
        self,
        question: str,
        top: int | None = None,
        history: Sequence[str] = (),
        only: Only | None = None,
        stop: Stop | None = None,
    ) -> Iterator[Answer]:
        """`ask`, as it comes: the answer as it grows, once at least. Closing the iterator ends the work on it.

        ``stop`` ends it from another thread, without an error: a question that still waits is not asked any more, and
        what a writer writes is broken off at its next sentence.

        Raises:
            BusyError: No place is free and the queue is full.
            TimeLimitError: It took longer than `seconds`.
            QAError: The bot cannot answer.
        """
        only = only or Only()
        steps: SimpleQueue[Answer | None] = SimpleQueue()
        query = Query(question, tuple(history), top, only.since, only.until, only.outlets)
        ends = time.monotonic() + self.seconds
        ticket = self.submit(query, "page", steps.put)
        ticket.future.add_done_callback(lambda _: steps.put(None))
        if stop is not None:
            stop.tell(lambda: steps.put(None))
        try:
            while (step := steps.get(timeout=max(0.0, ends - time.monotonic()))) is not None:
                yield step
            if stop is None or not stop.is_set:
                ticket.future.result()
        except (Empty, CancelledError):
            raise self.give_up(ticket, "page") from None
        finally:
            self.leave(ticket)

    def submit(self, query: Query, way: Way, tell: Callable[[Answer], object] | None = None) -> Ticket:
        """Hand a question in.

        Args:
            query: The question.
            way: How it came in.
            tell: Called, in another thread, with the answer as it grows; the last is the final one.

        Raises:
            BusyError: No place is free and the queue is full.
        """
        given_up = threading.Event()
        with self._lock:
            if self._taken >= self._settings.concurrent + self._settings.waiting:
                self._telemetry.failed(way, "busy")
                raise BusyError("Too many questions at once", f"please ask again in {RETRY} seconds")
            self._taken += 1
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._settings.concurrent, thread_name_prefix="qa-ask")
            future = self._pool.submit(self._answer, query, way, tell, given_up, time.monotonic())
        future.add_done_callback(self._leave)
        return Ticket(future, given_up)

    def gone(self, ticket: Ticket, way: Way) -> None:
        """Whoever asked has gone away: a question that still waited is not asked any more."""
        self.leave(ticket)
        self._telemetry.failed(way, "gone")

    def give_up(self, ticket: Ticket, way: Way) -> TimeLimitError:
        """End the waiting for an answer: the error to show. A question that still waited is not asked any more."""
        self.leave(ticket)
        self._telemetry.failed(way, "time-limit")
        return TimeLimitError(self.seconds)

    @staticmethod
    def leave(ticket: Ticket) -> None:
        """Nobody waits for this answer any more."""
        ticket.given_up.set()
        ticket.future.cancel()

    def close(self) -> None:
        """Forget what waits; answers under way are finished by their threads."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: Future[Answer]) -> None:
        with self._lock:
            self._taken -= 1

    def _answer(
        self,
        query: Query,
        way: Way,
        tell: Callable[[Answer], object] | None,
        given_up: threading.Event,
        started: float,
    ) -> Answer:
        try:
            answer = self._last(query, tell, given_up)
        except CancelledError:
            raise
        except Exception as error:
            self._telemetry.failed(way, "error")
            if isinstance(error, QAError) and error.told != str(error):
                _LOG.error("%s", error)
            raise
        seconds = time.monotonic() - started
        self._telemetry.answered(way, answer, seconds)
        if self._settings.log_questions:
            about = {"way": way, "status": answer.status, "confidence": round(answer.confidence, 4)}
            record = {**asdict(query), **about, "ms": round(seconds * 1000, 1)}
            LOG.info(json.dumps(record, ensure_ascii=False))
        return answer

    def _last(self, query: Query, tell: Callable[[Answer], object] | None, given_up: threading.Event) -> Answer:
        with contextlib.closing(_put(self._bot, query, self._settings.top)) as steps:
            with self._seeking:
                if given_up.is_set():  # while it waited here
                    raise CancelledError
                answer = next(steps)
            while True:
                if tell is not None:
                    tell(answer)
                following = None if given_up.is_set() else next(steps, None)
                if following is None:
                    return answer
                answer = following


def _put(bot: Bot | LiveBot, query: Query, top: int) -> Generator[Answer, None, None]:
    """The one place that turns a `Query` into a call of the bot; gives the answer as it grows, once at least."""
    only = Only(query.since, query.until, query.outlets)
    yield from bot.answering(query.question, query.top or top, query.history, only or None)
