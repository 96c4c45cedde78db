"""Verdicts of readers as a question set: what can be measured at once, and what a person must look at first.

A reader's verdict says something sure about an answer in two cases, and these become questions of a set:

- "right", with quotes: the quotes are evidence. One list of alternatives, since the reader said that the answer does,
  not that every quote of it must be there.
- "not in the articles", and "right" for an abstention: a question that is not answerable.

The others say that something is wrong, not what would be right: they are for review, with the quotes and the remark. So
are questions on which readers contradict each other, abstentions under a filter (without it there may be an answer),
and quotes that no longer stand in the articles.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from qa.turns.leaning import leans
from qa.turns.words import read as parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qa.feedback import Feedback

_Claim = Literal["answerable", "not answerable", "unclear"]


@dataclass(frozen=True, slots=True)
class Export:
    """Rows for `qa.measuring.questions`, and rows for a person."""

    questions: tuple[dict[str, Any], ...]
    review: tuple[dict[str, Any], ...]


def export(feedback: Iterable[Feedback], texts: Mapping[str, str] | None = None) -> Export:
    """Sort verdicts into questions and cases for review.

    Args:
        feedback: Oldest first.
        texts: The articles' texts by id, in which the quotes must still stand; None leaves that unchecked.
    """
    by_question: dict[str, list[Feedback]] = {}
    for one in feedback:
        by_question.setdefault(" ".join(asked(one).casefold().split()), []).append(one)
    questions, review = [], []
    for key, group in by_question.items():
        claims = {_claim(one, texts) for one in group}
        if len(claims) == 1 and "unclear" not in claims:
            questions.append(_question(key, group, texts, answerable=claims == {"answerable"}))
        else:
            review += [_case(one, "contradicted" if len(claims) > 1 else _why(one)) for one in group]
    return Export(tuple(questions), tuple(review))


def asked(feedback: Feedback) -> str:
    """The question as it stands on its own: one that leaned on earlier ones, which are not kept, as it was searched."""
    leant = feedback.searched_for.strip() and leans(parse(feedback.question))
    return feedback.searched_for if leant else feedback.question


def _claim(one: Feedback, texts: Mapping[str, str] | None) -> _Claim:
    if one.verdict == "right" and one.status == "answered":
        held = texts is None or all(quote.text in texts.get(quote.article_id, "") for quote in one.quotes)
        return "answerable" if one.quotes and held else "unclear"
    if one.filtered:
        return "unclear"
    if one.verdict == "right" or (one.status == "answered" and one.reason == "not in the articles"):
        return "not answerable"
    return "unclear"


def _why(one: Feedback) -> str:
    if one.verdict == "right":
        return "filtered" if one.filtered else "changed articles"
    return "filtered" if one.filtered and one.reason == "not in the articles" else one.reason or "wrong"


def _question(key: str, group: list[Feedback], texts: Mapping[str, str] | None, *, answerable: bool) -> dict[str, Any]:
    last = group[-1]
    quotes = {quote.text: quote for one in group for quote in one.quotes}
    row: dict[str, Any] = {
        "id": f"feedback-{hashlib.sha256(key.encode()).hexdigest()[:12]}",
        "question": asked(last),
        "lang": last.lang,
        "kind": "feedback",
        "answerable": answerable,
    }
    named = dict.fromkeys(quote.article_id for quote in quotes.values() if texts is None or quote.article_id in texts)
    if named:
        row["articles"] = list(named)
    if answerable:
        row["evidence"] = [list(quotes)]
    return row


def _case(one: Feedback, why: str) -> dict[str, Any]:
    """A case for review; the key ``review`` keeps a question set from taking it as it is."""
    return {
        "review": why,
        "verdict": one.verdict,
        "reason": one.reason,
        "remark": one.remark,
        "question": asked(one),
        "lang": one.lang,
        "status": one.status,
        "articles": list(dict.fromkeys(quote.article_id for quote in one.quotes)),
        "quotes": [quote.text for quote in one.quotes],
        "index_id": one.index_id,
        "at": one.at,
    }
