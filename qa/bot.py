"""The bot: a question in, an `Answer` out. It holds one immutable index; a reload swaps the reference."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from qa.answer import PASSAGES, STEM, THRESHOLD, compose
from qa.asides import reply
from qa.asking import Reading, read
from qa.lexical import plain_text
from qa.retrieve import Retrieval, retrieve
from qa.text import language, words
from qa.types import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.index import Index
    from qa.types import Article, Encoder


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
        """Answer one question with at most ``top`` quotes, or abstain; a greeting and the like gets its own reply.

        Any text is a question. What was searched for it, once it was mended, is ``searched_for``.
        """
        started = perf_counter()
        index = self.index
        # Half of a surrogate pair, from bytes that were no text, can be neither encoded nor printed.
        question = question.encode("utf-8", "replace").decode("utf-8")
        reading = read(question, index.lexical)
        searching = perf_counter()
        if (answer := self._aside(question, reading)) is not None:
            return replace(answer, timings_ms={"total": (searching - started) * 1000})
        retrieval = retrieve(index, self.encoder, reading.text, PASSAGES)
        composing = perf_counter()
        lang = language(question)  # as it was typed: "Which articles mention Kursk?" is searched as "Kursk?"
        answer = compose(index, reading.text, retrieval, top=top, threshold=self.threshold, lang=lang)
        if answer.status == "abstained" and reading.keywords:
            # Words alone say little that a sentence could be similar to: over seeds/ "Haubitzen" has confidence 0.19.
            found = compose(index, reading.text, retrieval, top=top, threshold=0.0, lang=lang)
            answer = found if _has_most(found, reading.keywords) else answer
        now = perf_counter()
        timings = {
            "read": (searching - started) * 1000,
            **retrieval.timings_ms,
            "answer": (now - composing) * 1000,
            "total": (now - started) * 1000,
        }
        return replace(answer, question=question, searched_for=reading.text, timings_ms=timings)

    def _aside(self, question: str, reading: Reading) -> Answer | None:
        """The answer to what is no question to the articles."""
        if reading.aside is None:
            return None
        said = reply(reading.aside, self.index.corpus)
        if said.status == "about" and not said.articles:
            return None  # The answer of an empty index says it better.
        lang = reading.aside.lang
        return Answer(
            question, said.status, said.message, (), 0.0, (), reading.text, lang, self.index.id, articles=said.articles
        )

    def explain(self, question: str, k: int) -> Retrieval:
        """The k best passages with ranks and scores, whether they answer or not."""
        return retrieve(self.index, self.encoder, read(question, self.index.lexical).text, k)

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, newest first, those without a date last, then by title."""
        return tuple(self.index.corpus.newest(-1))

    def article(self, article_id: str) -> Article | None:
        """One indexed article, or None."""
        return self.index.corpus.article(article_id)


def _has_most(answer: Answer, keywords: Sequence[str]) -> bool:
    """Whether the first quote has two thirds of the words or more, in some inflection."""
    if not answer.citations:
        return False
    quoted = {word[:STEM] for word in words(plain_text(answer.citations[0].quote))}
    return 3 * sum(word[:STEM] in quoted for word in keywords) >= 2 * len(keywords)
