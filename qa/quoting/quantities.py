"""Numbers in a text with what they count and which values they allow, as German and English print them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

from qa.quoting.words import closed_class, phrase_at, read_words, stems_of, values
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.quoting.words import Word
    from qa.types import Lang

Unit = Literal["count", "money", "share", "duration", "measure"]

_DIGITS = re.compile(r"\d+(?:[.,'’]\d+)*")
_GROUPED = {"de": re.compile(r"\d{1,3}(?:[.'’]\d{3})+"), "en": re.compile(r"\d{1,3}(?:[,'’]\d{3})+")}
_PLAIN = {"de": re.compile(r"\d+(?:,\d+)?"), "en": re.compile(r"\d+(?:\.\d+)?")}
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_SIGNS: dict[str, Unit] = {"€": "money", "$": "money", "£": "money", "¥": "money", "%": "share", "°": "measure"}
_SHORT = frozenset({"mio", "mrd", "tsd", "bn", "mn"})
_SPOKEN = {"€": "euro", "$": "dollar", "£": "pound", "pfund": "pound", "¥": "yen", "us-dollar": "dollar"}
#: Units that are a word of their own, in the order they are looked up.
_UNITS: tuple[Unit, ...] = ("share", "money", "duration", "measure")
#: Words between a number and what it counts ("3000 bestens ausgerüstete nordkoreanische Soldaten").
_BETWEEN = 3
#: "Rund 2.600" allows values so far from it: newspapers round to one or two digits, so that 5 % is the usual most, and
#: twice that keeps "rund 3000" and 2.800 from being a disagreement.
ABOUT = 0.1
#: A number printed to fewer digits is taken for rounded to so many: 3000 may have been 2,950 to 3,049.
ROUNDED = 2


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what it counts.

    Attributes:
        span: From what qualifies it ("mehr als") to its unit or noun.
        number: The number with its scale ("2,5 Millionen").
        value: What it says; the lower one of a range.
        low: Least value that it allows.
        high: Largest, may be infinite.
        unit: What kind of thing is counted.
        noun: Stem of the unit or of the noun, "" where none follows.
        words: Stems of the words up to the noun.
        vague: Only a size is told: "mehrere tausend".
    """

    span: Span
    number: Span
    value: float
    low: float
    high: float
    unit: Unit
    noun: str
    words: frozenset[str] = frozenset()
    vague: bool = False

    def allows(self, other: Quantity) -> bool:
        """Whether both can be true of one thing."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class _Numeral:
    """A number at ``words[start:end]``; ``scale`` is what its words after the digits make of it."""

    start: int
    end: int
    value: float
    scale: float = 1.0


def quantities(text: str, lang: Lang) -> tuple[Quantity, ...]:
    """The quantities of a text in order.

    Years, days of a month, clock times, ordinals, parts of names ("K9", "Apollo 11") and numbers whose separators have
    two readings in the language ("1.500" in English) are none.
    """
    if not _any_number(lang).search(text):
        return ()
    words = read_words(text, lang)
    found: list[Quantity] = []
    position = 0
    while position < len(words):
        numeral = _numeral(words, position, lang)
        if numeral is None:
            position += 1
            continue
        quantity = _quantity(words, numeral, lang)
        if quantity is not None:
            found.append(quantity)
            while position < len(words) and words[position].span.start < quantity.number.end:
                position += 1
        else:
            position = numeral.end
    return tuple(found)


@cache
def _any_number(lang: Lang) -> re.Pattern[str]:
    """Finds whether a text may hold a number at all, before it is read word by word."""
    listed = "|".join(map(re.escape, [*values(lang, "number"), *values(lang, "scale")]))
    return re.compile(rf"\d|{listed}", re.IGNORECASE)


def _numeral(words: Sequence[Word], at: int, lang: Lang) -> _Numeral | None:
    """The number that begins with a word, with its scale."""
    first = words[at]
    if first.sign:
        return None
    end = at + 1
    scales = values(lang, "scale")
    if first.digits:
        # "10 000" is one number.
        joined = first.text
        while end < len(words) and _continues(words, end, joined):
            joined += words[end].text
            end += 1
        value = _printed(joined, lang)
    else:
        value = spelled(first.folded, lang)
        if value is None and first.folded in scales and (lang == "de" or first.folded == "dozen"):
            value = 1.0 if first.folded in ("hundert", "tausend", "dutzend", "dozen") else None
            end = at
    if value is None or (value == 1 and not first.digits and not _scaled(words, end, lang)):
        return None
    scale = 1.0
    while _scaled(words, end, lang):
        scale *= scales[words[end].folded]
        # "2,5 Mrd. Euro"
        short = words[end].folded in _SHORT and end + 1 < len(words) and words[end + 1].text == "."
        end += 2 if short else 1
    return _Numeral(at, end, value * scale, scale)


def _scaled(words: Sequence[Word], at: int, lang: Lang) -> bool:
    return at < len(words) and words[at].folded in values(lang, "scale")


def _continues(words: Sequence[Word], at: int, joined: str) -> bool:
    gap = words[at].span.start - words[at - 1].span.end
    return (
        gap == 1
        and re.fullmatch(r"\d{3}", words[at].text) is not None
        and re.fullmatch(r"\d{1,3}(\d{3})*", joined) is not None
    )


def _printed(text: str, lang: Lang) -> float | None:
    """The value of digits with separators; None where the language reads them otherwise or letters follow."""
    text = text.rstrip("%")
    if _GROUPED[lang].fullmatch(text):
        return float(re.sub(r"\D", "", text))
    if _PLAIN[lang].fullmatch(text) and not re.fullmatch(r"\d{1,3}[.,]\d{3}", text):
        return float(text.replace(",", "."))
    return None


@lru_cache(maxsize=1 << 14)
def spelled(word: str, lang: Lang) -> float | None:
    """The value of a number in one case-folded word ("zweitausendfünfhundert", "twenty-one"), or None."""
    units = values(lang, "number")
    if word in units:
        return units[word]
    if lang == "en":
        tens, dash, ones = word.partition("-")
        if dash and units.get(tens, 0) >= 20 and ones in units | {"one": 1.0}:  # noqa: PLR2004 - twenty to ninety
            return units[tens] + (units | {"one": 1.0})[ones]
        return None
    return _compounded(word, units)


def _compounded(word: str, units: dict[str, float]) -> float | None:
    for name, scale in (("tausend", 1000.0), ("hundert", 100.0)):
        left, found, right = word.partition(name)
        if found and (left or right):
            times = 1.0 if left in ("", "ein") else spelled(left, "de")
            rest = 0.0 if not right else spelled(right.removeprefix("und"), "de")
            return None if times is None or rest is None else times * scale + rest
    left, found, right = word.partition("und")
    if found and right in units and units[right] >= 20 and left in units | {"ein": 1.0}:  # noqa: PLR2004 - zwanzig ff.
        return units[right] + (units | {"ein": 1.0})[left]
    stem_, found, _ = word.partition("zehn")
    if found and word.endswith("zehn"):
        short = {"sieb": 7.0} | units
        return 10 + short[stem_] if stem_ in short and short[stem_] < 10 else None  # noqa: PLR2004 - dreizehn to neunzehn
    return None


def _quantity(words: Sequence[Word], numeral: _Numeral, lang: Lang) -> Quantity | None:
    start, end, value = numeral.start, numeral.end, numeral.value
    if _names(words, numeral, lang):
        return None
    low = high = value
    # A range: "3000 bis 5000", "zwischen 3000 und 5000", "100-150".
    upper = _range_end(words, numeral, lang)
    counted = upper.end if upper else end
    thing = _thing(words, counted, lang)
    before_sign = _SIGNS.get(words[start - 1].text) if start else None
    if before_sign:
        start -= 1
        thing = _Thing(counted, before_sign, _SPOKEN.get(words[start].text, words[start].text))
    if thing.unit == "count" and _is_date(words, numeral, thing, lang):
        return None
    if upper:
        # "2 bis 3 Millionen"
        value *= upper.scale if numeral.scale == 1 else 1
        low, high = sorted((value, upper.value))
    else:
        low, high = _rounding(value)
    hedge = _hedge(words, start, lang)
    if hedge.size and not upper:
        low, high = hedge.bounds(value)
    elif start and words[start - 1].folded in closed_class(lang, "vague"):
        # "mehrere tausend" is anything of that size, and never "tausend".
        hedge, low, high = _Hedge(1, "vague"), value, value * 10
    number = Span(words[numeral.start].span.start, words[counted - 1].span.end)
    span = Span(words[start - hedge.size].span.start, words[thing.end - 1].span.end)
    between = frozenset(word.stem for word in words[counted : thing.end] if word.content)
    return Quantity(span, number, value, low, high, thing.unit, thing.noun, between, hedge.way == "vague")


@dataclass(frozen=True, slots=True)
class _Thing:
    """What is counted: ``words[:end]`` end with it."""

    end: int
    unit: Unit
    noun: str


def _thing(words: Sequence[Word], at: int, lang: Lang) -> _Thing:
    """The unit or noun after a number."""
    if at < len(words) and words[at].text in _SIGNS:
        return _Thing(at + 1, _SIGNS[words[at].text], _SPOKEN.get(words[at].text, words[at].text))
    for unit in _UNITS:
        size = phrase_at(words, at, closed_class(lang, unit))
        if size or (at < len(words) and _is_unit(words[at], unit, lang)):
            last = at + max(size, 1)
            noun = words[last - 1].stem
            return _Thing(last, unit, "%" if unit == "share" else _SPOKEN.get(noun, noun))
    return _counted(words, at, lang)


def _is_unit(word: Word, unit: Unit, lang: Lang) -> bool:
    return len(word.stem) > 2 and word.stem in stems_of(lang, unit)  # noqa: PLR2004 - "m" is no stem of "men"


def _counted(words: Sequence[Word], at: int, lang: Lang) -> _Thing:
    """The noun after a number: in German the next capital, in English the first plural."""
    run = []
    for position in range(at, min(at + _BETWEEN + 1, len(words))):
        word = words[position]
        if not word.content or word.digits:
            break
        run.append(position)
        if lang == "de" and word.capital:
            return _Thing(position + 1, "count", word.stem)
        if lang == "en" and not word.capital and _is_plural(word.folded):
            return _Thing(position + 1, "count", word.stem)
    if lang == "en" and run:
        return _Thing(run[0] + 1, "count", words[run[0]].stem)
    return _Thing(at, "count", "")


def _is_plural(word: str) -> bool:
    return (word.endswith("s") and not word.endswith(("ss", "us", "is"))) or word in (
        "people", "men", "women", "children", "personnel", "troops", "staff", "police", "species",
    )  # fmt: skip


def _names(words: Sequence[Word], numeral: _Numeral, lang: Lang) -> bool:
    """Whether the number is part of a name, an ordinal, a time or a day: "Apollo 11", "3. Oktober", "14:17"."""
    at, end = numeral.start, numeral.end
    word = words[at]
    after = words[end] if end < len(words) else None
    glued = after is not None and after.span.start == words[end - 1].span.end
    if word.digits and glued and after is not None:
        if after.text == "." and lang == "de" and end + 1 < len(words):
            return words[end + 1].capital or words[end + 1].folded in closed_class(lang, "month")
        if after.text in (":", "/"):
            return True
    before = words[at - 1] if at else None
    if before is None or not word.digits:
        return False
    if before.text in ("/", ":", "#") and before.span.end == word.span.start:
        return True
    months = closed_class("de", "month") | closed_class("en", "month")
    if before.folded in months or (after is not None and after.folded in closed_class("en", "month")):
        return True
    # "Apollo 11", "Artikel 3", "Super Bowl 50", but "Insgesamt 3000 Soldaten".
    return before.capital and before.content and not _thing(words, end, lang).noun


def _is_date(words: Sequence[Word], numeral: _Numeral, thing: _Thing, lang: Lang) -> bool:
    text = words[numeral.start].text
    if numeral.end != numeral.start + 1 or not _YEAR.fullmatch(text):
        return False
    before = words[numeral.start - 1] if numeral.start else None
    if before is not None and before.folded in closed_class(lang, "before_year") | {"("}:
        return not thing.noun or before.folded not in closed_class(lang, "about") | {"from", "von", "nach", "vor", "to"}
    return not thing.noun


def _range_end(words: Sequence[Word], numeral: _Numeral, lang: Lang) -> _Numeral | None:
    at = numeral.end
    if at + 1 >= len(words):
        return None
    joint = words[at]
    between = numeral.start > 0 and words[numeral.start - 1].folded in ("zwischen", "between")
    joins = joint.text in "-–" if joint.sign else joint.folded in closed_class(lang, "range")
    if not joins or (joint.folded in ("und", "and") and not between):
        return None
    return _numeral(words, at + 1, lang)


@dataclass(frozen=True, slots=True)
class _Hedge:
    """Words before a number that widen it: how many, and which way."""

    size: int
    way: str = ""

    def bounds(self, value: float) -> tuple[float, float]:
        if self.way == "at_least":
            return value, math.inf
        if self.way == "at_most":
            return 0.0, value
        return value * (1 - ABOUT), value * (1 + ABOUT)


def _hedge(words: Sequence[Word], start: int, lang: Lang) -> _Hedge:
    for way in ("at_least", "at_most", "about"):
        size = phrase_at(words, start, closed_class(lang, way), before=True)
        if size:
            return _Hedge(size, way)
    return _Hedge(0)


def _rounding(value: float) -> tuple[float, float]:
    """Values that are printed as this one when rounded to `ROUNDED` digits, or to as many as it has."""
    if value < 10 ** (ROUNDED - 1) or not value.is_integer():
        return value, value
    digits = len(str(int(value)))
    shown = len(str(int(value)).rstrip("0"))
    half = 10 ** (digits - max(shown, ROUNDED)) / 2
    return value - half, value + half
