"""What a question says about time: an explicit restriction on the reports, and whether the latest is wanted.

The date of an event is no restriction. "When did North Korea send troops in October 2024?" is answered by a report of
November as well, so its date only takes part in the search, as words. A date is a restriction where it is said of the
reports: "articles from October", "what did the press write before November?", "was stand vor November in den
Artikeln?", "im Oktober erschienene Berichte". The rules are grammar: the date stands at a noun for reports, at a verb
of reporting whose subject is such a noun, or before the whole of a question about what they say. In doubt it is an
event, because a filter can hide an answer and an event's date cannot.

Days counted from today ("yesterday", "letzte Woche") are not read: what is asked about was published at some time, and
today says nothing about when.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from qa.periods import PERIOD, Period, date_pattern, day_of, period_of
from qa.reading.dates import MONTHS
from qa.text import content_words

_ENGLISH: Final = (
    r"articles?|reports|news|stor(?:y|ies)|coverage|press|papers|newspapers?|media"
    # "report" alone is often a verb: "What did Yonhap report in October?" is about an event.
    r"|(?<=\bthe\s)report|(?<=\ba\s)report|(?<=\bany\s)report|(?<=\bthis\s)report|(?<=\bthat\s)report"
)
_GERMAN: Final = (
    r"artikel[ns]?|bericht(?:e|en|s|es)?|(?:presse|medien|zeitungs)?(?:berichte?n?|artikeln?|meldung(?:en)?)"
    r"|nachrichten?|(?:presse|medien)?berichterstattung|presse|zeitung(?:en)?|medien|texten?|beiträgen?|reportagen?"
)
#: Whose reports are what the articles tell of: "intelligence reports from October", "der UN-Bericht vom 24. Oktober".
_OTHERS: Final = "".join(
    rf"(?<!\b{word}\s)" for word in ("intelligence", "government", "ministry", "police", "military", "official", "un")
)
_NOUN: Final = rf"\b(?<!-){_OTHERS}(?:{_ENGLISH}|{_GERMAN})\b"
_PUBLISHED: Final = r"(?:published|written|dated|released|printed|posted|erschienen|veröffentlicht|publiziert)"
_BE: Final = r"(?:was|were|is|are|has\s+been|have\s+been|had\s+been)"
#: "What article was published in 1937?" asks for the article; what was published in 1937 is its predicate.
_NOT_BE: Final = r"(?<!\bwas\s)(?<!\bwere\s)(?<!\bis\s)(?<!\bare\s)(?<!\bbeen\s)"
_SAY: Final = r"(?:say|said|says|report|reported|write|wrote|written|mention|mentioned|claim|claimed|tell\s+us|told)"
_SAGEN: Final = (
    r"(?:stand|standen|steht|stehen|hei(?:ß|ss)t\s+es|hie(?:ß|ss)\s+es|(?:war|ist)\s+zu\s+lesen|las\s+man|lesen\s+wir"
    r"|schrieb|schrieben|schreiben|berichteten?|berichtet|meldeten?|melden|sagten?|sagen|gab\s+es|gibt\s+es)"
)
_GEDRUCKT: Final = r"(?:berichtet|gemeldet|geschrieben|veröffentlicht|publiziert|gedruckt)"
_CUT: Final = rf"(?P<cut>{PERIOD})"


@cache
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Compiled where they are first needed: all of them take a fifth of a second, and most questions have no date."""
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


#: What every date has.
_DATED: Final = re.compile(rf"\d|{'|'.join(MONTHS)}", re.IGNORECASE)

#: What is cut out of the question is the group ``cut``; a restriction by a period is `PERIOD` within it.
_RESTRICTIONS: Final = (
    # Articles (about X) published in October; Artikel, die im Oktober erschienen sind
    rf"{_NOUN}(?:[^,.;:?!]{{0,80}}?)(?P<cut>,?\s+(?:(?:that|which)\s+(?:{_BE}\s+)?|{_NOT_BE}){_PUBLISHED}\s+{PERIOD})",
    rf"{_NOUN}(?:[^,.;:?!]{{0,80}}?)(?P<cut>,?\s+(?:die|der|das|welche[rs]?)\s+{PERIOD}\s+(?:{_PUBLISHED}|{_GEDRUCKT})"
    r"(?:\s+(?:wurden?|worden|sind|ist|waren?))*,?)",
    rf"(?P<cut>{PERIOD}\s+(?:erschienene|veröffentlichte|publizierte|gedruckte)[nrs]?)\s+{_NOUN}",
    # Articles from October; did the reports say before November; stand vor November in den Artikeln
    rf"(?P<hearsay>(?:\blaut|\baccording\s+to|\bnach)\s+(?:\w+\s+){{0,2}})?{_NOUN}\s+{_CUT}",
    rf"{_NOUN}\s+{_SAY}\s+{_CUT}",
    rf"\b{_SAGEN}\s+{_CUT}\s+(?:\w+\s+){{0,3}}?{_NOUN}",
    rf"\b(?:are|were|was|is)\s+there\s+{_CUT}\s+(?:\w+\s+){{0,2}}?{_NOUN}",
    # Before November, what did the press write; Vor November: Was stand in den Artikeln
    rf"^\W*{_CUT}\s*[,:]?\s+(?=what\s+(?:did|do|does|had|have|has)\s+(?:\w+\s+){{0,2}}?{_NOUN})",
    rf"^\W*{_CUT}\s*[,:]?\s+(?=was\s+{_SAGEN}\s+(?:\w+\s+){{0,3}}?{_NOUN})",
    # What was reported in October; Was wurde im Oktober über X berichtet
    rf"\b(?:what|anything|something|nothing)\s+(?:{_BE}\s+)?(?:reported|published|written|printed)\s+{_CUT}",
    rf"\b(?:was|worüber)\s+(?:wurde|ist|war)\s+(?:\w+\s+)?{_CUT}(?=\s.*\b{_GEDRUCKT}\b)",
    rf"\bwurde\s+{_CUT}(?=\s.*\b(?:über|von)\s.*\b{_GEDRUCKT}\b)",
)

#: A date before a noun: "the October reports", "Oktober-Artikel", "Oktoberberichte".
_BEFORE_NOUN: Final = (
    rf"\b(?P<cut>(?P<x_bare>{'|'.join(MONTHS)})-?)(?=(?:{_GERMAN})\b)",
    rf"\b(?:the|all|only|our|any|which|what|these|those|in|from|alle|die|der|den|welche)\s+(?P<cut>{date_pattern('x')}"
    rf"(?:'s|’s)?)[\s-]+{_NOUN}",
)

#: Within what reports say, a date of the event they tell is as likely: "laut Medien im Oktober 2024".
_OF_REPORTS: Final = re.compile(r"^\W*(?:from|of|dated|vom|von|aus|des)\b", re.IGNORECASE)

_LATEST: Final = re.compile(
    r"\b(?:(?<!at the )latest|newest|most\s+recent(?:ly)?|(?:more\s+)?recent(?:ly)?|lately"
    r"|zuletzt|als\s+letztes|neue?ste[nrsm]?|neue?stens|aktuellste[nrsm]?|am\s+aktuellsten|kürzlich|neulich|unlängst"
    r"|vor\s+kurzem|in\s+letzter\s+zeit|jüngst"
    rf"|(?:jüngste|aktuelle|letzte)[nrsm]?\s+(?:{_GERMAN}|entwicklung(?:en)?|stand|lage|angaben|zahlen))\b",
    re.IGNORECASE,
)
_ABOUT: Final = r"(?:about|on|of|regarding|concerning|über|zum?|zur|von)"
_TOPIC: Final = r"(?P<topic>\S.*?)[\s?.!]*$"
#: Questions that ask what the reports say about something. Over seeds/, "Was schrieben die Zeitungen über die Truppen
#: in Kursk?" has confidence 0.14, "die Truppen in Kursk" 0.32: no sentence of an article tells what newspapers write.
_FRAMES: Final = (
    rf"^\W*what\s+(?:do|does|did|have|had)\s+(?:\w+\s+){{0,2}}?{_NOUN}\s+{_SAY}\s+{_ABOUT}\s+{_TOPIC}",
    rf"^\W*what\s+{_BE}\s+(?:reported|published|written|said)\s+{_ABOUT}\s+{_TOPIC}",
    rf"^\W*was\s+{_SAGEN}\s+(?:\w+\s+){{0,3}}?{_NOUN}\s+{_ABOUT}\s+{_TOPIC}",
    rf"^\W*was\s+wurde\s+{_ABOUT}\s+(?P<topic>\S.*?)\s+{_GEDRUCKT}\W*$",
)

_BEFORE_SIGN: Final = re.compile(r"\s+(?=[,.;:?!])")


@dataclass(frozen=True, slots=True)
class Said:
    """What a question says about time.

    Attributes:
        text: The question without the words of the restriction, as it is searched for; where it asks what the reports
            say about something, only that.
        period: What the reports are restricted to, or None.
        latest: Whether the newest is wanted where several answer.
    """

    text: str
    period: Period | None = None
    latest: bool = False


def read_time(question: str) -> Said:
    """What a question says about time. Any text will do; one that says nothing comes back as it is."""
    latest = bool(_LATEST.search(question))
    if not _DATED.search(question):
        return Said(question, None, latest)
    for patterns, period_in in ((_RESTRICTIONS, _restriction), (_BEFORE_NOUN, _date_before)):
        for pattern in _compiled(patterns):
            for match in pattern.finditer(question):
                period = period_in(match)
                if period:
                    return Said(_topic(_without(question, match)), period, latest)
    return Said(question, None, latest)


def _restriction(match: re.Match[str]) -> Period | None:
    if match.groupdict().get("hearsay") and not _OF_REPORTS.match(match["cut"]):
        return None
    return period_of(match)


def _date_before(match: re.Match[str]) -> Period | None:
    day = day_of(match, "x")
    return Period("in", day) if day else None


def _topic(text: str) -> str:
    """What the reports are asked about, where nothing else is asked ("What did the articles say about Kursk?")."""
    for frame in _compiled(_FRAMES):
        match = frame.match(text)
        if match and content_words(match["topic"]):
            return match["topic"]
    return text


def _without(question: str, match: re.Match[str]) -> str:
    start, end = match.span("cut")
    left, right = question[:start].rstrip(), question[end:].lstrip(" ,:" if not question[:start].strip() else " ")
    text = _BEFORE_SIGN.sub("", f"{left} {right}".strip())
    # A capital letter goes on to what now begins the question.
    return text[:1].upper() + text[1:] if not left and question.lstrip()[:1].isupper() else text
