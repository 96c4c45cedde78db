"""Dates as people say them in questions ("since 24 October", "zwischen dem 1. und 5. November") and what they let in.

Any part may be missing. A year that is not said is found from the days on which articles were published, never from
today's date, unless no article has one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from qa.only import days_of, is_void
from qa.reading.dates import MONTHS, month_number
from qa.types import Only

if TYPE_CHECKING:
    from collections.abc import Sequence

Relation = Literal["in", "before", "after", "since", "until", "between"]

_MONTH: Final = rf"(?:{'|'.join(MONTHS)})s?\b\.?"
_YEAR: Final = r"(?:19|20)\d\d(?![\d.,]\d)\b"
_NUMBER: Final = r"\d{1,2}(?:st\b|nd\b|rd\b|th\b|\.)?(?!\d)"
_WEEKDAY: Final = (
    r"(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?,?"
)
#: What may stand between a preposition and its date.
_FILLER: Final = (
    rf"(?:(?:the|dem|den|der|des|zum|month of|months? of|year|monat|monats|jahre?s?|early|mid|late|the end of|end of"
    rf"|anfang|mitte|ende|einschließlich|including|{_WEEKDAY})[\s-]+){{0,4}}"
)


def date_pattern(name: str) -> str:
    """A regular expression for a date with at least a month or a year, its groups called ``<name>_iso`` and so on."""
    return (
        rf"(?:(?P<{name}_iso>(?:19|20)\d\d-\d\d(?:-\d\d)?)(?![\d-])"
        rf"|(?P<{name}_dotted>\d{{1,2}}\.\s?\d{{1,2}}\.(?:\s?{_YEAR})?)(?!\d)"
        rf"|(?P<{name}_day>{_NUMBER})\s?(?:of\s)?(?P<{name}_month>{_MONTH})(?:,?\s(?P<{name}_year>{_YEAR}))?"
        rf"|(?P<{name}_usmonth>{_MONTH})\s(?P<{name}_usday>{_NUMBER})(?:,?\s(?P<{name}_usyear>{_YEAR}))?"
        rf"|(?P<{name}_bare>{_MONTH})(?:,?\s(?:of\s)?(?P<{name}_bareyear>{_YEAR}))?"
        rf"|(?P<{name}_alone>{_YEAR}))"
    )


def _end_of_range(name: str) -> str:
    """A date, or the number of a day whose month stands at the other end."""
    return rf"{_FILLER}(?:{date_pattern(name)}|(?P<{name}_number>{_NUMBER}))"


_RANGE: Final = (
    rf"(?:between\s+{_end_of_range('a')}\s+and\s+{_end_of_range('b')}"
    rf"|zwischen\s+{_end_of_range('c')}\s+und\s+{_end_of_range('d')}"
    rf"|(?:from|vom|von)\s+{_end_of_range('e')}\s*(?:to|until|till|through|bis|–|-)\s*{_end_of_range('f')})"
)
_ONE: Final = (
    r"(?:(?P<before>before|prior\s+to|earlier\s+than|(?:bis\s+|noch\s+)?vor)"
    r"|(?P<after>after|later\s+than|nach)"
    r"|(?P<since>since|starting(?:\s+(?:in|from|on))?|seit|ab)"
    r"|(?P<until>until|till|up\s+to|through|not\s+later\s+than|bis(?:\s+zum)?)"
    r"|(?P<on>on)"
    r"|(?P<in>in|from|of|during|dated|within|im|aus|vom|von|am|des|während))"
    rf"\s+{_FILLER}{date_pattern('x')}(?P<onwards>\s+(?:onwards?\b|on(?=\s*(?:[,?.!]|$))|an\b))?"
)
#: A preposition with its date or dates, for patterns in which it stands once.
PERIOD: Final = rf"\b(?:{_RANGE}|{_ONE})"

_RELATIONS: Final[tuple[Relation, ...]] = ("before", "after", "since", "until", "in")


@dataclass(frozen=True, slots=True)
class Day:
    """A date as far as it was said."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    @property
    def iso(self) -> str | None:
        """As `Only` has it; None where it does not exist, or the year is missing."""
        if self.year is None:
            return None
        parts = [f"{self.year:04d}", *(f"{part:02d}" for part in (self.month, self.day) if part)]
        text = "-".join(parts)
        return text if days_of(text) else None


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time as it was said; ``last`` is there for "between" alone."""

    relation: Relation
    first: Day
    last: Day | None = None


def period_of(match: re.Match[str]) -> Period | None:
    """What a match of `PERIOD` says; None where it is no date ("on October", 31 November)."""
    for one, other in (("a", "b"), ("c", "d"), ("e", "f")):
        first, last = day_of(match, one), day_of(match, other)
        if first and last:
            return _completed(first, last)
    day = day_of(match, "x")
    if day is None or not _exists(day):
        return None
    if match["on"]:
        return Period("in", day) if day.day else None
    if match["onwards"]:
        return Period("since", day)
    return Period(next(relation for relation in _RELATIONS if match[relation]), day)


def day_of(match: re.Match[str], name: str) -> Day | None:
    """The date that `date_pattern` found under a name, or None."""
    found = {
        key.removeprefix(f"{name}_"): text
        for key, text in match.groupdict().items()
        if text and key.startswith(f"{name}_")
    }
    if "iso" in found:
        return Day(*(int(part) for part in found["iso"].split("-")))
    if "dotted" in found:
        day, month, year = found["dotted"].split(".")
        return Day(int(year) if year.strip() else None, int(month), int(day))
    month = found.get("month") or found.get("usmonth") or found.get("bare")
    year = found.get("year") or found.get("usyear") or found.get("bareyear") or found.get("alone")
    number = found.get("day") or found.get("usday") or found.get("number")
    if not (month or year or number):
        return None
    return Day(
        int(year) if year else None,
        _month(month) if month else None,
        int(re.sub(r"\D", "", number)) if number else None,
    )


def _month(name: str) -> int:
    plain = name.rstrip(".").lower()
    try:
        return month_number(plain)
    except StopIteration:
        return month_number(plain.removesuffix("s"))


def _completed(first: Day, last: Day) -> Period | None:
    """Each end takes from the other what it does not say: "between 1 and 5 November"."""
    if first.month is None and first.year is None:
        first = replace(first, month=last.month)
    if last.month is None and last.year is None:
        last = replace(last, month=first.month)
    if first.year is None and last.year is not None:
        earlier = (first.month or 0, first.day or 0) > (last.month or 12, last.day or 31)
        first = replace(first, year=last.year - 1 if earlier else last.year)
    if last.year is None and first.year is not None:
        wraps = (last.month or 12, last.day or 31) < (first.month or 0, first.day or 0)
        last = replace(last, year=first.year + 1 if wraps else first.year)
    return Period("between", first, last) if _exists(first) and _exists(last) else None


def _exists(day: Day) -> bool:
    return replace(day, year=day.year or 2024).iso is not None  # a leap year


def resolve(period: Period, days: Sequence[str]) -> Only | None:
    """The filter that a period means.

    A missing year is the newest in which articles were published within what is named; where there is none, the newest
    that does not begin after the last article and lets one in; where there is none, the newest of any article.

    Args:
        period: As said.
        days: On which articles were published, as ``2024-10-24``, ascending.
    """
    if period.first.year is not None:
        return _only(period, period.first.year)
    years = sorted({int(day[:4]) for day in days}, reverse=True) or [datetime.now(UTC).year]
    filters = {year: only for year in years if (only := _only(period, year))}
    for year, only in filters.items():
        if _any_within(_only(replace(period, relation="in") if period.last is None else period, year), days):
            return only
    for year, only in filters.items():
        begins = replace(period.first, year=year).iso or ""
        if days and begins <= days[-1] and _any_within(only, days):
            return only
    return next((only for only in filters.values() if _any_within(only, days)), next(iter(filters.values()), None))


def _only(period: Period, year: int) -> Only | None:
    first = replace(period.first, year=year)
    said = first.iso
    if said is None:
        return None
    if period.last is not None:
        last = period.last
        if last.year is None:
            wraps = (last.month or 12, last.day or 31) < (first.month or 0, first.day or 0)
            last = replace(last, year=year + 1 if wraps else year)
        only = Only(said, last.iso)
        return None if last.iso is None or is_void(only) else only
    filters: dict[Relation, Only] = {
        "before": Only(None, _beside(said, -1)),
        "after": Only(_beside(said, 1), None),
        "since": Only(said, None),
        "until": Only(None, said),
    }
    return filters.get(period.relation, Only(said, said))


def _beside(text: str, step: Literal[-1, 1]) -> str:
    """The date before or after one, of the same precision."""
    days = days_of(text)
    edge = date.fromisoformat((days.first if step < 0 else days.last) if days else text)
    return (edge + timedelta(days=step)).isoformat()[: len(text)]


def _any_within(only: Only | None, days: Sequence[str]) -> bool:
    if only is None:
        return False
    since, until = days_of(only.since or ""), days_of(only.until or "")
    return any((since is None or since.first <= day) and (until is None or day <= until.last) for day in days)
