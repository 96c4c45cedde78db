"""The bot: a question in, an `Answer` out. It holds one immutable index (`qa.live` swaps it)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from qa.answer import PASSAGES, THRESHOLD, best_logit, compose
from qa.asides import Aside, reply
from qa.asking import keywords_of, read
from qa.filter_text import filtered_abstention
from qa.lexical import plain_text
from qa.likeness import STEM, stems
from qa.only import both, read_only
from qa.periods import resolve
from qa.retrieve import Retrieval, retrieve
from qa.text import words
from qa.types import Answer, Only
from qa.when import read_time
from qa.writing.prose import prose_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qa.asking import Reading
    from qa.index import Index
    from qa.types import Article, Encoder, Writer


class Bot:
    """Answers questions from one index; safe to use from many threads."""

    def __init__(
        self, index: Index, encoder: Encoder, *, threshold: float | None = None, writer: Writer | None = None
    ) -> None:
        """A bot over a loaded index.

        Args:
            index: A published build.
            encoder: The one it was built with.
            threshold: Confidence below which it abstains; None takes the fitted one.
            writer: Writes prose over the quotes; None leaves them to speak for themselves.
        """
        self.index = index
        self.encoder = encoder
        self.threshold = THRESHOLD if threshold is None else threshold
        self.writer = writer

    @property
    def index_id(self) -> str | None:
        """Name of the build it answers from."""
        return self.index.id

    @property
    def built(self) -> str | None:
        """When that build was made: UTC, ISO 8601."""
        return self.index.manifest.created

    @property
    def article_count(self) -> int:
        """How many articles there are, copies not counted."""
        return self.index.manifest.article_count

    @property
    def outlets(self) -> tuple[str, ...]:
        """The outlets of the articles, by name: what a filter may name."""
        return self.index.outlets

    @property
    def days(self) -> tuple[str, ...]:
        """The days on which articles were published, as ``2024-10-24``, ascending."""
        return self.index.days()

    def ask(self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None) -> Answer:
        """Answer one question with at most ``top`` quotes, or abstain; a greeting and the like gets its own reply.

        Any text is a question. What was searched, once it was mended, is ``searched_for``.

        Args:
            question: As typed.
            top: Most quotes.
            history: The earlier questions of the conversation, oldest first. They help to find what a question that
                leans on them asks for (`qa.conversation`), and change nothing for one that stands on its own.
            only: Which articles may answer. What the question itself restricts them to (`qa.when`) comes on top.

        Raises:
            FilterError: ``only`` has a date that is none, or an outlet that no article is from.
        """
        answer = self._quote(question, top, history, only)
        for finished in self._written(answer):
            answer = finished
        return answer

    def answering(
        self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None
    ) -> Iterator[Answer]:
        """`ask`, as it comes: first the quotes, then, where a writer is set, the same with prose that grows.

        Only whole sentences that passed the checks are ever given. The last answer is that of `ask`. Closing the
        iterator ends the writer's request.
        """
        answer = self._quote(question, top, history, only)
        yield answer
        yield from self._written(answer)

    def _written(self, answer: Answer) -> Iterator[Answer]:
        """The answer with prose as it grows; nothing without a writer, nor for an answer without quotes."""
        if self.writer is None or answer.status != "answered":
            return
        started, quoted = perf_counter(), answer.timings_ms
        for prose in prose_over(self.writer, answer):
            writing = (perf_counter() - started) * 1000
            timings = {**quoted, "writer": writing, "total": quoted["total"] + writing}
            yield replace(answer, prose=prose, timings_ms=timings)

    def _quote(self, question: str, top: int, history: Sequence[str], only: Only | None) -> Answer:
        """The quotes that answer, or an abstention."""
        started = perf_counter()
        index = self.index
        question = _printable(question)
        reading = read(question, index.lexical, [_printable(one) for one in history])
        timings = {"read": (perf_counter() - started) * 1000}
        answer = self._aside(index, question, reading.aside) if reading.aside else None
        if answer is None:
            answer = self._within(index, question, _task(index, reading, only), top, timings)
        timings["total"] = (perf_counter() - started) * 1000
        return replace(answer, timings_ms=timings)

    def _within(self, index: Index, question: str, task: _Task, top: int, timings: dict[str, float]) -> Answer:
        """The answer of the articles that the filter lets in; silent, it says whether the others answer."""
        answer = self._search(index, question, task, top, timings)
        if task.only and answer.status == "abstained":
            without = perf_counter()
            elsewhere = self._search(index, question, replace(task, only=Only()), top, {}).status == "answered"
            answer = replace(answer, message=filtered_abstention(task.only, answer.lang, elsewhere=elsewhere))
            timings["without_filter"] = (perf_counter() - without) * 1000
        return replace(answer, only=task.only)

    def _search(self, index: Index, question: str, task: _Task, top: int, timings: dict[str, float]) -> Answer:
        """The answer of the articles; adds to ``timings``."""
        started = perf_counter()
        reading = task.reading
        leaned_on = -math.inf
        if reading.topic:
            found_before = retrieve(index, self.encoder, reading.topic, PASSAGES, only=task.only)
            leaned_on = best_logit(index, reading.topic, found_before)
            timings["topic"] = (perf_counter() - started) * 1000
        retrieval = retrieve(index, self.encoder, reading.text, PASSAGES, only=task.only)
        timings |= retrieval.timings_ms
        composing = perf_counter()
        compose_for = partial(
            compose,
            index,
            question,
            retrieval,
            top=top,
            searched_for=reading.text,
            leaned_on=leaned_on,
            latest=task.latest,
        )
        answer = compose_for(threshold=self.threshold)
        if answer.status == "abstained" and reading.keywords:
            # Words alone say little that a sentence could be similar to: over seeds/ "Haubitzen" has confidence 0.19.
            found = compose_for(threshold=0.0)
            answer = found if _has_most(found, reading.keywords) else answer
        timings["answer"] = (perf_counter() - composing) * 1000
        return answer

    def _aside(self, index: Index, question: str, aside: Aside) -> Answer | None:
        """The answer to what is no question to the articles; None where that of an empty index says it better."""
        said = reply(aside, index.corpus)
        if said.status == "about" and not said.articles:
            return None
        return Answer(
            question, said.status, said.message, (), 0.0, (), "", aside.lang, index.id, articles=said.articles
        )

    def explain(self, search: str, k: int, only: Only | None = None) -> Retrieval:
        """The k best passages with ranks and scores, whether they answer or not, for an `Answer.searched_for`."""
        return retrieve(self.index, self.encoder, search, k, only=only)

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, newest first, those without a date last, then by title."""
        return self.newest(-1)

    def newest(self, limit: int) -> tuple[Article, ...]:
        """The first of them, ``limit`` at most: their texts alone are read."""
        return tuple(self.index.corpus.newest(limit))

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        return self.index.corpus.article(article_id)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is searched for, where, and whether the newest is wanted."""

    reading: Reading
    only: Only
    latest: bool


def _task(index: Index, reading: Reading, given: Only | None) -> _Task:
    """Take what a question says about the time of the reports out of it, and add it to the filter that was given."""
    only = read_only(given.since, given.until, given.outlets, index.outlets) if given else Only()
    said = read_time(reading.text)
    period = resolve(said.period, index.days()) if said.period else None
    if period is None:
        return _Task(reading, only, said.latest)
    keywords = keywords_of(said.text, index.lexical)
    rest = replace(reading, text=said.text, topic=read_time(reading.topic).text, keywords=keywords)
    return _Task(rest, both(only, period), said.latest)


def _printable(text: str) -> str:
    """Without halves of surrogate pairs, from bytes that were no text: they can be neither encoded nor printed."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _has_most(answer: Answer, keywords: Sequence[str]) -> bool:
    """Whether the first quote has two thirds of the words or more, in some inflection."""
    if not answer.citations:
        return False
    quoted = stems(words(plain_text(answer.citations[0].quote)))
    return 3 * sum(word[:STEM] in quoted for word in keywords) >= 2 * len(keywords)
