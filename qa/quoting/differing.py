"""Where articles differ on a figure: the same thing counted, and values that cannot both be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.quoting.quantities import quantities
from qa.quoting.words import counted_groups, read_words, same_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qa.quoting.asked import Asked
    from qa.quoting.evidence import Evidence
    from qa.quoting.quantities import Quantity
    from qa.types import Lang

#: Content words, beside what is counted, that two sentences must share for their figures to be of one thing ("1500
#: Soldaten aus Nordkorea" and "3000 Soldaten aus Nordkorea", but not "500 Soldaten der Ukraine").
SHARED = 1
#: The same for figures that have only a unit in common: "12 Prozent" of what?
SHARED_UNIT = 2
#: The same where the question asks for no amount, so that nothing else says that the figures are of one thing.
SHARED_UNASKED = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """A sentence with the quantity in it that is compared."""

    evidence: Evidence
    quantity: Quantity

    @property
    def words(self) -> frozenset[str]:
        """Stems of the content words of the sentence, but for what is counted."""
        return _content(self.evidence.quote, self.evidence.article.lang, self.quantity)


def differing(asked: Asked, evidence: Iterable[Evidence]) -> list[Counted]:
    """Sentences of different articles whose figures for one thing cannot all be true, best first; else none.

    Compared are counts with one noun ("1.500 Soldaten", "mehr als 10.000 Soldaten") and quantities with one unit, in
    sentences that share a further content word. Two values differ when neither is the other rounded, nor inside "more
    than", "up to" or "about" (`Quantity.allows`). Of each article its best sentence counts; where that gives several
    values and one is allowed by another article's, the two do not differ: it tells of several times or parts.

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
    """The figures with the noun that is asked for, or that the question speaks of where it asks for no amount."""
    found = [
        Counted(one, quantity)
        for one in evidence
        for quantity in _figures(asked, one)
        if quantity.noun and not quantity.vague and _on_topic(asked, one)
    ]
    if asked.units:
        # "Wie teuer": the best sentence says in which unit.
        noun = found[0].quantity.noun if found and found[0].evidence is evidence[0] else ""
        return [one for one in found if noun and _same_noun(one.quantity.noun, noun)]
    nouns = asked.noun if asked.kind == "amount" else tuple(word.stem for word in asked.words if word.content)
    return [one for one in found if any(_same_noun(one.quantity.noun, noun) for noun in nouns)]


def _on_topic(asked: Asked, one: Evidence) -> bool:
    """Whether a sentence has a content word of the question beside the noun that is asked for, where there is one."""
    other = [word for word in asked.words if word.content and word.stem not in asked.noun]
    crossed = asked.lang != one.article.lang
    return not other or any(
        same_word(word, its, crossed=crossed)
        for its in read_words(one.quote, one.article.lang)
        if its.content
        for word in other
    )


def _figures(asked: Asked, one: Evidence) -> list[Quantity]:
    found = quantities(one.quote, one.article.lang)
    if asked.kind != "amount":
        return [quantity for quantity in found if quantity.unit in ("count", "money")]
    return [quantity for quantity in found if _fits(asked, quantity)]


def _fits(asked: Asked, quantity: Quantity) -> bool:
    return quantity.unit in asked.units if asked.units else quantity.unit == "count"


#: Letters at the beginning that make two nouns one when they are about as long: "soldat" and "soldier", not "haus" and
#: "haushalt".
_BEGINNING = 4
_LONGER = 2


def _same_noun(one: str, other: str) -> bool:
    """Whether two stems are of one noun, across languages by their beginning or by the list of what news count."""
    if one == other or any(one in group and other in group for group in counted_groups()):
        return True
    long = min(len(one), len(other)) > _BEGINNING and abs(len(one) - len(other)) <= _LONGER
    return long and one[:_BEGINNING] == other[:_BEGINNING]


def _content(quote: str, lang: Lang, quantity: Quantity) -> frozenset[str]:
    return frozenset(
        word.stem
        for word in read_words(quote, lang)
        if word.content and not word.digits and word.stem != quantity.noun and len(word.text) >= _BEGINNING
    )


def _differ(own: Sequence[Counted], other: Sequence[Counted], asked: Asked) -> bool:
    unit = own[0].quantity.unit
    least = SHARED_UNASKED if asked.kind != "amount" else SHARED if unit == "count" else SHARED_UNIT
    if not any(_shared(one, two) >= least for one in own for two in other):
        return False
    return not any(one.quantity.allows(two.quantity) for one in own for two in other)


def _shared(one: Counted, other: Counted) -> int:
    """How many content words of one sentence the other has too."""
    same = one.evidence.article.lang == other.evidence.article.lang
    return sum(any(_like(mine, its, whole=same) for its in other.words) for mine in one.words)


def _like(one: str, other: str, *, whole: bool) -> bool:
    if whole:
        short, long = sorted((one, other), key=len)
        return one == other or (len(short) > _BEGINNING and long.startswith(short))
    return one[:_BEGINNING] == other[:_BEGINNING]
