"""What one answer is worth, judged against what its question expects. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.corpus import Corpus
    from qa.measuring.questions import Question
    from qa.types import Answer, Citation

#: Measures of a single answer, and what each is a share of. `correct` is the one that sums up.
MEASURES: Mapping[str, str] = {
    "correct": "right quotes shown, or rightly silent; of all questions",
    "first": "evidence met by the first quote alone; of answerable questions, silences counting as misses",
    "found": "evidence met by the quotes shown; of answerable questions, silences counting as misses",
    "quote precision": "quotes that carry evidence; mean over answerable questions that were answered",
    "citation accuracy": "quotes from an article that answers; mean over answerable questions that were answered",
    "exactness": "quotes that stand in the article letter by letter where the citation says; over all answers",
    "answered": "answerable questions that were answered",
    "abstained": "questions without an answer on which it was silent (recall of silence)",
    "silence precision": "silences on questions without an answer; of all silences",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote as it was shown or held back, and whether it carries evidence."""

    article_id: str
    start: int
    end: int
    text: str
    carries: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Scores by `MEASURES`, whether the quotes are right whether shown or not, and the quotes."""

    scores: Mapping[str, float]
    right: bool
    quotes: tuple[Quote, ...]


def judge(question: Question, answer: Answer, corpus: Corpus, *, answered: bool) -> Verdict:
    """Judge an answer.

    Args:
        question: With article ids.
        answer: What was shown, or what would have been shown had it not abstained.
        corpus: Where quotes are looked up.
        answered: Whether it was shown.
    """
    met = [
        question.met_by(citation.quote) if citation.article_id in question.articles else frozenset[int]()
        for citation in answer.citations
    ]
    quotes = tuple(
        Quote(citation.article_id, citation.start, citation.end, citation.quote, bool(lists))
        for citation, lists in zip(answer.citations, met, strict=True)
    )
    wanted = frozenset(range(len(question.evidence)))
    at_home = [citation.article_id in question.articles for citation in answer.citations]
    if wanted:
        right = question.answerable and frozenset().union(*met) >= wanted
        first = right and met[0] >= wanted
    else:  # A set that only says which articles answer.
        right = question.answerable and any(at_home)
        first = right and at_home[0]
    scores: dict[str, float] = {"correct": float(answered and right if question.answerable else not answered)}
    if question.answerable:
        scores["answered"] = float(answered)
        scores["first"] = float(answered and first)
        scores["found"] = float(answered and right)
        if answered:
            scores["citation accuracy"] = sum(at_home) / len(at_home)
            if wanted:
                scores["quote precision"] = sum(map(bool, met)) / len(met)
    else:
        scores["abstained"] = float(not answered)
    if answered:
        scores["exactness"] = sum(_is_exact(one, corpus) for one in answer.citations) / len(answer.citations)
    else:
        scores["silence precision"] = float(not question.answerable)
    return Verdict(scores, right, quotes)


def _is_exact(citation: Citation, corpus: Corpus) -> bool:
    article = corpus.article(citation.article_id)
    return article is not None and article.text[citation.start : citation.end] == citation.quote != ""
