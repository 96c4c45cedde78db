"""Sentences and sub-headings that lost the space or the line break between them when a page was scraped.

Only two joints are mended: a stop with the next sentence right behind it ("könnten.Nordkorea weist"), and a
sub-heading with the next sentence right behind it ("… zurückDas Regime dementiert"), which becomes a paragraph of its
own. Everything else keeps its spaces as printed.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

_words = str.split

_STOP = re.compile(
    r"(?:[a-zäöüß]{2}|[A-ZÄÖÜ]{2}|(?<!\d)(?:19|20)\d\d|\w[”“\"»«’]|[)\]])(?P<stop>[.!?]|[!?]{2,3})(?P<quote>[\"“”„»«]?)"
    r"(?=[„“\"»«(]?(?P<next>[A-ZÄÖÜ](?:[a-zäöüß][\w'’-]*|(?=\s[a-zäöüß]))))"
)
_QUOTES = re.compile(r"[\"“”„»«]")
_SENTENCE_START = re.compile(r"[.!?…:][\"”“»«)]*(?=\s|[„“\"»«(]?[A-ZÄÖÜ][a-zäöüß])")
#: Addresses and file paths: a stop in them ends nothing.
_ADDRESS = re.compile(r"://|www\.|@|\\|\w_\w|\.\w{2,4}/")
#: Words behind a stop that belong to a name or an address, whatever the case of their letters.
_SUFFIXES = frozenset(
    _words(
        "online com de net org at ch eu uk tv fm info io ai co js ts py md txt pdf doc docx html htm php exe zip csv "
        "jpg png plus news digital live media app dev berlin hamburg wien bayern nrw fresh music cloud space"
    )
)
_ABBREVIATIONS = frozenset(
    _words(
        "prof bzw usw etc inkl exkl evtl ggf ggfs vgl sog geb gest verh ehem bspw zzgl abzgl mind ca str tel jan feb "
        "aug sept okt nov dez mio mrd tsd hrsg gen sen rep gov capt sgt col mrs ing dipl kap abb anm fig vol inc corp "
        "ltd univ chr abs bd insg insb max phil med jur rer nat hon pres adm stellv kat yahoo"
    )
)
_STARTERS = _words(
    "Der Die Das Den Dem Des Ein Eine Einen Einem Einer Er Sie Es Wir Ich Man Auch Aber Doch Denn Und Oder Wenn Weil "
    "Während Nachdem Bevor Als Ob Wie Was Wer Wo Warum Diese Dieser Dieses Diesen Diesem Laut Nach Vor Seit Bei Beim "
    "Mit Ohne Für Gegen Um Über Unter Zwischen Zu Zum Zur Von Vom Durch Trotz Wegen Dabei Damit Dazu Danach Darauf "
    "Daher Dagegen Dennoch Deshalb Zudem Außerdem Allerdings Bislang Bisher Derzeit Zuletzt Zuvor Zugleich "
    "Gleichzeitig Insgesamt Inzwischen Mittlerweile Nun Noch Nur Schon So Dann Dort Hier Heute Am Im In An Auf Aus Bis "
    "Sein Seine Ihre Viele Mehrere Einige Alle Beide Kein Keine Unterdessen Derweil Angesichts Aufgrund Neben Hinter "
    "The A This That These Those It He She They We I On At By For From With Without After Before When While As If But "
    "And There His Her Their Its According Meanwhile However Although Despite Since Until Under Some Many Most Both "
    "Earlier Last"
)
_JOINT = re.compile(rf"(?<=[a-zäöüß]{{2}})(?=(?P<word>{'|'.join(_STARTERS)})\s+[\w„“\"]|„[A-ZÄÖÜ])")
_WORD_BEFORE = re.compile(r"[\w-]+$")
#: What may be a sub-heading: shorter than most sentences, and the joint behind it starts with a function word.
_HEADING_WORDS = range(2, 15)
_HEADING_LENGTH = 110
_REST_WORDS = 3
_SHORT_WORD = 2
#: How far back a sentence start is looked for, in code points; keeps the work linear on files of one line.
_WINDOW = 600
_TOKEN = 200


def mend(paragraph: str) -> list[str]:
    """The paragraph with its lost spaces, or its parts where a glued sub-heading was found.

    Domains, abbreviations, numbers, camel case and file names stay as they are. Applying it to its own results
    changes nothing.
    """
    quotes = [match.start() for match in _QUOTES.finditer(paragraph)]
    stops = [at for match in _STOP.finditer(paragraph) if (at := _split_at(paragraph, match, quotes)) is not None]
    breaks: list[int] = []
    for match in _JOINT.finditer(paragraph):
        start = _heading_start(paragraph, match, stops)
        if start is not None:
            breaks += [start, match.start()]
    parts: list[str] = []
    done = 0
    piece = ""
    for at in sorted({*stops, *breaks}):
        piece += paragraph[done:at]
        done = at
        if at in breaks:
            parts.append(piece)
            piece = ""
        elif at in stops:
            piece += " "
    parts.append(piece + paragraph[done:])
    return [part.strip() for part in parts if part.strip()]


def _split_at(paragraph: str, match: re.Match[str], quotes: list[int]) -> int | None:
    """Where the space is missing, or None when the stop ends no sentence."""
    stop, following = match.start("stop"), match["next"]
    token = (
        paragraph[max(0, stop - _TOKEN) : stop].rpartition(" ")[2] + paragraph[stop : stop + _TOKEN].partition(" ")[0]
    )
    after = paragraph[match.end("next") : match.end("next") + 2]
    before = _WORD_BEFORE.search(paragraph, max(0, stop - 30), stop)
    if (
        _ADDRESS.search(token)
        or following.casefold() in _SUFFIXES
        or (before and before[0].casefold() in _ABBREVIATIONS)
        or re.match(r"[.(_]\w", after)
    ):
        return None
    if len(paragraph[_sentence_start(paragraph, match.start()) : stop].split()) < _SHORT_WORD:
        return None  # "Spiegel.Neu berichtet": a name that opens the sentence
    if match["quote"] and bisect_left(quotes, match.start("quote")) % 2:
        return match.end("quote")  # an odd number of marks before it: this one closes
    return match.end("stop")


def _sentence_start(paragraph: str, before: int) -> int:
    start = max(0, before - _WINDOW)
    for match in _SENTENCE_START.finditer(paragraph, start, before):
        start = match.end()
    return start


def _heading_start(paragraph: str, joint: re.Match[str], stops: list[int]) -> int | None:
    """Where the heading that ends at the joint begins, or None when no heading ends there."""
    at = joint.start()
    left = _WORD_BEFORE.search(paragraph, max(0, at - 40), at)
    word = joint["word"]
    if left is None or (word and len(word) <= _SHORT_WORD and not left[0].islower()):
        return None  # "LinkedIn"
    nearest = bisect_right(stops, at)
    start = max(_sentence_start(paragraph, at), stops[nearest - 1] if nearest else 0)
    heading, rest = paragraph[start:at].strip(), paragraph[at : at + 200].split()
    opening = heading.lstrip("„“\"»«'(")[:1]
    fits = len(heading.split()) in _HEADING_WORDS and len(heading) <= _HEADING_LENGTH and len(rest) >= _REST_WORDS
    return start if fits and (opening.isupper() or opening.isdigit()) else None
