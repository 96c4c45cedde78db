"""Figures, dates and times of a text in a form that both languages and all spellings share.

``1,500``, ``1.500``, ``1500`` and ``fifteen hundred`` are one figure; so are ``24 October``, ``24. Oktober`` and
``24.10.``, and ``12 %``, ``12 percent`` and ``zwölf Prozent``. A dot or comma before exactly three digits groups
thousands, whatever the language: people copy figures as they stand, and 3.125 meant as three and an eighth is rare.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from qa.types import Lang


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it stands in a text, and what it can mean.

    Attributes:
        shown: The text itself.
        readings: ``n:1500`` a number, ``s:0.12`` a share, ``d:10-24`` a day, ``m:10`` a month, ``t:14:17`` a time,
            ``o:24`` the 24th, ``v:1000`` a vague number
            (thousands), ``x:k9`` a designation, ``u:second`` a second of time. One of them must be held up.
    """

    shown: str
    readings: frozenset[str]


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number and where it ends."""

    value: int
    end: int


_MONTHS: Final = {
    1: "january januar jänner jan", 2: "february februar feber feb", 3: "march märz mar mär", 4: "april apr",
    5: "may mai", 6: "june juni jun", 7: "july juli jul", 8: "august aug", 9: "september sept sep",
    10: "october oktober oct okt", 11: "november nov", 12: "december dezember dec dez",
}  # fmt: skip
_MONTH_OF: Final = {name: number for number, names in _MONTHS.items() for name in names.split()}
#: Months by any name; the short ones and "May" and "March" only beside a figure.
_MONTH: Final = rf"(?P<month>(?i:{'|'.join(sorted(_MONTH_OF, key=len, reverse=True))}))\b\.?"
_SHORT_MONTHS: Final = frozenset(
    {"jan", "feb", "mar", "mär", "apr", "may", "jun", "jul", "aug", "sept", "sep"}
) | frozenset({"oct", "okt", "nov", "dec", "dez"})

_UNITS: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "zero": 0,
    "zwei": 2, "zwo": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10,
    "elf": 11, "zwölf": 12, "dreizehn": 13, "vierzehn": 14, "fünfzehn": 15, "sechzehn": 16, "siebzehn": 17,
    "achtzehn": 18, "neunzehn": 19, "zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60,
    "siebzig": 70, "achtzig": 80, "neunzig": 90, "null": 0, "dreissig": 30,
}  # fmt: skip
_ORDINALS: Final = {
    "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "eleventh": 11, "twelfth": 12, "twice": 2, "thrice": 3,
    "zweit": 2, "dritt": 3, "viert": 4, "fünft": 5, "sechst": 6, "siebt": 7, "siebent": 7, "acht": 8, "neunt": 9,
    "zehnt": 10, "elft": 11, "zwölft": 12,
}  # fmt: skip
#: The last word of an English ordinal: twenty-first.
_ENDS: Final = {"first": 1} | {
    word: value for word, value in _ORDINALS.items() if word.endswith(("second", "th", "rd"))
}
_ONES: Final = frozenset(["a", "an", "one", "ein", "eine", "einen", "einem", "einer", "eines", "eins"])
_MULTIPLIERS: Final = {
    "hundred": 2, "hundert": 2, "thousand": 3, "tausend": 3, "million": 6, "millionen": 6, "mio": 6, "mn": 6,
    "milliarde": 9, "milliarden": 9, "mrd": 9, "bn": 9, "trillion": 12, "trillionen": 18, "tn": 12,
    "billion": 9, "billionen": 12, "billiarde": 15, "billiarden": 15,
}  # fmt: skip
#: The same letters, a thousand times more in German.
_GERMAN_MULTIPLIERS: Final = {"billion": 12, "trillion": 18}
_VAGUE: Final = {
    "dozens": 12, "dutzende": 12, "dutzenden": 12, "dutzend": 12, "hundreds": 100, "hunderte": 100, "hunderten": 100,
    "hunderter": 100, "thousands": 1000, "tausende": 1000, "tausenden": 1000, "tausender": 1000,
    "zehntausende": 10_000, "zehntausenden": 10_000, "zehntausender": 10_000, "hunderttausende": 100_000,
    "hunderttausenden": 100_000, "hunderttausender": 100_000, "millions": 1_000_000, "dozen": 12,
}  # fmt: skip
_SHARES: Final = {
    "half": 2, "halves": 2, "hälfte": 2, "halb": 2, "halbe": 2, "halben": 2, "halber": 2, "halbes": 2, "third": 3,
    "thirds": 3, "drittel": 3, "dritteln": 3, "quarter": 4, "quarters": 4, "viertel": 4, "vierteln": 4, "fifths": 5,
    "fünftel": 5, "tenths": 10, "zehntel": 10,
}  # fmt: skip
#: What a German number word may carry: dreitägig, zweimal, vierfach.
_GERMAN_TAILS: Final = re.compile(
    r"(?:tägig|monatig|jährig|köpfig|stündig|wöchig|stellig|seitig|teilig|fach|mal|ste[nrsm]?$)\w*$"
)

_DIGITS: Final = r"\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
_WORDS: Final = r"[^\W\d_]+(?:-[^\W\d_]+)*"
_TIME: Final = r"(?P<hour>[01]?\d|2[0-4])(?:[:.](?P<minute>[0-5]\d))?\s?(?P<clock>Uhr\b|[ap]\.?\s?m\b\.?)"
_PERCENT: Final = re.compile(r"\s?-?(?:%|(?i:per\s?cent\w*|prozent\w*|v\.\s?H\.))")
_DESIGNATED: Final = r"(?<![^\W_])[A-ZÄÖÜ][^\W\d_]{0,8}-?\d+[^\W\d_]{0,3}(?![^\W_])"
_TOKEN: Final = re.compile(
    rf"(?P<iso>\b\d{{4}}-\d\d-\d\d\b)"
    rf"|(?P<numeric>(?<![\d.,])\d{{1,2}}\.\s?\d{{1,2}}\.(?:\s?\d{{4}}|\s?\d\d(?!\d))?(?!\d)|\b\d{{1,2}}/\d{{1,2}}/\d{{4}}\b)"
    rf"|(?P<dated>(?<![\d.,])(?:(?P<first>\d{{1,2}})(?:\.|st|nd|rd|th)?\s?(?:und|and|bis|to|or|oder|[-–—,/])\s?(?:the\s)?)?"
    rf"(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th)?\s?(?:of\s)?{_MONTH}(?:,?\s(?P<year>\d{{4}})\b)?)"
    rf"|(?P<american>\b{_MONTH.replace('<month>', '<month2>')}\s(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b"
    rf"(?![.,:]?\d|\s?(?:%|[ap]\.?m))"
    rf"(?:,?\s(?P<year2>\d{{4}})\b)?)"
    rf"|(?P<monthly>\b{_MONTH.replace('<month>', '<month3>')}\s(?P<year3>\d{{4}})\b)"
    rf"|(?P<time>(?<![\d.,]){_TIME}|(?<![\d.,:])(?P<colon>(?:[01]?\d|2[0-4]):[0-5]\d)(?!\d))"
    rf"|(?P<designation>{_DESIGNATED})"
    rf"|(?P<digits>(?:{_DIGITS})(?:(?:st|nd|rd|th|er|ers|s)\b)?)"
    rf"|(?P<words>{_WORDS})"
)
#: A type or a group: K9, F-16, COVID-19.
DESIGNATION: Final = re.compile(rf"{_DESIGNATED}")
_MULTIPLIER: Final = re.compile(
    rf"[\s\u00a0\u202f-]?(?P<word>(?i:{'|'.join(sorted(_MULTIPLIERS, key=len, reverse=True))}))\b\.?"
)
_FRACTION: Final = re.compile(rf"[\s-](?P<word>(?i:{'|'.join(sorted(_SHARES, key=len, reverse=True))}))\b")


_NEXT_WORD: Final = re.compile(r"[\s-](?:and\s)?([^\W\d_]+)")
_ORDINAL: Final = re.compile(r"\.\s[^\W\d_]")
_SUFFIX: Final = re.compile(r"(?:st|nd|rd|th|ers?|s)$")
_SEPARATOR: Final = re.compile(r"[.,'’ \u00a0\u202f](?=\d{3}(?!\d))")
_BEFORE_MAY: Final = re.compile(
    r"\b(?:in|of|since|by|until|till|late|early|last|next|this|during|from|before|after|for|and|to|mid)[\s-]$",
    re.IGNORECASE,
)
_VAGUE_PHRASE: Final = re.compile(r"\b(tens|hundreds) of thousands\b", re.IGNORECASE)
_VAGUE_WORD: Final = {"tens": "Zehntausende", "hundreds": "Hunderttausende"}


def is_month(word: str) -> bool:
    """Whether the word names a month; `figures` reads those."""
    return word[:1].isupper() and word.lower() in _MONTH_OF


def figures(text: str, lang: Lang) -> list[Figure]:
    """Every figure of a text in order. ``lang`` decides what a billion is."""
    text = _VAGUE_PHRASE.sub(lambda match: _VAGUE_WORD[match[1].lower()], text)
    found: list[Figure] = []
    at = 0
    while match := _TOKEN.search(text, at):
        at = match.end()
        if match["words"] is not None:
            at = _read_words(text, match, lang, found)
        elif match["digits"] is not None:
            at = _read_digits(text, match, lang, found)
        else:
            readings = _READERS[match.lastgroup or ""](match)
            found += [Figure(match[0], frozenset(one)) for one in readings if one]
    return found


def stated(text: str, lang: Lang) -> frozenset[str]:
    """All readings that a text holds up: those of its figures, and what follows from them."""
    readings = {reading for figure in figures(text, lang) for reading in figure.readings}
    for month, _, day in [reading[2:].partition("-") for reading in readings if reading.startswith("d:")]:
        readings |= {f"m:{month}", f"o:{day}"}
    if not _ONES.isdisjoint(text.lower().split()):
        readings.add("n:1")
    return frozenset(readings)


def _shown(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _read_digits(text: str, match: re.Match[str], lang: Lang, found: list[Figure]) -> int:
    digits = _SUFFIX.sub("", match["digits"])
    plain = digits if digits.startswith("0") else _SEPARATOR.sub("", digits)
    if digits.isdigit() and (_ORDINAL.match(text, match.end()) or match["digits"].endswith(("st", "nd", "rd", "th"))):
        found.append(Figure(match[0], frozenset({f"n:{int(digits)}", f"o:{int(digits)}"})))
        return match.end()
    return _read_number(text, match.start(), match.end(), Decimal(plain.replace(",", ".")), lang, found)


#: From here on there are no places left to round: `Decimal` keeps 28 digits.
_ROUNDED: Final = Decimal(10) ** 20


def _read_number(text: str, start: int, end: int, value: Decimal, lang: Lang, found: list[Figure]) -> int:
    """Take what belongs to a number after it: thousand, percent, thirds. Gives where it ends."""
    while multiplier := _MULTIPLIER.match(text, end):
        word = multiplier["word"].lower()
        power = _GERMAN_MULTIPLIERS.get(word) if lang == "de" else None
        value *= Decimal(10) ** (power or _MULTIPLIERS[word])
        end = multiplier.end()
    kind, divisor = "n", 1
    if percent := _PERCENT.match(text, end):
        kind, divisor, end = "s", 100, percent.end()
    elif fraction := _FRACTION.match(text, end):
        kind, divisor, end = "s", _SHARES[fraction["word"].lower()], fraction.end()
    share = value / divisor
    if abs(share) < _ROUNDED:
        share = round(share, 6)
    found.append(Figure(text[start:end], frozenset({f"{kind}:{_shown(share)}"})))
    return end


def _read_words(text: str, match: re.Match[str], lang: Lang, found: list[Figure]) -> int:
    """Read a word, or the run of words that make up one number. Gives where it ends."""
    word, end = match[0].lower(), match.end()
    if match[0][0].isupper() and (
        (word in _MONTH_OF and word not in _SHORT_MONTHS)
        or (word == "may" and _BEFORE_MAY.search(text, 0, match.start()))
    ):
        found.append(Figure(match[0], frozenset({f"m:{_MONTH_OF[word]}"})))
        return end
    if readings := _word_readings(word, lang):
        found.append(Figure(match[0], frozenset(readings)))
        return end
    value = word_number(word)
    if value is None:
        head = word.partition("-")[0]  # "three-day"
        end = match.start() + len(head)
        value = word_number(head)
        if head in _ONES and _MULTIPLIER.match(text, end):
            value = 1
        if value is None:
            return end
    number = _run(text, value, end)
    return _read_number(text, match.start(), number.end, Decimal(number.value), lang, found)


def _run(text: str, value: int, end: int) -> Number:
    """The number that words go on to name: "two" and then "thousand six hundred"."""
    while following := _NEXT_WORD.match(text, end):
        more = following[1].lower()
        unit = _UNITS.get(more, _ENDS.get(more))
        if more in ("hundred", "thousand"):
            power = int(10 ** _MULTIPLIERS[more])
            value = value * power if value < power else value - value % 1000 + value % 1000 * power
        elif unit is not None and 0 < unit < _room(value):
            value += unit
        else:
            break
        end = following.end()
    return Number(value, end)


def _room(value: int) -> int:
    """What the next word may add to a number: below 10 to twenty, below 100 to two hundred, nothing to ten."""
    zeros = len(str(value)) - len(str(value).rstrip("0"))
    return int(10**zeros) if value > 10 else 0  # noqa: PLR2004


def _word_readings(word: str, lang: Lang) -> set[str]:
    readings: set[str] = set()
    if word in _MULTIPLIERS:  # without a number before it: some thousands
        power = (_GERMAN_MULTIPLIERS.get(word) if lang == "de" else None) or _MULTIPLIERS[word]
        readings |= {f"v:{10**power}", f"n:{10**power}"}
    if word in _VAGUE:
        readings.add(f"v:{_VAGUE[word]}")
    if word in ("dozen", "dutzend"):
        readings.add("n:12")
    stem = word if word in _ORDINALS else re.sub(r"e[nrsm]?$", "", word)
    if stem in _ORDINALS and word not in _UNITS:
        readings |= {f"n:{_ORDINALS[stem]}", f"o:{_ORDINALS[stem]}"}
    if word in _SHARES:
        readings.add(f"s:{_shown(round(Decimal(1) / _SHARES[word], 6))}")
    if word in ("second", "seconds", "sekunde", "sekunden"):
        readings.add("u:second")
    return readings


def word_number(word: str) -> int | None:
    """What a lower-case number word means: ``zweitausendsechshundert``, ``twenty``, ``dreitägig``; else None."""
    if word in _ONES:
        return None
    if word in _UNITS:
        return _UNITS[word]
    head = _GERMAN_TAILS.sub("", word)
    if head and head != word:
        return word_number(head)
    first, thousand, rest = word.partition("tausend")
    if thousand:
        return _sum(_below_thousand(first) if first else 1, 1000, _below_thousand(rest) if rest else 0)
    return _below_thousand(word)


def _sum(count: int | None, size: int, rest: int | None) -> int | None:
    return None if count is None or rest is None else count * size + rest


def _below_thousand(word: str) -> int | None:
    word = word.removeprefix("und")
    if word in _UNITS:
        return _UNITS[word]
    first, hundred, rest = word.partition("hundert")
    if hundred:
        return _sum(1 if first in ("", "ein") else _UNITS.get(first), 100, _below_thousand(rest) if rest else 0)
    unit, und, tens = word.partition("und")
    if und and _UNITS.get(tens, 0) >= 20:  # noqa: PLR2004
        return _sum(1 if unit == "ein" else _UNITS.get(unit), 1, _UNITS[tens])
    return 1 if word == "ein" else None


def _day(month: int, day: int) -> set[str]:
    return {f"d:{month}-{day}"} if 1 <= month <= 12 and 1 <= day <= 31 else set()  # noqa: PLR2004 - the calendar's


def _iso(match: re.Match[str]) -> list[set[str]]:
    year, month, day = (int(number) for number in match["iso"].split("-"))
    return [_day(month, day), {f"n:{year}"}]


def _numeric(match: re.Match[str]) -> list[set[str]]:
    one, other, *years = (int(number) for number in re.findall(r"\d+", match["numeric"]))
    day = _day(one, other) | _day(other, one) if "/" in match["numeric"] else _day(other, one)
    return [day or {f"n:{one}"}, *({f"n:{year if year > 99 else 2000 + year}"} for year in years)]  # noqa: PLR2004


def _dated(match: re.Match[str]) -> list[set[str]]:
    month = _MONTH_OF[match["month"].lower()]
    days = [_day(month, int(day)) for day in (match["first"], match["day"]) if day]
    return [*days, {f"n:{match['year']}"} if match["year"] else set()]


def _american(match: re.Match[str]) -> list[set[str]]:
    day = _day(_MONTH_OF[match["month2"].lower()], int(match["day2"]))
    return [day, {f"n:{match['year2']}"} if match["year2"] else set()]


def _monthly(match: re.Match[str]) -> list[set[str]]:
    return [{f"m:{_MONTH_OF[match['month3'].lower()]}"}, {f"n:{match['year3']}"}]


def _time(match: re.Match[str]) -> list[set[str]]:
    if match["colon"]:
        hour, _, minute = match["colon"].partition(":")
        return [{f"t:{int(hour)}:{minute}"}]
    hours, clock = int(match["hour"]), match["clock"][0].lower()
    if clock in "ap":
        hours = hours % 12 + (12 if clock == "p" else 0)
    return [{f"t:{hours}:{match['minute'] or '00'}"}]


def _designation(match: re.Match[str]) -> list[set[str]]:
    return [{f"x:{match['designation'].replace('-', '').lower()}"}]


_READERS: Final[dict[str, Callable[[re.Match[str]], list[set[str]]]]] = {
    "iso": _iso,
    "numeric": _numeric,
    "dated": _dated,
    "american": _american,
    "monthly": _monthly,
    "time": _time,
    "designation": _designation,
}
