"""What news pages leave around an article, judged line by line; the patterns are in ``furniture.toml``.

Labels are buttons and headings, and a line is furniture when such phrases tile it; prompts are whole sentences that ask
the reader for something; credits name who took a picture; related headings introduce links to other articles.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

_Table = Mapping[str, Iterable[str]]
_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_PARTS: Mapping[str, str] = _TABLES["parts"]


def _pattern(*tables: _Table, flags: int = 0) -> re.Pattern[str]:
    """All entries of the tables as one pattern."""
    source = "|".join(f"(?:{entry})" for table in tables for entries in table.values() for entry in entries)
    for name, part in _PARTS.items():
        source = source.replace(f"{{{name}}}", part)
    return re.compile(source, flags)


_LABEL = _pattern(_TABLES["labels"])
_EDGE_LABEL = _pattern(_TABLES["labels"], _TABLES["edge"])
_PROMPT = _pattern(_TABLES["prompts"], flags=re.IGNORECASE)
_RELATED = _pattern(_TABLES["related"], flags=re.IGNORECASE)
_RELATED_TOPIC = _pattern({"topic": _TABLES["related"]["topic"]}, flags=re.IGNORECASE)

_PUNCTUATION = re.compile(
    r"[|·•\\›»«>→←▸►▶↗;,!?…\"“”„()\[\]©*#✓✔×+_]|:(?!\d\d\b)|(?<!\w)[-–—/.]+|[-–—/.]+(?!\w)|(?<=\D)/(?=\D)"
)
#: The longest phrase of the tables has eight words; a line of more characters is no row of labels.
_PHRASE_WORDS = 10
_LINE_LIMIT = 200
_PROMPT_LIMIT = 400
_NAV_PHRASES = 3
_NAV_STRANGERS = 0.34
_TOPIC_WORDS, _TOPIC_LENGTH = 4, 60

_AGENCY = f"(?i:{_PARTS['agency']})"
_CREDIT_LABEL = f"(?i:{'|'.join(_TABLES['credits']['label'])})"
#: Words and what parts them give nothing back: "& & & &", which can be parted in a billion ways, took hours.
_NAME_WORD = (
    r"(?:[A-ZÄÖÜ][\w.'’-]*+|\d{4}|von|van|der|de|den|del|di|da|la|le|bin|al|el|zu|und|and|for|of|the|via|im|in)"
)
_CREDIT = rf"(?:{_AGENCY}|{_NAME_WORD})(?:[ ,;/|&–-]++(?:{_AGENCY}|{_NAME_WORD})){{0,9}}\.?"
_CREDIT_LINE = re.compile(
    rf"[(\[]?\s*(?:{_CREDIT_LABEL}\s?:\s?(?:©\s?)?{_CREDIT}|©\s?{_CREDIT}"
    rf"|(?i:photograph|photo|foto|picture) (?i:by|von) {_CREDIT}|{_AGENCY}(?:\s?(?:/|via|,|\|)\s?{_CREDIT})?"
    rf"|{_CREDIT}/{_AGENCY}(?: (?:Photo|Images|Pictures))?|AP Photo(?:/{_CREDIT})?)\s*[)\]]?\.?"
)
_BARE_CREDIT = re.compile(rf"{_AGENCY}(?:\s?/\s?{_AGENCY})*")
_CREDIT_END = re.compile(
    rf"(?<![\w:])\s*(?:[(\[]\s*(?:{_CREDIT_LABEL}\s?:?\s?|©\s?){_CREDIT}\s*[)\]]"
    rf"|(?:{_CREDIT_LABEL}\s?:\s?(?:©\s?)?|©\s?|Copyright\s+(?:©\s?)?|Credit\.\.\.){_CREDIT}|Copyright\s+[a-z]\w+)$"
    rf"|(?<=[a-zäöüß.])(?:(?:Foto|Bild|Photo|Image): ?|Credit\.\.\.){_CREDIT}$"
    rf"|\s*(?:\(AP Photo[^()]{{0,60}}\)|[(\[](?:{_CREDIT}\s?/\s?{_AGENCY}|{_AGENCY}\s?/\s?{_CREDIT})[)\]])$"
)
_CREDIT_INLINE = re.compile(
    rf"(?<=[.!?“”\"])\s*[(\[](?:{_CREDIT_LABEL}\s?:\s?|©\s?){_CREDIT}[)\]](?=\s+[„“\"]?[A-ZÄÖÜ])"
)
#: What a video leaves behind: a clock time under a name ("Nordkorea Putin. 12.00").
_STRAY_CAPTION = re.compile(r"(?:[A-ZÄÖÜ][\w-]*[ .]+){1,6}\d{1,2}[.:]\d{2}")
#: A picture of a series or from the archive, the contents of a text on several pages, a lone dateline, an address.
_APART = re.compile(
    r"\[\d+/\d+\].{0,350}|\d+ (?:of|von) \d+ \|.{0,350}|(?:FILE|ARCHIV|FILE PHOTO|ARCHIVBILD)\s?[-–—:].{0,300}"
    r"|\d+\. Seite \d+\b.{0,100}|[A-ZÄÖÜ]{2}[A-ZÄÖÜ ,.'-]{0,40}\s?[—–]{1,2}|[\w.+-]+@[\w-]+\.[\w.-]+"
)
_SYMBOLS = re.compile(r"[\W_]+")
_LINK = re.compile(
    r"(?:(?:https?://|www\.)\S++|pic\.twitter\.com/\S++|[@#]\w++)(?:[\s,|]++(?:https?://\S++|pic\.twitter\.com/\S++|[@#]\w++))*+"
)


@lru_cache(maxsize=4096)
def is_label(line: str, *, edge: bool = False) -> bool:
    """Whether buttons and labels alone make up the line.

    Args:
        line: A line of a page.
        edge: It stands above the first or below the last sentence: menu words and section names count too.
    """
    if len(line) > _LINE_LIMIT:
        return False
    words = _PUNCTUATION.sub(" ", line.lower()).split()
    tiled = bool(words) and _tile(words, _EDGE_LABEL if edge else _LABEL)
    return tiled or (not line.endswith(".") and _is_menu(line))


def _tile(words: list[str], phrase: re.Pattern[str]) -> bool:
    """Whether phrases cover all words, one after the other."""
    reached = {0}
    for start in range(len(words)):
        if start in reached:
            ends = range(start + 1, min(len(words), start + _PHRASE_WORDS) + 1)
            reached.update(end for end in ends if phrase.fullmatch(" ".join(words[start:end])))
    return len(words) in reached


def _is_menu(line: str) -> bool:
    """Whether the line is a row of menu entries, of which a few may be unknown names in capitals."""
    words = _PUNCTUATION.sub(" ", line).split()
    if len(words) < _NAV_PHRASES or not all(word[:1].isupper() for word in words):
        return False
    strangers = sum(not _EDGE_LABEL.fullmatch(word.lower()) for word in words)
    return len(words) - strangers >= _NAV_PHRASES and strangers <= _NAV_STRANGERS * len(words)


def is_prompt(line: str) -> bool:
    """Whether the whole line asks the reader for something or speaks of the page itself."""
    return len(line) <= _PROMPT_LIMIT and bool(_PROMPT.fullmatch(line))


def is_residue(line: str) -> bool:
    """Whether the line holds no words of an article: symbols, bare links, a stray time under a name."""
    return bool(
        _SYMBOLS.fullmatch(line) or _LINK.fullmatch(line) or _STRAY_CAPTION.fullmatch(line) or _APART.fullmatch(line)
    )


def is_credit(line: str) -> bool:
    """Whether the line is nothing but a picture credit."""
    return len(line) <= _LINE_LIMIT and bool(_CREDIT_LINE.fullmatch(line))


def is_bare_credit(line: str) -> bool:
    """Whether the line is the name of an agency alone: some pages print the caption below it."""
    return bool(_BARE_CREDIT.fullmatch(line))


def credit_start(line: str) -> int | None:
    """Where a picture credit begins that ends the line, or None."""
    match = _CREDIT_END.search(line, max(0, len(line) - _LINE_LIMIT))
    return match.start() if match and match.start() else None


def without_inline_credits(line: str) -> str:
    """The line without credits in brackets that stand between two of its sentences."""
    return _CREDIT_INLINE.sub("", line) if "(" in line or "[" in line else line


def is_related_heading(line: str) -> bool:
    """Whether the line heads a list of other articles or introduces one."""
    bare = line.strip(" :|›»→…-–*#")
    if line.endswith(".") or len(bare) > _TOPIC_LENGTH:
        return False
    if _RELATED.fullmatch(bare):
        return True
    match = _RELATED_TOPIC.match(bare)
    rest = bare[match.end() :] if match else ""
    return rest.startswith((" ", ":")) and len(rest.split()) <= _TOPIC_WORDS
