"""Where articles differ on a figure: the same thing counted, and values that cannot both be true."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.quoting.highlight import ranked
from qa.quoting.quantities import quantities
from qa.quoting.words import read_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qa.quoting.asked import Asked
    from qa.quoting.evidence import Evidence
    from qa.quoting.quantities import Quantity
    from qa.types import Lang

#: Content words, beside what is counted, that two sentences must share for their figures to be of one thing ("1500
#: Soldaten aus Nordkorea" and "3000 Soldaten aus Nordkorea", but not "500 Soldaten der Ukraine").
SHARED = 1
#: The same where the question asks for no amount, so that nothing else says that the figures are of one thing.
SHARED_UNASKED = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """A sentence with the quantity in it that is compared."""

    evidence: Evidence
    quantity: Quantity
    words: frozenset[str]


def differing(asked: Asked, evidence: Iterable[Evidence]) -> list[Counted]:
    """Sentences of different articles whose figures for one thing cannot all be true, best first; else none.

    Compared are counts with one noun ("1.500 Soldaten", "mehr als 10.000 Soldaten") and quantities with one unit, in
    sentences that share a further content word. Two values differ when neither is the other rounded, nor inside "more
    than", "up to" or "about" (`Quantity.allows`). Of each article its best sentence counts; one that itself gives a value
    that another's allows does not differ from it, for it tells of several times or parts.

    Args:
        asked: What the question asks for. When that is an amount, only figures that could answer it are compared.
        evidence: Weighed sentences, best first.
    """
    by_article: dict[str, list[Counted]] = {}
    for one in _comparable(asked, list(evidence)):
        # Only the best sentence of an article: others tell of what was, or of what may be.
        own = by_article.setdefault(one.evidence.article.id, [one])
        if own[0] is not one and own[0].evidence is one.evidence:
            own.append(one)
    chosen: list[str] = []
    for article, own in by_article.items():
        if all(_differ(own, by_article[other], asked) for other in chosen):
            chosen.append(article)
    return [by_article[article][0] for article in chosen] if len(chosen) > 1 else []


def _comparable(asked: Asked, evidence: Sequence[Evidence]) -> list[Counted]:
    """The figures with the noun or unit that is asked for, or that most articles have."""
    found = [
        Counted(one, quantity, _content(one.quote, one.article.lang, quantity))
        for one in evidence
        for quantity in _figures(asked, one)
        if quantity.noun and not quantity.vague
    ]
    articles: dict[str, set[str]] = {}
    for one in found:
        articles.setdefault(one.quantity.noun, set()).add(one.evidence.article.id)
    if asked.kind == "amount":
        fitting = {noun for noun in articles if any(_same_noun(noun, other) for other in asked.noun)}
        if fitting:
            return [one for one in found if one.quantity.noun in fitting]
        if any(one.evidence.article.lang == asked.lang for one in found) and asked.noun:
            return []
    most = Counter({noun: len(ids) for noun, ids in articles.items()}).most_common(1)
    if not most:
        return []
    return [one for one in found if _same_noun(one.quantity.noun, most[0][0])]


def _figures(asked: Asked, one: Evidence) -> list[Quantity]:
    lang: Lang = one.article.lang
    if asked.kind != "amount":
        return [quantity for quantity in quantities(one.quote, lang) if quantity.unit in ("count", "money")]
    found = [scored.phrase.quantity for scored in ranked(asked, one.quote, lang)]
    return [quantity for quantity in found if quantity is not None and _fits(asked, quantity)]


def _fits(asked: Asked, quantity: Quantity) -> bool:
    return quantity.unit in asked.units if asked.units else quantity.unit == "count"


def _same_noun(one: str, other: str) -> bool:
    """Whether two stems are of one noun, by their beginning also across languages ("soldat", "soldier")."""
    if one == other:
        return True
    return (
        len(one) > _BEGINNING
        and len(other) > _BEGINNING
        and one[:_BEGINNING] == other[:_BEGINNING]
        and (
            abs(len(one) - len(other)) <= 2  # noqa: PLR2004 - "soldat", "soldier"; not "haus", "haushalt"
        )
    )


_BEGINNING = 4


def _content(quote: str, lang: Lang, quantity: Quantity) -> frozenset[str]:
    return frozenset(
        word.stem
        for word in read_words(quote, lang)
        if word.content and not word.digits and word.stem != quantity.noun and len(word.stem) >= _BEGINNING
    )


def _differ(own: Sequence[Counted], other: Sequence[Counted], asked: Asked) -> bool:
    least = SHARED if asked.kind == "amount" else SHARED_UNASKED
    if not any(_shared(one, two) >= least for one in own for two in other):
        return False
    return not any(one.quantity.allows(two.quantity) for one in own for two in other)


def _shared(one: Counted, other: Counted) -> int:
    if one.evidence.article.lang == other.evidence.article.lang:
        return sum(
            any(
                mine == its or (len(mine) > _BEGINNING and (its.startswith(mine) or mine.startswith(its)))
                for its in other.words
            )
            for mine in one.words
        )
    return sum(any(mine[:_BEGINNING] == its[:_BEGINNING] for its in other.words) for mine in one.words)
