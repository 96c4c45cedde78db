"""Phrases of a sentence that could answer: dates, amounts, names, noun phrases and lists of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from qa.quoting.nouns import lists, noun_phrases
from qa.quoting.quantities import quantities
from qa.quoting.words import Phrase, closed_class, read_words
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qa.quoting.quantities import Quantity
    from qa.quoting.words import Word
    from qa.types import Lang

_YEAR = re.compile(r"(?:1\d{3}|20\d{2})(?:er|ern|s)?")
_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?")
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}-\d{2}-\d{2}")
_CENTURY = ("jahrhundert", "jahrtausend", "centur", "millenni")
#: A work's title or a term between quotation marks is one phrase when it is no longer than this, in words.
_TITLE = 9
_OPENING, _CLOSING = '„“"»«‚‘', '“”"«»’‘'


@dataclass(frozen=True, slots=True)
class Sentence:
    """A quote that was read: its words, its phrases in order, and the quantities of those that are amounts."""

    lang: Lang
    words: tuple[Word, ...]
    phrases: tuple[Phrase, ...]
    quantities: Mapping[Phrase, Quantity]

    def span(self, phrase: Phrase) -> Span:
        """Where a phrase stands in the quote."""
        return Span(self.words[phrase.start].span.start, self.words[phrase.end - 1].span.end)


@lru_cache(maxsize=256)
def read_sentence(text: str, lang: Lang) -> Sentence:
    """Read a quote. Any text is one."""
    words = read_words(text, lang)
    amounts = {_amount(words, quantity): quantity for quantity in quantities(text, lang)}
    dates = _dates(words, lang)
    taken = {at for phrase in (*amounts, *dates) for at in range(phrase.start, phrase.end)}
    nouns = noun_phrases(words, taken, lang)
    found = [*amounts, *dates, *_titles(words), *nouns, *lists(words, nouns, lang)]
    return Sentence(lang, words, tuple(sorted(found, key=lambda one: (one.start, one.end))), amounts)


def _amount(words: Sequence[Word], quantity: Quantity) -> Phrase:
    inside = [n for n, word in enumerate(words) if quantity.span.start <= word.span.start < quantity.span.end]
    return Phrase("amount", inside[0], inside[-1] + 1)


def _dates(words: Sequence[Word], lang: Lang) -> list[Phrase]:
    """Days, months with a year, years, centuries, weekdays."""
    around = closed_class(lang, "weekday") | closed_class(lang, "date_word")
    found: list[Phrase] = []
    at = 0
    while at < len(words):
        end = _date_end(words, at, lang)
        if end > at:
            found.append(Phrase("date", at, end))
        elif at and words[at].folded.startswith(_CENTURY):
            # "im 19. Jahrhundert", "in the 19th century"
            dot = at > 1 and words[at - 1].text == "."
            found.append(Phrase("date", at - 2 if dot else at - 1, at + 1))
        elif words[at].folded in around:
            found.append(Phrase("date", at, at + 1))
        at = max(end, at + 1)
    return found


@cache
def _months() -> frozenset[str]:
    return closed_class("de", "month") | closed_class("en", "month")


def _date_end(words: Sequence[Word], at: int, lang: Lang) -> int:
    """End of the date that begins with a word; ``at`` where none does."""
    end, dated = at, False
    while end < len(words):
        word = words[end]
        month = word.capital and word.folded in _months()
        year = _YEAR.fullmatch(word.folded) is not None and (dated or _is_year(words, end, lang))
        if month or year or _DOTTED.fullmatch(word.text):
            dated = True
        elif not (_DAY.fullmatch(word.folded) and _month_near(words, end)) and not (
            end > at and word.text in (".", ",") and _goes_on(words, end + 1)
        ):
            break
        end += 1
    return end if dated else at


def _month_near(words: Sequence[Word], at: int) -> bool:
    return any(word.folded in _months() for word in (*words[max(0, at - 1) : at], *words[at + 1 : at + 3]))


def _goes_on(words: Sequence[Word], at: int) -> bool:
    return at < len(words) and (words[at].folded in _months() or _YEAR.fullmatch(words[at].folded) is not None)


def _is_year(words: Sequence[Word], at: int, lang: Lang) -> bool:
    """Whether four digits are a year: after "in" and the like, in brackets, or before no noun."""
    before = words[at - 1] if at else None
    after = words[at + 1] if at + 1 < len(words) else None
    if before is not None and (before.folded in closed_class(lang, "before_year") or before.text in ("(", "-", "–")):
        return True
    return after is None or after.sign or not after.content or (lang == "de" and not after.capital)


def _titles(words: Sequence[Word]) -> list[Phrase]:
    """What stands between quotation marks."""
    found = []
    opened: int | None = None
    for at, word in enumerate(words):
        if opened is not None and word.text in _CLOSING:
            if 0 < at - opened - 1 <= _TITLE:
                found.append(Phrase("title", opened + 1, at))
            opened = None
        elif word.text in _OPENING:
            opened = at
    return found
