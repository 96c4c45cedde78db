"""A filter in words: for the page, the command line and the abstention under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qa.labels import LABELS, format_date, searched_note
from qa.only import DatesSwappedError, FilterError, NoDateError, NoOutletError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qa.types import Answer, Lang, Only

_MONTH_LENGTH: Final = len("2024-10")

_BETWEEN: Final[Mapping[Lang, str]] = {"de": "{since} bis {until}", "en": "{since} to {until}"}
_SINCE: Final[Mapping[Lang, str]] = {"de": "ab {since}", "en": "from {since}"}
_UNTIL: Final[Mapping[Lang, str]] = {"de": "bis {until}", "en": "until {until}"}

#: Said in place of an answer, when the articles that a filter lets in do not hold one.
_ELSEWHERE: Final[Mapping[Lang, str]] = {
    "de": "In den gefilterten Artikeln ({only}) steht dazu nichts. Ohne den Filter gibt es eine Antwort.",
    "en": "The filtered articles ({only}) do not say. Without the filter there is an answer.",
}
_NOWHERE: Final[Mapping[Lang, str]] = {
    "de": "In den gefilterten Artikeln ({only}) steht dazu nichts, und in allen anderen auch nicht.",
    "en": "The filtered articles ({only}) do not say, and neither do all the others.",
}

#: What is wrong with a filter, as the page says it beside its fields.
_NO_DATE: Final[Mapping[Lang, str]] = {
    "de": "„{field}“: {given} ist kein Datum. Möglich sind 2024-10-24, 2024-10 und 2024.",
    "en": "“{field}”: {given} is not a date. Write 2024-10-24, 2024-10 or 2024.",
}
_SWAPPED: Final[Mapping[Lang, str]] = {
    "de": "„{since_field}“ ({since}) liegt nach „{until_field}“ ({until}). Bitte tauschen.",
    "en": "“{since_field}” ({since}) lies after “{until_field}” ({until}). Please swap them.",
}
_NO_OUTLET: Final[Mapping[Lang, str]] = {
    "de": "Kein Artikel stammt von „{name}“.",
    "en": "No article is from “{name}”.",
}
_MEANT: Final[Mapping[Lang, str]] = {"de": "Gemeint: {nearest}?", "en": "Did you mean {nearest}?"}
_THERE_ARE: Final[Mapping[Lang, str]] = {"de": "Es gibt: {names}.", "en": "There are: {names}."}
_AND_MORE: Final[Mapping[Lang, str]] = {"de": "{names} und {more} weitere", "en": "{names} and {more} more"}
_NO_OUTLETS: Final[Mapping[Lang, str]] = {
    "de": "Kein Artikel nennt sein Medium.",
    "en": "No article names its outlet.",
}


def filter_words(only: Only, lang: Lang) -> str:
    """The filter as people write it: ``24. Oktober 2024 bis November 2024 · ntv.de``; "" for none."""
    since, until = (_date(text, lang) if text else "" for text in (only.since, only.until))
    if since and since == until:
        dates = since
    elif since and until:
        dates = _BETWEEN[lang].format(since=since, until=until)
    else:
        dates = _SINCE[lang].format(since=since) if since else _UNTIL[lang].format(until=until) if until else ""
    return " · ".join(part for part in (dates, ", ".join(only.outlets)) if part)


def only_note(only: Only, lang: Lang) -> str:
    """One line that names the filter, "" for none."""
    return LABELS[lang].only_articles.format(filter=filter_words(only, lang)) if only else ""


def search_remark(answer: Answer) -> str:
    """What was searched for and where, as far as it is not the question in all articles; else ""."""
    note = searched_note(answer.question, answer.searched_for, answer.lang)
    return " · ".join(part for part in (note, only_note(answer.only, answer.lang)) if part)


def filtered_abstention(only: Only, lang: Lang, *, elsewhere: bool) -> str:
    """That the articles within the filter do not say, and whether there is an answer without it."""
    return (_ELSEWHERE if elsewhere else _NOWHERE)[lang].format(only=filter_words(only, lang))


def filter_fault(error: FilterError, lang: Lang) -> str:
    """What is wrong with a filter and what mends it, for a person who sees its fields and not its options."""
    labels = LABELS[lang]
    if isinstance(error, NoDateError):
        field = labels.filter_since if error.bound == "since" else labels.filter_until
        return _NO_DATE[lang].format(field=field, given=error.given)
    if isinstance(error, DatesSwappedError):
        fields = {"since_field": labels.filter_since, "until_field": labels.filter_until}
        return _SWAPPED[lang].format(since=_date(error.since, lang), until=_date(error.until, lang), **fields)
    if isinstance(error, NoOutletError):
        return f"{_NO_OUTLET[lang].format(name=error.name)} {_outlets_there(error, lang)}"
    return error.told


def _outlets_there(error: NoOutletError, lang: Lang) -> str:
    if error.nearest is not None:
        return _MEANT[lang].format(nearest=error.nearest)
    if not error.others:
        return _NO_OUTLETS[lang]
    names = ", ".join(error.others)
    return _THERE_ARE[lang].format(names=_AND_MORE[lang].format(names=names, more=error.more) if error.more else names)


def _date(text: str, lang: Lang) -> str:
    if len(text) > _MONTH_LENGTH:
        return format_date(text, lang)
    year, _, month = text.partition("-")
    return f"{LABELS[lang].months[int(month) - 1]} {year}" if month else year
