"""Whether quotes and sentences hold anything of the sort that a question asks for: a figure, a date."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from qa.quoting.phrases import read_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qa.quoting.asked import Asked
    from qa.quoting.evidence import Evidence
    from qa.types import Lang

_NUMBER = re.compile(r"\d+")

#: Log-odds that a sentence loses without the amount or date that is asked for. Of OMoS-QA train's questions for one the
#: first quote is right for .525 at 0, .563 at 0.5 and .576 at 1; of XQuAD's, which chose nothing, for .853, .865 and
#: .860 (eval/LOG.md, "A sentence without the figure").
SENTENCE: Final = 0.5
#: Sentences that are read for it, a third of a millisecond each at the median; the others count as without.
READ: Final = 12


def lacks(asked: Asked, quotes: Iterable[tuple[str, Lang]]) -> bool:
    """Whether a question asks for an amount or a date and no quote has any; of other questions nothing is known.

    Figures of the question itself do not count. A price or a length of time must be one; two years make a length of
    time ("von 1870 bis 1939"), and one makes a date even where it is written unlike one ("13.000 BP").

    Args:
        asked: What the question asks for.
        quotes: Texts with their languages.
    """
    if not _is_known(asked):
        return False
    said = {number for word in asked.words for number in _NUMBER.findall(word.text)}
    return not any(_holds(asked, said, quote, lang) for quote, lang in quotes)


def weighed_down(asked: Asked, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Sentences with log-odds lower by `SENTENCE` where they lack the amount or the date that is asked for.

    Args:
        asked: What the question asks for.
        evidence: Best first.
    """
    if not _is_known(asked):
        return list(evidence)
    kept = {n for n, one in enumerate(evidence[:READ]) if not lacks(asked, [(one.quote, one.article.lang)])}
    return [one if n in kept else replace(one, logit=one.logit - SENTENCE) for n, one in enumerate(evidence)]


def _is_known(asked: Asked) -> bool:
    return asked.kind in ("amount", "date")


def _holds(asked: Asked, said: set[str], quote: str, lang: Lang) -> bool:
    sentence = read_sentence(quote, lang)
    units = {one.unit for one in sentence.quantities.values() if not _is_said(one.number.of(quote), said)}
    dated = any(phrase.sort == "date" for phrase in sentence.phrases)
    if len(asked.units) == 1:
        return asked.units[0] in units or (asked.units[0] == "duration" and dated)
    numbers = any(number not in said for number in _NUMBER.findall(quote))
    if asked.kind == "date":
        return dated or "duration" in units or numbers
    return bool(units) or numbers


def _is_said(number: str, said: set[str]) -> bool:
    digits = _NUMBER.findall(number)
    return bool(digits) and said.issuperset(digits)
