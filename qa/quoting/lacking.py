"""Whether quotes hold anything of the sort that a question asks for: a figure, a date."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qa.quoting.phrases import read_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qa.quoting.asked import Asked
    from qa.types import Lang

_NUMBER = re.compile(r"\d+")


def lacks(asked: Asked, quotes: Iterable[tuple[str, Lang]]) -> bool:
    """Whether a question asks for an amount or a date and no quote has any; of other questions nothing is known.

    Figures of the question itself do not count. A price or a length of time must be one; two years make a length of
    time ("von 1870 bis 1939"), and one makes a date even where it is written unlike one ("13.000 BP").

    Args:
        asked: What the question asks for.
        quotes: Texts with their languages.
    """
    if asked.kind not in ("amount", "date"):
        return False
    said = {number for word in asked.words for number in _NUMBER.findall(word.text)}
    return not any(_holds(asked, said, quote, lang) for quote, lang in quotes)


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
