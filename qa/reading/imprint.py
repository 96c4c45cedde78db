"""Who published a text: what bylines, source lines, copyright lines and breadcrumbs say, German and English.

Each reader gives None unless the whole line has its form; a part that cannot be told apart safely stays None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARTICLE = r"(?:von|van|vom|zu|zur|der|den|de|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ben|und zu)"
_CAP = r"[A-ZÀ-ÖØ-Þ](?:[\w'’-]*\w)?\.?"
_NAME = (
    rf"(?!(?:Der|Die|Das|Dem|Den|Des|Ein|Eine|Einem|The|A|An)\s)(?:{_CAP})(?:\s(?:{_PARTICLE}\s){{0,2}}{_CAP}){{1,3}}"
)
_NAMES = rf"{_NAME}(?:(?:,\s(?:und\s|and\s)?|\s?/\s?|\s(?:und|and|&|with|mit)\s){_NAME})*"
_AGENCIES = (
    r"(?:dpa(?:-AFX|-infocom)?|AFP|AP|Reuters|REUTERS|Yonhap|APA|KNA|epd|SID|TASS|sda|PA Media"
    r"|(?:The )?Associated Press)"
)
_BROADCASTERS = r"(?:ARD|ZDF|WDR|NDR|SWR|BR|MDR|ORF|SRF|BBC|CNN|KBS|NHK|VOA|NPR|DW|RFI|ABC|CBS|NBC)"
_KIND = (
    r"(?:eine? |an? )?(?:exklusiv |gast)?(?:kommentar|analyse|analysis|interview|reportage|beitrag|essay|bericht|report"
    r"|artikel|story|kolumne|column|opinion|text|words|protokoll)\s"
)
_BY = (
    rf"(?i:(?:{_KIND})?(?:von|by)\s?:?|(?:written|reported|geschrieben|verfasst|aufgezeichnet) (?:von|by)"
    r"|(?:autor(?:in|en)?|authors?|text|verfasser(?:in)?|byline|redaktion|reporter|korrespondent(?:in)?)\s?:"
    r"|[\w-]*(?:redakteur|korrespondent|reporter)(?:in)?)"
)
_PLACE = rf"(?:\s?[,|(–—-]\s?(?:in |aus |from )?|\s(?:in|aus|from)\s){_CAP}(?:[\s/-]{_CAP}){{0,3}}\)?"
_BYLINE = re.compile(
    rf"{_BY}\s+(?P<names>{_NAMES})(?:\s?[,|(–—-]\s?{_AGENCIES}\)?|\s{_AGENCIES}|{_PLACE})?\s*[|,·•–—-]*"
)
_AGENCY_BYLINE = re.compile(rf"(?i:von|by)\s{_AGENCIES}(?:[\s,/]+(?:und\s|and\s)?{_AGENCIES})*")
#: What a greedy match takes for a last name: "Jane Doe Associated Press", "Max Muster, ARD-Studio Tokio".
_EMPLOYER = re.compile(rf"[\s,/]+(?:{_AGENCIES}|{_BROADCASTERS}[\w-]*(?: {_CAP}){{0,2}})$")
_REPORTS = re.compile(rf"(?:Aus|From)\s{_CAP}(?:\s{_CAP})?\s(?:berichtet|berichten|reports?)\s(?P<names>{_NAMES})")
_AND_AGENCIES = re.compile(
    rf"(?P<names>{_NAMES})(?: in {_CAP}(?: (?:and|und) {_CAP})?)? (?:and agencies|und Agenturen)"
)
_NAME_LINE = re.compile(_NAME)
_ROLE = re.compile(
    r"(?:[\w-]+ ){0,2}[\w-]*(?i:redakteur(?:in)?|korrespondent(?:in)?|reporter(?:in)?|correspondent|editor|staff writer"
    r"|autor(?:in)?)(?: (?:in|für|at|for|of) .{2,40})?"
    r"|(?P<outlet>BBC(?: News| World Service| Sport)?|CNN|Sky News|NPR)(?:, .{2,40})?"
)

_DOMAIN = r"(?:[\w-]+\.)+(?:de|com|org|net|at|ch|eu|uk|tv|info|fm|io|news|online|kr|fr)"
_OUTLET_NAME = (
    r"[A-ZÄÖÜ][\w.&'’-]*(?:[ -](?:[A-ZÄÖÜ0-9][\w.&'’-]*|der|die|das|the|of|für|am|in|des|von|du|and|und|&)){0,5}"
)
_ITEM = rf"(?:{_DOMAIN}|{_OUTLET_NAME}|[a-z]{{2,6}}(?:-[a-zA-Z]+)?)"
_SOURCE = re.compile(
    rf"[(\[]?(?i:quellen?|sources?|via)\s?:\s?"
    rf"(?P<items>{_ITEM}(?:\s?[,/;|+]\s?(?:mit\s|und\s|and\s)?{_ITEM}){{0,7}}?)"
    r"(?: (?:and|und) (?:news )?(?:agencies|(?:Nachrichten)?[Aa]genturen))?[)\]]?\.?"
)
_AGENCY_SIGN = re.compile(
    rf"[(\[]?(?:[\w.-]{{2,12}}\s?/\s?)*(?:mit |with )?{_AGENCIES}"
    rf"(?:\s?[/,;]\s?(?:{_AGENCIES}|[a-z]{{2,6}})|\s(?:und|and)\s{_AGENCIES})*[)\]]?\.?"
)
_SIGNED_AGENCIES = re.compile(
    r"[\w./-]{2,20}\s?\((?:dpa|afp|rtr|ap|epd|kna|reuters|sid|afx)(?:[,/ ]+\w{2,8}){0,5}\)", re.IGNORECASE
)
#: "(dpa)", "(APA, mas, 24.10.2024)" behind the last sentence.
_SIGNED_END = re.compile(rf"(?<=[.!?“”\"])\s+\({_AGENCIES}(?:[,/ ]+[\w.]{{2,10}}){{0,4}}\)$")
_MIXED_RIGHTS = re.compile(r"©\s?\w[\w.-]*(?:/\w[\w.-]*){1,6}")
_AGENCY = re.compile(rf"(?i:{_AGENCIES})|[a-z]{{2,4}}")

_RIGHTS = r"(?:all(?:e)? rights? reserved|alle rechte vorbehalten)"
_COPYRIGHT = re.compile(
    r"(?:(?:©|\(c\)|copyright)\s*(?:©|\(c\)|by)?\s*(?P<before>\d{4}(?:\s?[–-]\s?\d{4})?)?[\s,:]*"
    rf"(?P<holder>[^.|]{{2,50}}?)[\s,]*(?P<after>\d{{4}})?[\s.,|–-]*(?P<rights>{_RIGHTS})?)[\s.]*",
    re.IGNORECASE,
)
_NO_HOLDER = re.compile(
    r"(?:laws?|infringement|issues?|claims?|reform|protection|rules?|verletzung|recht)\b", re.IGNORECASE
)
_HOLDER_WORD = re.compile(r"[A-ZÄÖÜ0-9&][\w.&'’-]*|der|die|das|the|of|für|and|und|gmbh|de|du")
_OUTLET_WORD = re.compile(
    r"\b(?:news|nachrichten|zeitung|verlag|gmbh|ag|ltd|inc|llc|media|medien|radio|tv|fernsehen|rundfunk|times|post"
    r"|journal|magazin|spiegel|presse|press|broadcasting|online|tagblatt|tageblatt|anzeiger|rundschau|kurier|network"
    r"|group|verlagsgesellschaft)\b|\.\w{2,4}$",
    re.IGNORECASE,
)
_PICTURES = re.compile(
    r"\b(?:photo|foto|images?|pictures?|imago|getty|picture alliance|afp|ap|dpa|reuters|epa|yonhap|keystone|pool"
    r"|handout)\b",
    re.IGNORECASE,
)

_PAGE_TITLE = re.compile(r"(?P<title>.{10,150}?)\s+(?P<bar>[|•]|::|[-–—])\s+(?P<outlet>[^|•]{2,40})")
_OUTLET_WORDS = 5
_CRUMB = re.compile(r"\s*[»›>→]+\s*|\s+/\s+|\s+[|·•]\s+")
_HOME = re.compile(
    r"(?:home|startseite|start|homepage|(?:sie sind hier|you are here)\s?:?\s?(?:home|startseite|start)?)",
    re.IGNORECASE,
)
_TITLE_WORDS = 4
_CRUMB_LENGTH = 30
_CRUMB_PARTS = 3

_STATION = (
    r"(?:News|Radio|TV|Television|World|Nachrichten|Rundfunk|Agency|Service|Deutschlandfunk|Deutschlandradio|Welle"
    rf"|{_BROADCASTERS})"
)
_SIGN_OFF = re.compile(
    rf"(?:(?<=[.!?“”\"»])\s+|^)(?P<name>{_NAME}),\s"
    rf"(?P<outlet>(?:{_CAP}\s){{0,4}}{_STATION}(?:[ -]{_CAP}){{0,3}}?)(?:,\s{_CAP}(?:\s{_CAP})?)?\.?$"
)
_SIGN_OFF_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a line says about a text's origin; all None means that the line has the form but names nobody."""

    author: str | None = None
    outlet: str | None = None
    title: str | None = None


def read_byline(line: str) -> Imprint | None:
    """``Von Ada Lovelace und Carl Gauß``, ``By Jane Doe, Seoul``, ``Von dpa``: the names as printed."""
    match = _BYLINE.fullmatch(line) or _REPORTS.fullmatch(line)
    if match:
        return Imprint(author=_EMPLOYER.sub("", match["names"]))
    if match := _AND_AGENCIES.fullmatch(line):
        return Imprint(author=match["names"])
    return Imprint() if _AGENCY_BYLINE.fullmatch(line) else None


def read_role(line: str, above: str) -> Imprint | None:
    """``BBC News, Seoul`` or ``Redakteurin`` below a line that is a name."""
    role = _ROLE.fullmatch(line)
    if role is None:
        return None
    return Imprint(author=above if _NAME_LINE.fullmatch(above) else None, outlet=role["outlet"])


def read_source(line: str) -> Imprint | None:
    """``Quelle: ntv.de, gut/AFP/dpa``: the first name that is no agency, or the agency when it is named alone."""
    match = _SOURCE.fullmatch(line)
    if match is None:
        return Imprint() if _AGENCY_SIGN.fullmatch(line) or _SIGNED_AGENCIES.fullmatch(line) else None
    items = [item.strip() for item in re.split(r"[,/;|+]", match["items"])]
    own = [item for item in items if not _AGENCY.fullmatch(item)]
    if (
        own
        and own[0] == items[0]
        and not _PICTURES.search(own[0])
        and (" " not in own[0] or _HOLDER_WORD.match(own[0]))
    ):
        return Imprint(outlet=own[0])
    alone = len(items) == 1 and re.fullmatch(_AGENCIES, items[0])
    return Imprint(outlet=items[0] if alone else None)


def read_copyright(line: str) -> Imprint | None:
    """``Copyright euronews``, ``© 2024 Der Bote. All rights reserved``: the holder where it is surely no person."""
    if _MIXED_RIGHTS.fullmatch(line):
        return Imprint()
    match = _COPYRIGHT.fullmatch(line)
    if match is None or _NO_HOLDER.match(match["holder"]):
        return None
    holder = match["holder"].strip(" ,–-")
    words = holder.split()
    dated = bool(match["before"] or match["after"] or match["rights"])
    if not (all(_HOLDER_WORD.fullmatch(word) for word in words) or (len(words) == 1 and words[0].isalpha()) or dated):
        return None
    picture = _PICTURES.search(holder) or "/" in holder
    named = len(words) == 1 or _OUTLET_WORD.search(holder) or match["rights"]
    return Imprint(outlet=holder if named and not picture else None)


def read_page_title(line: str) -> Imprint | None:
    """``Headline | The Northern Post``: both parts; with a dash only the caller can tell whether it is one."""
    match = _PAGE_TITLE.fullmatch(line)
    if match is None or len(match["outlet"].split()) > _OUTLET_WORDS:
        return None
    return Imprint(outlet=match["outlet"], title=match["title"])


def names_outlet(name: str) -> bool:
    """Whether the name is surely a publisher's: a domain, or with a word such as "Zeitung" or "Post" in it."""
    return bool(_OUTLET_WORD.search(name))


def read_breadcrumb(line: str) -> Imprint | None:
    """``Home » Politik » Headline``: the last part, where it is long enough to be a headline."""
    parts = [part for part in _CRUMB.split(line.strip()) if part]
    if not parts[1:]:
        return None
    arrows = len(re.findall(r"[»›>→]", line))
    if line.endswith((".", "«", "‹")) or not (_HOME.fullmatch(parts[0]) or _is_path(parts, arrows)):
        return None
    last = parts[-1]
    headline = len(last.split()) >= _TITLE_WORDS
    return Imprint(title=last if headline else None)


def _is_path(parts: list[str], arrows: int) -> bool:
    short = all(len(part) <= _CRUMB_LENGTH for part in parts[:-1])
    return arrows >= _CRUMB_PARTS - 1 and arrows == len(parts) - 1 and short


def agency_start(line: str) -> int | None:
    """Where the agencies in brackets begin that sign the end of a line, or None."""
    match = _SIGNED_END.search(line, max(0, len(line) - _SIGN_OFF_LENGTH))
    return match.start() if match else None


def is_name(line: str) -> bool:
    """Whether the line could be a person's name and is nothing else."""
    return bool(_NAME_LINE.fullmatch(line))


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who signs the end of a line, and where in the line that begins, in code points."""

    imprint: Imprint
    start: int


def read_sign_off(line: str) -> SignOff | None:
    """``… geliefert. Kim Bum-soo, KBS World Radio News.``: the name and the station."""
    match = _SIGN_OFF.search(line, max(0, len(line) - _SIGN_OFF_LENGTH))
    if match is None:
        return None
    outlet = re.sub(r"(?<=Radio) (?:News|Nachrichten)$", "", match["outlet"])
    return SignOff(Imprint(match["name"], outlet), match.start())
