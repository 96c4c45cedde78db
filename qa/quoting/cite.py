"""Chosen quotes to numbered citations, and the figures on which they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qa.quoting.highlight import highlight
from qa.types import Citation, Figure, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qa.quoting.asked import Asked
    from qa.quoting.evidence import Evidence
    from qa.quoting.sources import Chosen


#: How far below the best sentence, in log-odds, another may lie for its phrase to be set in bold. On XQuAD the phrase
#: found in the best quote meets the gold answer in 36 to 83 % by kind and language, in quotes up to 0.3 below in 7 to
#: 43 %, in those further below in 5 to 33 % (eval/LOG.md). What is bold in a better quote is bold in another too.
NEAR = 0.3


def cite(asked: Asked, chosen: Sequence[Chosen], confidence: Callable[[float], float]) -> tuple[Citation, ...]:
    """Number the quotes in the order given, and after them the sentences that repeat one.

    Args:
        asked: What the question asks for: it decides what is set in bold.
        chosen: The quotes.
        confidence: Log-odds to probability.
    """
    bold = _bold_phrases(asked, chosen)
    citations = [
        _citation(number, one.evidence, one.span, confidence, bold.get(number))
        for number, one in enumerate(chosen, start=1)
    ]
    for number, one in enumerate(chosen, start=1):
        for repeat in one.repeats:
            same = highlight(asked, repeat.quote, repeat.article.lang) if number in bold else None
            citations.append(_citation(len(citations) + 1, repeat, repeat.span, confidence, same, same_as=number))
    return tuple(citations)


def _bold_phrases(asked: Asked, chosen: Sequence[Chosen]) -> dict[int, Span]:
    """What is set in bold in each quote, by its number."""
    best = max((one.evidence.logit for one in chosen), default=0.0)
    found: dict[int, Span] = {}
    seen: set[str] = set()
    for number, one in sorted(enumerate(chosen, start=1), key=lambda pair: -pair[1].evidence.logit):
        near = one.evidence.logit >= best - NEAR
        if not (near or seen or one.counted):
            continue
        span = _bold(asked, one)
        if span is None:
            continue
        phrase = span.of(one.span.of(one.evidence.article.text))
        if near or one.counted or phrase in seen:
            found[number] = span
            seen.add(phrase)
    return found


def figures(chosen: Sequence[Chosen], citations: Sequence[Citation]) -> tuple[Figure, ...]:
    """The figures that the quotes were chosen for because they differ, in the order of the quotes."""
    found = []
    for one, citation in zip(chosen, citations, strict=False):
        if one.counted is not None:
            span = _shifted(one.counted.quantity.span, one)
            found.append(
                Figure(citation.number, span.of(citation.quote), one.counted.quantity.value, span.start, span.end)
            )
    return tuple(found)


def _bold(asked: Asked, one: Chosen) -> Span | None:
    """The phrase that answers: in the sentence itself, else in the list after it."""
    if one.counted is not None and asked.kind == "amount":
        return _shifted(one.counted.quantity.span, one)
    article = one.evidence.article
    found = highlight(asked, one.evidence.quote, article.lang)
    if found is not None:
        return _shifted(found, one)
    if one.span.end > one.evidence.span.end:
        return highlight(asked, one.span.of(article.text), article.lang)
    return None


def _shifted(span: Span, one: Chosen) -> Span:
    """A span inside the sentence as one inside the run."""
    shift = one.evidence.span.start - one.span.start
    return Span(span.start + shift, span.end + shift)


def _citation(
    number: int,
    one: Evidence,
    span: Span,
    confidence: Callable[[float], float],
    bold: Span | None,
    *,
    same_as: int | None = None,
) -> Citation:
    article = one.article
    return Citation(
        number,
        article.id,
        article.title,
        article.outlet,
        article.published,
        article.url,
        span.of(article.text),
        span.start,
        span.end,
        article.lang,
        confidence(one.logit),
        article.also,
        bold,
        same_as,
    )
