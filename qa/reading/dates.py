"""Dates as news pages print them, in German and English, to ISO 8601.

A date that can be read in two ways (``10/11/2024``) or that does not exist is no date: nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

#: What a month may be called, January first, as regular expressions for lower case.
MONTHS = (
    r"jan(?:uar|uary)?|jän(?:ner)?",
    r"feb(?:ruar|ruary|er)?",
    r"mar(?:ch)?|mär(?:z)?|maerz|mrz",
    r"apr(?:il)?",
    r"may|mai",
    r"june?|juni?",
    r"july?|juli?",
    r"aug(?:ust)?",
    r"sept?(?:ember)?",
    r"o[ck]t(?:ober)?",
    r"nov(?:ember)?",
    r"de[cz](?:ember)?",
)
_MONTH = "|".join(MONTHS)
_WEEKDAY = (
    r"(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|mo|di|mi|do|fr|sa|so"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\.?,?\s+"
)
_DAY = r"\d{1,2}(?:\.|st|nd|rd|th)?"
_CLOCK = (
    r"(?P<{0}hour>[0-2]?\d)[:.](?P<{0}minute>[0-5]\d)(?::[0-5]\d(?:\.\d+)?)?"
    r"(?:\s?(?P<{0}half>[ap])\.?m\b\.?(?<!am(?=\s\d)))?(?:\s?uhr\b|\s?h\b)?"
    r"(?:\s?(?:gmt|utc)[+-]\d{{1,2}}|\s?(?:z|[+-]\d{{2}}:?\d{{2}}"
    r"|\(?(?:cest|cet|mesz|mez|gmt|utc|bst|kst|[ecmp][sd]?t|ortszeit|local time)\)?)(?!\w))?"
)
_DATE = (
    rf"(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<dotted>\d{{1,2}}\.\s?\d{{1,2}}\.\s?(?:\d{{4}}|\d{{2}}))(?!\.?\d(?!\d?\.\s(?:{_MONTH})\b))"
    rf"|(?P<slashed>\d{{1,2}}/\d{{1,2}}/\d{{4}})"
    rf"|(?P<day>{_DAY})\s?(?:of\s)?(?P<month>{_MONTH})\b\.?,?\s(?P<year>\d{{4}})"
    rf"|(?P<usmonth>{_MONTH})\b\.?\s(?P<usday>{_DAY}),?\s(?P<usyear>\d{{4}}))(?!\d(?!\d?[:.]))"
)
_BETWEEN = r"[\s,|·•–—-]*(?:(?:um|at|gegen|ab)\s)?"
#: What stands before a date of first publication, before the state of a page, and before its last change.
_PUBLISHED = (
    r"(?:artikel |zuerst |erstmals )?(?:veröffentlicht|erschienen|publiziert|erstellt|gepostet)|(?:first |originally )?"
    r"(?:published|posted|created)|veröffentlichung|erscheinungsdatum|publication date|datum|date|vom|am|on"
)
_UPDATED = (
    r"(?:zuletzt |letzte )?(?:aktualisiert|geändert|bearbeitet|aktualisierung|änderung)|(?:last )?(?:updated?|modified)"
    r"|letztes update"
)
_MOMENT = re.compile(
    rf"(?:\b(?:(?P<published>{_PUBLISHED})|(?P<updated>{_UPDATED})|(?P<state>stand|as of))"
    r"\s?:?(?:\s(?:am|on|at|um))?\s?:?\s?)?"
    rf"(?:\b{_WEEKDAY})?(?:(?:{_CLOCK.format('pre')})[\s,|·•–—-]+(?:on |am )?(?:{_WEEKDAY})?)?"
    rf"{_DATE}(?:(?:t(?=\d)|{_BETWEEN}){_CLOCK.format('')})?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DateLine:
    """The dates of a line: ``published`` in ISO 8601 or None, and what the line says apart from dates."""

    published: str | None
    rest: str


def parse_date(value: str) -> str | None:
    """A date as written to ``2024-10-24`` or ``2024-10-24T14:17``; None when it is none or is ambiguous.

    Reads ISO 8601 (seconds and zone are dropped: local time as printed), ``24.10.2024, 14:17 Uhr``,
    ``24. Oktober 2024``, ``Oct. 24, 2024, 2:17 p.m.``, ``24 October 2024``, ``25/10/2024``; a label such as
    "Published" and a weekday may stand before it, nothing else may stand around it.
    """
    match = _MOMENT.fullmatch(" ".join(value.split()).rstrip("."))
    return _iso(match) if match else None


def read_dates(line: str) -> DateLine | None:
    """What a line says about dates, or None when it holds none.

    Of several dates the one labelled as publication counts, else the one without a label, else the state of the page
    ("Stand:"); the date of a change is never taken for the date of publication.
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    end = 0
    for match in _MOMENT.finditer(line):
        if match.start() > end and line[match.start() - 1].isalnum():
            return None
        rest.append(line[end : match.start()])
        end = match.end()
        label = next((name for name in ("published", "updated", "state") if match[name]), "bare")
        if moment := _iso(match):
            found.setdefault(label, moment)
    if not end:
        return None
    rest.append(line[end:])
    published = found.get("published") or found.get("bare") or found.get("state")
    return DateLine(published, " ".join(" ".join(rest).split()))


def _iso(match: re.Match[str]) -> str | None:
    parts = _day_month_year(match)
    if parts is None:
        return None
    year, month, day = parts
    hour = match["hour"] or match["prehour"]
    try:
        if hour is None:
            return datetime(year, month, day).date().isoformat()  # noqa: DTZ001 - a printed local date has no zone
        minute, half = match["minute"] or match["preminute"], match["half"] or match["prehalf"]
        hours = int(hour) % 12 + (12 if half in "pP" else 0) if half else int(hour)
        moment = datetime(year, month, day, hours, int(minute))  # noqa: DTZ001 - a printed local time has no zone
        return moment.isoformat(timespec="minutes")
    except ValueError:
        return None


def _day_month_year(match: re.Match[str]) -> list[int] | None:
    """Year, month and day as numbers, not yet checked against the calendar."""
    if match["iso"]:
        return [int(part) for part in match["iso"].split("-")]
    if match["dotted"]:
        day, month, year = (int(part) for part in match["dotted"].split("."))
        return [year + 2000 if year < 100 else year, month, day]  # noqa: PLR2004 - two digits: this century
    if match["slashed"]:
        first, second, year = (int(part) for part in match["slashed"].split("/"))
        if min(first, second) > 12 or (max(first, second) <= 12 and first != second):  # noqa: PLR2004 - months
            return None
        return [year, min(first, second), max(first, second)] if first != second else [year, first, first]
    if match["month"]:
        return [int(match["year"]), month_number(match["month"]), int(re.sub(r"\D", "", match["day"]))]
    return [int(match["usyear"]), month_number(match["usmonth"]), int(re.sub(r"\D", "", match["usday"]))]


@lru_cache(maxsize=256)
def month_number(name: str) -> int:
    """1 to 12 for a name that `MONTHS` knows, in any case."""
    return next(number for number, forms in enumerate(MONTHS, 1) if re.fullmatch(forms, name, re.IGNORECASE))
