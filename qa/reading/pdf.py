"""Text of a PDF as paragraphs: running heads and page numbers out, hyphenated and wrapped lines joined."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pypdf import PdfReader
from pypdf.errors import LimitReachedError

from qa.errors import BadFileError

#: Bounds of the work on one file. pypdf itself bounds what a single stream may unpack to.
MAX_PAGES = 1000
MAX_OPERATIONS = 5_000_000
MAX_CHARACTERS = 5_000_000

_PAGE_NUMBER = re.compile(
    r"(?:(?:seite|page|s\.|p\.)\s*)?[-–—|]?\s*\d{1,4}\s*[-–—|]?(?:\s*(?:von|of|/)\s*\d{1,4})?|[ivxlc]{1,6}",
    re.IGNORECASE,
)
_EDGE_LINES = 3
_REPEATED_SHARE = 0.6
_HYPHEN = re.compile(r"(?P<left>[A-Za-zÀ-ÿ]+)[-‐\xad]$")
_SENTENCE_END = re.compile(r"[.!?…:][\"”“»«’‘)\]]*$")
_BULLET = re.compile(r"[•▪‣◦●–-]\s+|\(?\d{1,2}[.)]\s+[A-ZÄÖÜ]")
_PAIRED = frozenset(["und", "oder", "bis", "sowie", "als", "wie", "and", "or", "to", "bzw.", "beziehungsweise"])
#: Of the usual line width: a shorter line ends a paragraph if it ends a sentence, and is a heading if not.
_SHORT_END, _SHORT_HEADING = 0.9, 0.65
_NO_TITLE = re.compile(
    r"(?:microsoft|powerpoint|word|excel|untitled|unbenannt|ohne titel|document\d*|dokument\d*|print|layout|slide)\b.*|"
    r".*\.(?:docx?|indd|qxp|qxd|pdf|odt|rtf|txt|tex|dvi|ps|html?)|\W*|.*https?://.*|\S*\d{4,}\S*",
    re.IGNORECASE,
)
_NO_AUTHOR = re.compile(
    r"(?:admin\w*|user\w*|benutzer|root|unknown|unbekannt|owner|author|autor|anonymous|microsoft.*|office.*|pc|.*@.*|\W*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PdfText:
    """Text of a PDF, paragraphs parted by blank lines, and what its properties say."""

    text: str
    title: str | None
    author: str | None


def read_pdf(data: bytes) -> PdfText:
    """Text and properties of a PDF.

    Raises:
        BadFileError: It needs a password, holds no text (scanned pages), is damaged or would take too much work.
    """
    if b"%PDF-" not in data[:1024]:
        raise BadFileError("the file is not a PDF, whatever its name says")
    # What is wrong with a file is said in the summary of a build, not logged in between.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return _read(data)
    except (BadFileError, MemoryError):
        raise
    except LimitReachedError as error:
        raise BadFileError("the PDF unpacks to more than is read: a stream of 75 MB at most") from error
    except Exception as error:  # a parser of foreign bytes may raise anything
        raise BadFileError("the PDF is damaged") from error


def _read(data: bytes) -> PdfText:
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise BadFileError("the PDF is encrypted: it opens only with a password")
    if len(reader.pages) > MAX_PAGES:
        raise BadFileError(f"the PDF has {len(reader.pages)} pages, more than the {MAX_PAGES} that are read")
    budget = _Budget()
    pages = []
    characters = 0
    for page in reader.pages:
        text = page.extract_text(visitor_operand_before=budget.spend) or ""
        characters += len(text)
        if characters > MAX_CHARACTERS:
            raise BadFileError(f"the PDF holds more than {MAX_CHARACTERS} characters")
        pages.append(text.split("\n"))
    text = join_lines(without_running_heads(pages))
    if not text:
        raise BadFileError("the PDF holds no text: scanned pages have to go through text recognition (OCR) first")
    info: Any = reader.metadata or {}
    return PdfText(text, _sensible(info.get("/Title"), _NO_TITLE), _sensible(info.get("/Author"), _NO_AUTHOR))


class _Budget:
    """Counts drawing operations over all pages, forms inside forms included."""

    def __init__(self) -> None:
        self._left = MAX_OPERATIONS

    def spend(self, _operator: object, _operands: object, _matrix: object, _text_matrix: object) -> None:
        self._left -= 1
        if self._left < 0:
            raise BadFileError(f"the PDF draws more than {MAX_OPERATIONS} times: too much work for one file")


def _sensible(value: object, junk: re.Pattern[str]) -> str | None:
    """A property that a person wrote: two words or more, no file name, no program's default."""
    text = " ".join(str(value).split()) if isinstance(value, str) else ""
    if not 5 <= len(text) <= 200 or " " not in text or junk.fullmatch(text):  # noqa: PLR2004
        return None
    return text if text.isprintable() else None


def without_running_heads(pages: Sequence[Sequence[str]]) -> list[str]:
    """Lines of all pages without page numbers and the lines that most pages repeat at their top or bottom."""
    stripped = [[line.strip() for line in page if line.strip()] for page in pages]
    seen = Counter(key for page in stripped for key in {_shape(page[at]) for at in _edges(page)})
    often = max(2, _REPEATED_SHARE * len(stripped))
    kept: list[str] = []
    for page in stripped:
        edges = _edges(page)
        first, last = 0, len(page)
        while first < last and first in edges and _is_running(page[first], seen, often):
            first += 1
        while last > first and last - 1 in edges and _is_running(page[last - 1], seen, often):
            last -= 1
        kept += page[first:last]
    return kept


def _edges(page: Sequence[str]) -> set[int]:
    return {*range(min(_EDGE_LINES, len(page))), *range(max(0, len(page) - _EDGE_LINES), len(page))}


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line.casefold())


def _is_running(line: str, seen: Counter[str], often: float) -> bool:
    return bool(_PAGE_NUMBER.fullmatch(line)) or seen[_shape(line)] >= often


def join_lines(lines: Sequence[str]) -> str:
    """Paragraphs of wrapped lines, parted by blank lines."""
    if not lines:
        return ""
    lengths = sorted(len(line) for line in lines)
    width = lengths[int(0.9 * (len(lengths) - 1))]
    words = set(re.findall(r"[\w-]+", "\n".join(lines).casefold()))
    paragraphs = [lines[0]]
    for before, line in pairwise(lines):
        if _starts_paragraph(before, line, width):
            paragraphs.append(line)
        else:
            paragraphs[-1] = _joined(paragraphs[-1], line, words)
    return "\n\n".join(paragraphs)


def _starts_paragraph(before: str, line: str, width: int) -> bool:
    first = line.lstrip("„“\"»«'(")[:1]
    if _BULLET.match(line):
        return True
    if first.islower():
        return False
    if _SENTENCE_END.search(before):
        return len(before) < _SHORT_END * width
    return len(before) < _SHORT_HEADING * width and not before.endswith((",", "-", "–", "‐", "\xad"))


def _joined(before: str, line: str, words: set[str]) -> str:
    """Two lines as one; a hyphen at the break goes unless the word is written with it."""
    hyphen = _HYPHEN.search(before)
    if hyphen is None:
        return f"{before} {line}"
    if line.split(maxsplit=1)[0].casefold() in _PAIRED:
        return f"{before} {line}"
    following = re.match(r"\w+", line)
    if following is None or not line[:1].islower():
        return before + line
    left, right = hyphen["left"].casefold(), following[0].casefold()
    with_hyphen = f"{left}-{right}" in words and left + right not in words
    return before + line if with_hyphen else before[:-1] + line
