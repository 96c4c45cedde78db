"""The bot: a question in, an `Answer` out. It holds one immutable index; a reload swaps the reference."""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from qa.answer import PASSAGES, THRESHOLD, best_logit, compose
from qa.conversation import resolve
from qa.retrieve import Retrieval, retrieve
from qa.text import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def ask(self, question: str, top: int = 4, history: Sequence[str] = ()) -> Answer:
        """Answer one question with at most ``top`` quotes, or abstain. Any text is a question.

        Args:
            question: As typed.
            top: Most quotes.
            history: The earlier questions of the conversation, oldest first. They help to find what a question that
                leans on them asks for (`qa.conversation`), and change nothing for one that stands on its own.
        """
        started = perf_counter()
        index = self.index
        question = _printable(question)
        search = resolve(_asked(question), [_asked(_printable(one)) for one in history])
        searched_for = search.text[:LONGEST_QUESTION]
        timings: dict[str, float] = {}
        leaned_on = -math.inf
        if search.topic:
            leaned_on = best_logit(index, search.topic, retrieve(index, self.encoder, search.topic, PASSAGES))
            timings["topic"] = (perf_counter() - started) * 1000
        retrieval = retrieve(index, self.encoder, searched_for, PASSAGES)
        composing = perf_counter()
        answer = compose(
            index,
            question,
            retrieval,
            top=top,
            threshold=self.threshold,
            searched_for=searched_for if search.topic else None,
            leaned_on=leaned_on,
        )
        now = perf_counter()
        timings |= {**retrieval.timings_ms, "answer": (now - composing) * 1000, "total": (now - started) * 1000}
        return replace(answer, searched_for=searched_for, timings_ms=timings)

    def explain(self, question: str, k: int) -> Retrieval:
        """The k best passages with ranks and scores, whether they answer or not."""
        return retrieve(self.index, self.encoder, _asked(question), k)

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, newest first, those without a date last, then by title."""
        dated = sorted(self.index.corpus.articles(), key=lambda article: article.label)
        return tuple(sorted(dated, key=lambda article: article.published or "", reverse=True))

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        return self.index.corpus.article(article_id)


def _printable(text: str) -> str:
    """Without halves of surrogate pairs, from bytes that were no text: they can be neither encoded nor printed."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _asked(question: str) -> str:
    return normalise(question)[:LONGEST_QUESTION]
