"""The newest of nearly equal evidence, for questions that ask for the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.types import Article

#: Sentences whose log-odds lie at most so far below the best count as equal. The price where dates say nothing, over
#: XQuAD's German paragraphs under random dates (``python -m eval.filters --latest``): the first quote holds the answer
#: to .791 of the questions answered, with 0.25 to .793, 0.5 .790, 0.75 .786, 1.0 .778, 1.25 .769.
NEARLY_EQUAL = 0.5


class Dated(Protocol):
    """A sentence of an article with the log-odds that it answers."""

    @property
    def article(self) -> Article:
        """Where it stands."""

    @property
    def logit(self) -> float:
        """Log-odds."""


E = TypeVar("E", bound=Dated)


def newest_first(evidence: Sequence[E], within: float = NEARLY_EQUAL) -> list[E]:
    """What is nearly as good as the best by the day of its article, newest first; behind it the rest as it was.

    Articles without a date come last of the first part. The hour does not count: of one day the better one is first.

    Args:
        evidence: Best first.
        within: How far below the best counts as equal, in log-odds, at least 0.
    """
    near = [one for one in evidence if one.logit >= evidence[0].logit - within]
    rest = evidence[len(near) :]
    return [*sorted(near, key=lambda one: (one.article.published or "")[:10], reverse=True), *rest]
