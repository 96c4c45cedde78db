"""A filter in words: for the page, the command line and the abstention under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qa.labels import LABELS, format_date, searched_note

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


def _date(text: str, lang: Lang) -> str:
    if len(text) > _MONTH_LENGTH:
        return format_date(text, lang)
    year, _, month = text.partition("-")
    return f"{LABELS[lang].months[int(month) - 1]} {year}" if month else year
