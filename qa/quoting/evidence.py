"""Sentences that were weighed against a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.types import Article, Span


@dataclass(frozen=True, slots=True)
class Evidence:
    """A candidate sentence with the log-odds that it answers.

    Attributes:
        article: Where it stands.
        span: The sentence, or the run of sentences around it that is quoted.
        logit: Log-odds that the sentence answers.
        candidate: Position of its passage among those found.
        line: On a page of lines, log-odds that it belongs to what answers (`qa.quoting.lines`); None elsewhere.
    """

    article: Article
    span: Span
    logit: float
    candidate: int
    line: float | None = None

    @property
    def quote(self) -> str:
        """The sentence."""
        return self.span.of(self.article.text)
