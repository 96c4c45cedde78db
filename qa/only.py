"""Filters by date and outlet: reading what a person gives, and the numbers by which an index looks them up.

Every publication of an article (its own and those of its copies) becomes numbers: its day as ``20241024``, and its day
as ``<outlet>20241024`` with the number of its outlet before it (``<outlet>00000000`` without a date). A filter becomes
ranges of such numbers, so that one ordered list answers for dates, for outlets, and for both of the same publication.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal

from qa.errors import QAError
from qa.types import Only

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qa.types import Article, Source

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")

#: Numbers a day may have; the number of the outlet counts in these.
_DAYS: Final = 10**8
_LAST_DAY: Final = 99_991_231

#: How many outlets a message names.
_NAMED: Final = 5


class FilterError(QAError):
    """A filter cannot be understood or names what is not there; `qa.filter_text` says it as the page does."""

    exit_code = 2


class NoDateError(FilterError):
    """A bound is no date.

    Args:
        bound: Which one.
        given: What stands there.
    """

    def __init__(self, bound: Literal["since", "until"], given: str) -> None:
        super().__init__(f"{bound} {given!r} is not a date", "write 2024-10-24, 2024-10 or 2024")
        self.bound, self.given = bound, given


class DatesSwappedError(FilterError):
    """The first day lies after the last one.

    Args:
        since: A date as `Only` has it.
        until: The same.
    """

    def __init__(self, since: str, until: str) -> None:
        super().__init__(f"since {since} lies after until {until}", "swap them")
        self.since, self.until = since, until


class NoOutletError(FilterError):
    """No article is from an outlet of this name.

    Args:
        name: As given.
        known: The outlets of the index.

    Attributes:
        nearest: The outlet that may be meant, or None.
        others: Where none may be, some that there are.
        more: How many there are beside these.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        by_name = {one.casefold(): one for one in known}
        near = get_close_matches(name.casefold(), by_name, n=1)
        self.name, self.nearest = name, by_name[near[0]] if near else None
        self.others = () if near else tuple(by_name.values())[:_NAMED]
        self.more = 0 if near else len(by_name) - len(self.others)
        super().__init__(f"no article is from an outlet called {name!r}", self._mend())

    def _mend(self) -> str:
        if self.nearest is not None:
            return f"did you mean {self.nearest!r}?"
        if not self.others:
            return "no article names its outlet"
        return "there are " + ", ".join(map(repr, self.others)) + (f" and {self.more} more" if self.more else "")


@dataclass(frozen=True, slots=True)
class Days:
    """The first and the last day of a date of any precision, both as ``2024-10-24``."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Publications ``first`` to ``last``, both included."""

    first: int
    last: int


def days_of(text: str) -> Days | None:
    """The days of ``2024``, ``2024-10`` or ``2024-10-24``; None when it is no such date."""
    match = _DATE.fullmatch(text)
    if not match:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
        last_month = month or 12
        last = date(first.year, last_month, day or monthrange(first.year, last_month)[1])
    except ValueError:
        return None
    return Days(first.isoformat(), last.isoformat())


def read_only(since: str | None, until: str | None, outlets: Sequence[str], known: Sequence[str]) -> Only:
    """The filter that a person gave.

    Args:
        since: A date as `Only` has it; blank or None for none.
        until: The same.
        outlets: Names in any case; blank ones are passed over.
        known: The outlets of the index.

    Raises:
        FilterError: A date is none, the dates are in the wrong order, or an outlet is not in the index; one line that
            names it and, for an outlet, the nearest that is there.
    """
    return replace(read_dates(since, until), outlets=_read_outlets(outlets, known))


def read_dates(since: str | None, until: str | None) -> Only:
    """The part of `read_only` that needs no index.

    Raises:
        FilterError: As there.
    """
    only = Only(_read_date("since", since), _read_date("until", until))
    if is_void(only):
        raise DatesSwappedError(only.since or "", only.until or "")
    return only


def _read_date(bound: Literal["since", "until"], given: str | None) -> str | None:
    text = (given or "").strip()
    if text and days_of(text) is None:
        raise NoDateError(bound, text)
    return text or None


def _read_outlets(given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    by_name = {name.casefold(): name for name in known}
    found: dict[str, None] = {}
    for name in filter(None, (" ".join(text.split()) for text in given)):
        if name.casefold() not in by_name:
            raise NoOutletError(name, known)
        found[by_name[name.casefold()]] = None
    return tuple(found)


def both(one: Only, other: Only) -> Only:
    """The outlets of one filter and the dates that both let in; the narrower bound keeps its words.

    The dates may leave no day (`is_void`).
    """
    since = max(filter(None, (one.since, other.since)), key=_first, default=None)
    until = min(filter(None, (one.until, other.until)), key=_last, default=None)
    return replace(one, since=since, until=until)


def is_void(only: Only) -> bool:
    """Whether the dates leave no day."""
    return bool(only.since and only.until) and _first(only.since or "") > _last(only.until or "")


def _first(text: str) -> str:
    days = days_of(text)
    return days.first if days else text


def _last(text: str) -> str:
    days = days_of(text)
    return days.last if days else text


def codes_of(article: Article, outlets: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers of an article's publications, ascending.

    Args:
        article: With its copies.
        outlets: The number of each outlet, from 1, by its name in `str.casefold`.
    """
    codes = set()
    for source in _publications(article):
        day = _day(source.published)
        outlet = outlets.get((source.outlet or "").casefold(), 0)
        codes |= {code for code in (day, outlet and outlet * _DAYS + day) if code}
    return tuple(sorted(codes))


def ranges_of(only: Only, outlets: Mapping[str, int]) -> tuple[CodeRange, ...]:
    """The numbers that a filter lets in; () for none. An outlet that the index does not have adds nothing."""
    first = _number(_first(only.since)) if only.since else 1
    last = _number(_last(only.until)) if only.until else _LAST_DAY
    if not only.outlets:
        return (CodeRange(first, last),) if first <= last else ()
    if not (only.since or only.until):
        first = 0
    numbers = sorted({outlets[name.casefold()] for name in only.outlets if name.casefold() in outlets})
    return tuple(CodeRange(n * _DAYS + first, n * _DAYS + last) for n in numbers if first <= last)


def all_days() -> CodeRange:
    """The numbers of publications that have a date, whatever the outlet."""
    return CodeRange(1, _LAST_DAY)


def outlet_names(articles: Iterable[Article]) -> tuple[str, ...]:
    """Every outlet of the articles and their copies once, by name; of spellings in other cases the first."""
    return unique_outlets({source.outlet for one in articles for source in _publications(one) if source.outlet})


def unique_outlets(names: Iterable[str]) -> tuple[str, ...]:
    """Every outlet once, by name; of spellings in other cases the first."""
    by_name: dict[str, str] = {}
    for name in sorted(names):
        by_name.setdefault(name.casefold(), name)
    return tuple(by_name[key] for key in sorted(by_name))


def outlet_numbers(names: Sequence[str]) -> dict[str, int]:
    """The number of each outlet, from 1, by its name in `str.casefold`."""
    return {name.casefold(): number for number, name in enumerate(names, start=1)}


def iso_day(code: int) -> str:
    """``20241024`` as ``2024-10-24``."""
    digits = f"{code % _DAYS:08d}"
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _publications(article: Article) -> list[Article | Source]:
    return [article, *article.also]


def _day(published: str | None) -> int:
    """``2024-10-24T14:17`` as 20241024; 0 for none, and for what is no day."""
    text = (published or "")[:10]
    days = days_of(text)
    return _number(days.first) if days and days.first == text else 0


def _number(day: str) -> int:
    return int(day.replace("-", ""))
