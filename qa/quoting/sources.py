"""Several sources: what is quoted of which article, in which order, and what is said more than once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from qa.quoting.differing import differing
from qa.quoting.evidence import Evidence
from qa.quoting.runs import grown, run_around
from qa.recency import NEARLY_EQUAL, newest_first
from qa.text import content_words
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qa.quoting.asked import Asked
    from qa.quoting.differing import Counted

#: Share of content words in common from which two sentences are one (agency copy).
SAME_SENTENCE = 0.8

#: Sentences of which one is shorter than this share of the other are not compared: four fifths of the content words do
#: not fit into half of the letters.
SAME_LENGTH = 0.5

#: How far below the best sentence, in log-odds, another one may lie to be quoted too. On OMoS-QA train, where half a
#: page may answer, F1 of the quotes still rises slowly past it (0.217 at 1.0, 0.232 at 1.5, 0.238 at 2.0) while
#: precision falls (0.288, 0.281, 0.275).
FURTHER_QUOTE = 1.5

#: So much further below a sentence may lie that only says again what is quoted, or gives another figure.
BESIDE = 1.25

#: Log-odds of a line (`qa.quoting.lines`) from which it joins a quote of its page. F1 of the lines quoted on OMoS-QA
#: train (``python -m qa.train.stretches``) is .470 here and flat: .461 from -2, .474 from -1.5, .471 from -1.25. Of
#: those the highest is taken at which, over all pages of dev, no measure of `qa eval` falls below its floor: from -1.5
#: fewer questions have a quote that answers (eval/LOG.md).
BELONGS = -1.75

#: How far below the best sentence a line of its page may lie to be quoted too, if it belongs: with 1.5 recall on
#: OMoS-QA train is .04 lower and precision .02 higher, with 6 the other way round, F1 within .005.
FURTHER_LINE = 3.0

#: So much below `BELONGS` a line of another page may lie to be quoted as one of the nearest (`FURTHER_QUOTE`). Over all
#: pages of OMoS-QA dev 51 of 100 quotes hold a line that answers, with no such bound 47, with 0.5 52; any of four
#: does for 72, 73 and 66 of 100 questions.
ELSEWHERE = 1.5

#: Log-odds from which a paragraph of one sentence joins a quote where the page is not one of lines: it stands beside
#: paragraphs of several, and its log-odds as a line are not known.
JOINED = -6.0

#: Articles named for one quote with "also in"; agency copy can stand in dozens.
REPEATS = 5

#: Log-odds within which two articles are taken to answer equally well, so that the newer one comes first. Of 66
#: questions of XQuAD whose two best articles lie closer, the better one was right in 31, no more than chance; further
#: apart in 58 to 88 of 100.
EQUAL = 0.15


@dataclass(frozen=True, slots=True)
class Chosen:
    """A quote.

    Attributes:
        evidence: The best sentence of it.
        span: What is quoted: the sentence or a run with it.
        repeats: Sentences of other articles that say the same, best first.
        counted: Its figure, where the articles differ on it.
    """

    evidence: Evidence
    span: Span
    repeats: tuple[Evidence, ...] = ()
    counted: Counted | None = None


@dataclass(slots=True)
class _Picked:
    evidence: Evidence
    repeats: list[Evidence] = field(default_factory=list)
    counted: Counted | None = None


def choose(asked: Asked, evidence: Sequence[Evidence], top: int, *, latest: bool = False) -> list[Chosen]:
    """What to quote, in the order shown: quotes of one article together, best first, of equally good ones the newer.

    Args:
        asked: What the question asks for.
        evidence: Weighed sentences, best first, at least one.
        top: Most quotes, repeats not counted.
        latest: Whether the newest is asked for: then more sentences count as equally good (`qa.recency`).
    """
    likely = _likely(evidence)
    picked = _pick(newest_first(evidence) if latest else evidence, top, evidence[0], likely)
    # Where no amount is asked for, figures are compared in what is quoted anyway.
    compared = _near(evidence) if asked.kind == "amount" else [one.evidence for one in picked]
    _seat_figures(picked, differing(asked, compared), top)
    for one in picked:
        _find_repeats(one, picked, evidence)
    return _ordered(_as_runs(picked, likely), NEARLY_EQUAL if latest else EQUAL)


def _near(evidence: Sequence[Evidence]) -> list[Evidence]:
    return [one for one in evidence if one.logit >= evidence[0].logit - FURTHER_QUOTE - BESIDE]


def _pick(
    evidence: Sequence[Evidence], top: int, best: Evidence, likely: Mapping[str, Sequence[Span]]
) -> list[_Picked]:
    picked: list[_Picked] = []
    runs: list[tuple[str, Span]] = []
    for one in evidence:
        if len(picked) == top or one.logit < best.logit - max(FURTHER_QUOTE, FURTHER_LINE):
            break
        if picked and not _further(one, best):
            continue
        if any(same_sentence(one.quote, other.evidence.quote) for other in picked):
            continue
        if one.line is not None:
            if any(name == one.article.id and _overlap(run, one.span) for name, run in runs):
                continue
            runs.append((one.article.id, _run(one, likely)))
        picked.append(_Picked(one))
    return picked


def _further(one: Evidence, best: Evidence) -> bool:
    """Whether a sentence is near enough to the best one to be quoted beside it."""
    if one.line is None:
        return one.logit >= best.logit - FURTHER_QUOTE
    if one.article.id == best.article.id:
        return one.logit >= best.logit - FURTHER_LINE and one.line >= BELONGS
    return one.logit >= best.logit - FURTHER_QUOTE and one.line >= BELONGS - ELSEWHERE


def _likely(evidence: Sequence[Evidence]) -> dict[str, list[Span]]:
    """By article, the sentences that may join a quote, best first."""
    found: dict[str, list[Span]] = {}
    lines = [one for one in evidence if one.line is not None and one.line >= BELONGS]
    prose = [one for one in evidence if one.line is None and one.logit >= JOINED]
    for one in [*sorted(lines, key=lambda one: -(one.line or 0.0)), *prose]:
        found.setdefault(one.article.id, []).append(one.span)
    return found


def _run(one: Evidence, likely: Mapping[str, Sequence[Span]]) -> Span:
    """What is quoted for a sentence."""
    article = one.article
    return grown(article.text, run_around(article, one.span), likely.get(article.id, ()))


def _seat_figures(picked: list[_Picked], figures: Sequence[Counted], top: int) -> None:
    """See to it that each figure the articles differ on is quoted: the best quote stays, others make room."""
    for counted in figures:
        seat = next((one for one in picked if one.evidence is counted.evidence), None)
        if seat is None:
            if len(picked) >= top:
                free = [
                    one
                    for one in picked[1:]
                    if one.counted is None and all(f.evidence is not one.evidence for f in figures)
                ]
                if not free:
                    continue
                picked.remove(free[-1])
            seat = _Picked(counted.evidence)
            picked.append(seat)
        seat.counted = counted
    seated = [one for one in picked if one.counted]
    if len(seated) == 1:
        seated[0].counted = None


def _find_repeats(one: _Picked, picked: Sequence[_Picked], evidence: Sequence[Evidence]) -> None:
    """Sentences of other articles that say the same; the newest of equally good ones is the one that is quoted."""
    taken = {id(other.evidence) for other in picked}
    for other in _near(evidence):
        if len(one.repeats) == REPEATS:
            break
        here = {one.evidence.article.id, *(repeat.article.id for repeat in one.repeats)}
        if other.article.id in here or id(other) in taken or not same_sentence(other.quote, one.evidence.quote):
            continue
        one.repeats.append(other)
    if one.counted is None:
        alike = [one.evidence, *(other for other in one.repeats if one.evidence.logit - other.logit < EQUAL)]
        newest = max(alike, key=lambda other: other.article.published or "")
        if (newest.article.published or "") > (one.evidence.article.published or ""):
            one.repeats[one.repeats.index(newest)] = one.evidence
            one.evidence = newest


def same_sentence(one: str, other: str) -> bool:
    """Whether two sentences say the same in nearly the same words; another number makes another sentence."""
    if one == other:
        return True
    if min(len(one), len(other)) < SAME_LENGTH * max(len(one), len(other)):
        return False
    first, second = _content(one), _content(other)
    union = first | second
    if not union or len(first & second) / len(union) < SAME_SENTENCE:
        return False
    return all(not word[0].isdigit() for word in first ^ second)


@lru_cache(maxsize=1024)
def _content(sentence: str) -> frozenset[str]:
    return frozenset(content_words(sentence))


def _as_runs(picked: Sequence[_Picked], likely: Mapping[str, Sequence[Span]]) -> list[Chosen]:
    """Quotes as runs; those of one article that overlap become one."""
    runs: list[Chosen] = []
    for one in picked:
        new = Chosen(one.evidence, _run(one.evidence, likely), tuple(one.repeats), one.counted)
        apart = []
        for other in runs:
            if other.evidence.article.id == new.evidence.article.id and _overlap(other.span, new.span):
                new = _joined(other, new)
            else:
                apart.append(other)
        runs = [*apart, new]
    return runs


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _joined(one: Chosen, other: Chosen) -> Chosen:
    best = one if one.evidence.logit >= other.evidence.logit else other
    span = Span(min(one.span.start, other.span.start), max(one.span.end, other.span.end))
    return replace(best, span=span, repeats=one.repeats or other.repeats, counted=one.counted or other.counted)


def _ordered(chosen: Sequence[Chosen], within: float) -> list[Chosen]:
    """The quotes of one article together, in order of the articles' best; ``within`` so much of it, newest first."""
    best: dict[str, float] = {}
    published: dict[str, str] = {}
    for one in chosen:
        name = one.evidence.article.id
        best[name] = max(one.evidence.logit, best.get(name, one.evidence.logit))
        published[name] = one.evidence.article.published or ""
    order: list[str] = []
    left = sorted(best, key=lambda name: -best[name])
    while left:
        equal = [name for name in left if best[name] >= best[left[0]] - within]
        newest = max(equal, key=lambda name: (published[name], best[name]))
        order.append(newest)
        left.remove(newest)
    return sorted(chosen, key=lambda one: (order.index(one.evidence.article.id), -one.evidence.logit))
