"""The bot: a question in, an `Answer` out. It holds one immutable index; a reload swaps the reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from qa.answer import PASSAGES, THRESHOLD, best_logit, compose
from qa.conversation import resolve
from qa.filter_text import filtered_abstention
from qa.only import both, read_only
from qa.periods import resolve as period_filter
from qa.retrieve import Retrieval, retrieve
from qa.text import normalise
from qa.types import Only
from qa.when import read_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.conversation import Search
    from qa.index import Index
    from qa.types import Answer, Article, Encoder

#: Longer questions are cut here before they are searched: the encoder reads 256 tokens, about 1,200 characters.
LONGEST_QUESTION = 2000


class Bot:
    """Answers questions from one index; safe to use from many threads."""

    def __init__(self, index: Index, encoder: Encoder, *, threshold: float | None = None) -> None:
        """A bot over a loaded index.

        Args:
            index: A published build.
            encoder: The one it was built with.
            threshold: Confidence below which it abstains; None takes the fitted one.
        """
        self.index = index
        self.encoder = encoder
        self.threshold = THRESHOLD if threshold is None else threshold

    @property
    def index_id(self) -> str | None:
        """Name of the build it answers from."""
        return self.index.id

    @property
    def built(self) -> str | None:
        """When that build was made: UTC, ISO 8601."""
        return self.index.manifest.created

    @property
    def outlets(self) -> tuple[str, ...]:
        """The outlets of the articles, by name: what a filter may name."""
        return self.index.outlets

    @property
    def days(self) -> tuple[str, ...]:
        """The days on which articles were published, as ``2024-10-24``, ascending."""
        return self.index.days()

    def ask(self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None) -> Answer:
        """Answer one question with at most ``top`` quotes, or abstain. Any text is a question.

        Args:
            question: As typed.
            top: Most quotes.
            history: The earlier questions of the conversation, oldest first. They help to find what a question that
                leans on them asks for (`qa.conversation`), and change nothing for one that stands on its own.
            only: Which articles may answer. What the question itself restricts them to (`qa.when`) comes on top.

        Raises:
            FilterError: ``only`` has a date that is none, or an outlet that no article is from.
        """
        started = perf_counter()
        index = self.index
        question = _printable(question)
        search = resolve(_asked(question), [_asked(_printable(one)) for one in history])
        task = _task(index, search, only)
        timings: dict[str, float] = {}
        answer = self._answer(index, question, task, top, timings)
        if task.only and answer.status == "abstained":
            without = perf_counter()
            elsewhere = self._answer(index, question, replace(task, only=Only()), top, {}).status == "answered"
            message = filtered_abstention(task.only, answer.lang, elsewhere=elsewhere)
            answer = replace(answer, message=message, only=task.only)
            timings["without_filter"] = (perf_counter() - without) * 1000
        timings["total"] = (perf_counter() - started) * 1000
        return replace(answer, searched_for=task.search, timings_ms=timings, only=task.only)

    def _answer(self, index: Index, question: str, task: _Task, top: int, timings: dict[str, float]) -> Answer:
        """Look a question up and answer it; the stages are added to ``timings``."""
        started = perf_counter()
        leaned_on = -math.inf
        if task.topic:
            found = retrieve(index, self.encoder, task.topic, PASSAGES, only=task.only)
            leaned_on = best_logit(index, task.topic, found)
            timings["topic"] = (perf_counter() - started) * 1000
        retrieval = retrieve(index, self.encoder, task.search, PASSAGES, only=task.only)
        composing = perf_counter()
        answer = compose(
            index,
            question,
            retrieval,
            top=top,
            threshold=self.threshold,
            searched_for=task.search if task.rewritten else None,
            leaned_on=leaned_on,
            latest=task.latest,
        )
        timings |= {**retrieval.timings_ms, "answer": (perf_counter() - composing) * 1000}
        return answer

    def explain(self, question: str, k: int, only: Only | None = None) -> Retrieval:
        """The k best passages with ranks and scores, whether they answer or not, among those that ``only`` lets in."""
        return retrieve(self.index, self.encoder, _asked(question), k, only=only)

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, newest first, those without a date last, then by title."""
        dated = sorted(self.index.corpus.articles(), key=lambda article: article.label)
        return tuple(sorted(dated, key=lambda article: article.published or "", reverse=True))

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        return self.index.corpus.article(article_id)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is searched for and where; ``rewritten`` says that it is not the question as typed."""

    search: str
    topic: str
    rewritten: bool
    only: Only
    latest: bool


def _task(index: Index, search: Search, given: Only | None) -> _Task:
    """Take what a question says about time out of it, and add it to the filter that was given."""
    only = read_only(given.since, given.until, given.outlets, index.outlets) if given else Only()
    said = read_time(search.text)
    period = period_filter(said.period, index.days()) if said.period else None
    if period is None:
        return _Task(search.text[:LONGEST_QUESTION], search.topic, bool(search.topic), only, said.latest)
    topic = read_time(search.topic).text
    return _Task(said.text[:LONGEST_QUESTION], topic, True, both(only, period), said.latest)


def _printable(text: str) -> str:
    """Without halves of surrogate pairs, from bytes that were no text: they can be neither encoded nor printed."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _asked(question: str) -> str:
    return normalise(question)[:LONGEST_QUESTION]
