"""The bot: a question in, an `Answer` out. It holds one immutable index; a reload swaps the reference."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from qa.answer import PASSAGES, THRESHOLD, compose
from qa.retrieve import Retrieval, retrieve
from qa.text import normalise

if TYPE_CHECKING:
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

    def ask(self, question: str, top: int = 4) -> Answer:
        """Answer one question with at most ``top`` quotes, or abstain. Any text is a question."""
        started = perf_counter()
        index = self.index
        # Half of a surrogate pair, from bytes that were no text, can be neither encoded nor printed.
        question = question.encode("utf-8", "replace").decode("utf-8")
        asked = normalise(question)[:LONGEST_QUESTION]
        retrieval = retrieve(index, self.encoder, asked, PASSAGES)
        composing = perf_counter()
        answer = compose(index, question, retrieval, top=top, threshold=self.threshold)
        now = perf_counter()
        timings = {
            **retrieval.timings_ms,
            "answer": (now - composing) * 1000,
            "total": (now - started) * 1000,
        }
        return replace(answer, searched_for=asked, timings_ms=timings)

    def explain(self, question: str, k: int) -> Retrieval:
        """The k best passages with ranks and scores, whether they answer or not."""
        return retrieve(self.index, self.encoder, normalise(question)[:LONGEST_QUESTION], k)

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, newest first, those without a date last, then by title."""
        dated = sorted(self.index.corpus.articles(), key=lambda article: article.label)
        return tuple(sorted(dated, key=lambda article: article.published or "", reverse=True))

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        return self.index.corpus.article(article_id)
