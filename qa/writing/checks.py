"""What a sentence that a model wrote must pass before it is shown. Deterministic; no model takes part.

A sentence stands when it cites, every citation exists, every quoted string is a slice of a cited quote, and every
figure and proper name stands in a cited quote. Not checked, because no rule could: whether the words between them say
what the quote says (a dropped "not", another verb, a figure that counts something else).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from qa.writing.figures import figures, stated
from qa.writing.names import Source, unsupported

if TYPE_CHECKING:
    from qa.types import Citation, Lang

Fault = Literal[
    "unknown citation", "no citation", "quotation", "figure", "name", "link", "too long", "cut off", "empty"
]

#: Code points of the longest sentence that is shown; a longer one is no sentence.
LONGEST_SENTENCE: Final = 600

#: ``[2]``, and ``[1, 2]``, ``[1-3]``, which models write too.
_CITED: Final = re.compile(r"\[\s*(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\s*\]")
#: What else looks like a citation and must not be shown as one: ``[x]``, ``[¹]``, ``【1】``.
_BRACKETED: Final = re.compile(r"\[[^\]]*\]|[【】〔〕]")
_NUMBER: Final = re.compile(r"(\d+)\s*([–-]?)")
_MOST_IN_RANGE: Final = 20
_BEFORE_STOP: Final = re.compile(r"([.!?…]+[\"'”“’‘»«›‹)]*)[ \t]*((?:\[\d+\][ \t]*)+)(?=\s|$|[^\W\d_])")
_BLANK_BEFORE: Final = re.compile(r"\s+(?=[.!?,;:…])")
_ENDED: Final = re.compile(r"[.!?…][\"'”“’‘»«›‹)\]]*$")
_MARKS: Final = re.compile(r"\*\*|__|`+")
_BULLET: Final = re.compile(r"^\s*(?:[-*•–]\s+|#+\s+|\d{1,2}[.)]\s+(?=\D))")

_DOUBLE: Final = '"„“”»«‟〝〞'
_LOOSE_DOUBLE: Final = re.compile(f"[{_DOUBLE}]")
_QUOTED: Final = re.compile(f"[{_DOUBLE}]([^{_DOUBLE}]*)[{_DOUBLE}]")
#: Single marks only around words: elsewhere they are apostrophes.
_QUOTED_SINGLE: Final = re.compile(r"(?<![^\s(\[„“\"])[‚‘'›‹](?=\S)([^‚‘’'›‹]*\S)[‘’'‹›](?![^\W_])")
_APOSTROPHES: Final = re.compile(r"[’‘‚‛`´]")
_LINK: Final = re.compile(
    r"\w+://|\bwww\.|[\w.+-]+@[\w-]+\.\w|\b[\w-]+\.(?:com|org|net|info|io|de|eu|ru|cn|uk|example|xyz|top|site|online)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sentence as it may be shown, and what is wrong with it: None where nothing is."""

    text: str
    fault: Fault | None = None
    detail: str = ""


def tidy(text: str) -> str:
    """Prose with its citations as ``[1][2]``, each before the stop of its sentence, and no marks of Markdown."""
    text = _CITED.sub(_apart, _MARKS.sub("", text))
    text = _BEFORE_STOP.sub(lambda match: f" {match[2].strip().replace(' ', '')}{match[1]} ", text)
    return re.sub(r"(?<=\])[ \t]+(?=\[\d)", "", text)


def _apart(match: re.Match[str]) -> str:
    numbers: list[int] = []
    ranged = False
    for number, dash in _NUMBER.findall(match[1]):
        upto = int(number)
        first = numbers[-1] + 1 if ranged and numbers and 0 < upto - numbers[-1] <= _MOST_IN_RANGE else upto
        numbers += range(first, upto + 1)
        ranged = bool(dash)
    return "".join(f"[{number}]" for number in dict.fromkeys(numbers))


def judge(sentence: str, citations: Sequence[Citation], lang: Lang) -> Verdict:
    """Check one sentence of `tidy` prose.

    Args:
        sentence: As written.
        citations: The quotes that the model was given.
        lang: Language that it was to write in.
    """
    text = _BLANK_BEFORE.sub("", " ".join(_BULLET.sub("", sentence).split()))
    quotes = {citation.number: citation for citation in citations}
    numbers = [int(number) for number in re.findall(r"\[(\d+)\]", text)]
    unknown = [number for number in numbers if number not in quotes]
    bare = re.sub(r"\s*\[\d+\]", "", text)
    if not re.search(r"[^\W\d_]", bare):
        return Verdict(text, "empty")
    if len(text) > LONGEST_SENTENCE:
        return Verdict(text, "too long")
    if not _ENDED.search(bare):
        return Verdict(text, "cut off")
    if unknown or _BRACKETED.search(bare):
        return Verdict(text, "unknown citation", ", ".join(map(str, unknown)))
    if not numbers:
        return Verdict(text, "no citation")
    return _against([quotes[number] for number in dict.fromkeys(numbers)], text, bare, lang)


def _against(cited: Sequence[Citation], text: str, bare: str, lang: Lang) -> Verdict:
    """Check quotations, links, figures and names of ``bare`` against the quotes that it cites."""
    if wrong := _misquoted(bare, [citation.quote for citation in cited]):
        return Verdict(text, "quotation", wrong)
    for link in _LINK.finditer(bare):
        if not any(link[0] in citation.quote for citation in cited):
            return Verdict(text, "link", link[0])
    held = frozenset[str]().union(*(stated(citation.quote, citation.lang) for citation in cited))
    for figure in figures(bare, lang):
        if figure.readings.isdisjoint(held):
            return Verdict(text, "figure", figure.shown)
    source = Source([citation.quote for citation in cited], [citation.lang for citation in cited])
    if missing := unsupported(bare, lang, source):
        return Verdict(text, "name", ", ".join(missing))
    return Verdict(text)


def _misquoted(text: str, quotes: Sequence[str]) -> str:
    """The first quoted string that is no slice of a quote, or the mark that has no partner; else ""."""
    plain = [_plain(quote) for quote in quotes]
    for match in _QUOTED.finditer(text):
        if not _is_slice(match[1], plain):
            return match[0]
    rest = _QUOTED.sub(" ", text)
    if loose := _LOOSE_DOUBLE.search(rest):
        return loose[0]
    for match in _QUOTED_SINGLE.finditer(rest):
        if not _is_slice(match[1], plain):
            return match[0]
    return ""


def _is_slice(quoted: str, plain: Sequence[str]) -> bool:
    """Whether whole words of a quote, in order and unchanged; a stop or comma at the end may be the sentence's own."""
    wanted = _plain(quoted).rstrip(".,;:!?… ")
    if not wanted:
        return False
    return any(re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", quote) for quote in plain)


def _plain(text: str) -> str:
    """With one kind of quotation mark and apostrophe and single blanks."""
    return " ".join(_APOSTROPHES.sub("'", _LOOSE_DOUBLE.sub('"', text)).split())
