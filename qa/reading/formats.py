"""Bytes of a file to text and what the file says about it: Markdown, plain text, HTML; PDF through `qa.reading.pdf`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from charset_normalizer import from_bytes
from markdown_it import MarkdownIt
from markdown_it.token import Token

from qa.errors import BadFileError
from qa.reading.dates import parse_date
from qa.reading.frontmatter import Meta, split_front_matter, valid_url

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
#: Share of control characters from which a file is no text: prose has none, compressed data about one in ten.
_BINARY_SHARE = 0.005
#: Share of U+FFFD up to which a damaged UTF-8 file is still read; more, and it is another encoding.
_DAMAGED_SHARE = 0.002


@dataclass(frozen=True, slots=True)
class Parsed:
    """Text of a file, a paragraph a line or parted by blank lines, and what the file says about it."""

    text: str
    meta: Meta


def parse(data: bytes, suffix: str) -> Parsed:
    """Text and metadata of a file.

    Args:
        data: Its bytes.
        suffix: Its type: a key of `READERS`, lower case with the dot.

    Raises:
        BadFileError: It is empty, damaged, encrypted, no text, or not what its name says.
    """
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise BadFileError("the file is empty")
    parsed = READERS[suffix](data)
    if not any(char.isalnum() for char in parsed.text):
        raise BadFileError("there is no text in the file")
    return parsed


def decode(data: bytes) -> str:
    """Text of bytes in UTF-8, UTF-16, UTF-32 or Windows-1252, with or without BOM, or what charset-normalizer finds.

    Raises:
        BadFileError: They are no text.
    """
    text = _decoded(data)
    if len(_CONTROL.findall(text)) > max(1, _BINARY_SHARE * len(text)):
        raise BadFileError("the file is binary, not text")
    return text


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            text = data.decode(encoding, errors="replace")
            if text.count("\ufffd") > _DAMAGED_SHARE * len(text) + 1:
                raise BadFileError("the file is binary, not text")
            return text
    if b"\x00" in data:
        return _without_bom(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", errors="replace")
    broken, letters = text.count("\ufffd"), sum(char > "\x7f" for char in text)
    if broken <= _DAMAGED_SHARE * len(text) + 1 and broken * 4 < letters:
        return text.replace("\ufffd", "")
    return _single_byte(data)


def _without_bom(data: bytes) -> str:
    """UTF-16 without BOM shows by the zero half of its ASCII letters; other zeros mean that it is no text."""
    even, odd = data[::2].count(0), data[1::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    if max(even, odd) > 0.4 * (len(data) // 2) and min(even, odd) < 0.02 * len(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise BadFileError("the file is binary, not text")


#: Beyond ASCII, what German and English prose holds in Windows-1252, and where: letters stand in words, quotation
#: marks, dashes and signs between them.
_LETTERS = "äöüÄÖÜßéèêëáàâåãçñóòôøõíìîïúùûýæœšžÉÈÁÀÇÑÓØÅÆŒŠŽŸÿ"
_MARKS = "„“”‚‘’«»‹›–—…•€£¥¢§©®™°±²³½¼¾·×÷¿¡ªº¹µ†‡‰ ­"
_WESTERN = frozenset(_LETTERS + _MARKS)
_MISPLACED = re.compile(
    rf"\w[„‚«]\w|[a-zäöüß](?:[{_LETTERS.upper()}])(?=[a-zäöüß])|[a-z][‰†‡¥¢¤™]|[ÃÂ][^\sa-zA-Z]|(?<![\w'’-])ß"
)


def _single_byte(data: bytes) -> str:
    """Windows-1252 unless another encoding gives a text with fewer characters that are out of place."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    if text and not _oddities(text):
        return text
    best = from_bytes(data).best()
    if best is not None and (not text or _oddities(str(best)) < _oddities(text)):
        return str(best)
    if text:
        return text
    raise BadFileError("the encoding of the file cannot be told; save it as UTF-8")


def _oddities(text: str) -> int:
    """How many characters do not belong in German or English prose, or not where they stand."""
    return sum(char > "\x7f" and char not in _WESTERN for char in text) + len(_MISPLACED.findall(text))


def _read_markdown(data: bytes) -> Parsed:
    front = split_front_matter(decode(data))
    plain = markdown_to_text(front.body)
    return Parsed(plain.text, replace(front.meta, title=front.meta.title or plain.title))


@dataclass(frozen=True, slots=True)
class PlainMarkdown:
    """Markdown as plain paragraphs; ``title`` is its first heading of level 1, if it opens the text."""

    title: str | None
    text: str


def markdown_to_text(source: str) -> PlainMarkdown:
    """Prose of a Markdown text, a block a paragraph: no markup, images, comments or HTML."""
    blocks: list[str] = []
    title = None
    tokens = MarkdownIt("commonmark", {"maxNesting": 50}).enable(["table", "strikethrough"]).parse(source)
    row: list[str] = []
    for position, token in enumerate(tokens):
        if token.type == "inline":
            text = _inline_text(token.children or [])
            opener = tokens[position - 1]
            if opener.type in ("th_open", "td_open"):
                row.append(text)
                continue
            if opener.type == "heading_open" and opener.tag == "h1" and not blocks:
                title = " ".join(text.split()) or None
            blocks.append(text)
        elif token.type == "tr_close":
            blocks.append(" | ".join(row))
            row = []
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content)
    return PlainMarkdown(title, "\n\n".join(block.strip() for block in blocks if block.strip()))


def _inline_text(tokens: list[Token]) -> str:
    parts = []
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            parts.append(token.content)
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type == "hardbreak":
            parts.append("\n")
    return "".join(parts)


def _read_text(data: bytes) -> Parsed:
    front = split_front_matter(decode(data))
    return Parsed(unwrap(front.body), front.meta)


#: Hard-wrapped files are wrapped at 50 to 100 columns; a longer line shows that a line is a paragraph.
_WRAP_MIN, _WRAP_MAX = 50, 100
_WRAP_SHARE = 0.7
_LONG_SHARE = 0.05
_WRAP_BREAKS = 3


def unwrap(text: str) -> str:
    """Join the lines of a file that was wrapped at a fixed width; a file with a paragraph a line stays as it is.

    A break is the wrapper's where the next word would not have fitted on the line (greedy wrapping, as fmt, editors
    and mail programs do it). The file counts as wrapped when that holds for most breaks inside its paragraphs.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    full = [line for line in lines if line]
    width = max((len(line) for line in full if len(line) <= _WRAP_MAX), default=0)
    too_long = sum(len(line) > _WRAP_MAX for line in full)
    pairs = [(line, after) for line, after in pairwise(lines) if line and after]
    joins = sum(_is_wrap(line, after, width) for line, after in pairs)
    wrapped = joins >= _WRAP_BREAKS and joins >= _WRAP_SHARE * len(pairs)
    if width < _WRAP_MIN or too_long > _LONG_SHARE * len(full) or not wrapped:
        return text
    joined = lines[0]
    for line, after in pairwise(lines):
        joined += (" " if line and after and _is_wrap(line, after, width) else "\n") + after.lstrip()
    return joined


def _is_wrap(line: str, after: str, width: int) -> bool:
    word = after.split(maxsplit=1)[0] if after.strip() else ""
    return len(line) + 1 + len(word) > width


_META_CHARSET = re.compile(rb"""<meta[^>]{0,100}?charset\s*=\s*["']?\s*([\w-]{2,20})""", re.IGNORECASE)


def _read_html(data: bytes) -> Parsed:
    import trafilatura  # noqa: PLC0415 - 0.4 s that only folders with HTML need to pay

    # What is wrong with a file is said in the summary of a build, not logged in between.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    html = _html_text(data)
    try:
        document = trafilatura.bare_extraction(
            html,
            include_comments=False,
            include_tables=True,
            with_metadata=True,
            # The extensive search takes any date in the page for its own; only what the page states counts.
            date_extraction_params={"original_date": True, "extensive_search": False},
        )
        text = (document.text if document is not None else "") or trafilatura.html2txt(html) or ""
    except MemoryError:
        raise
    except Exception as error:  # a parser of foreign bytes may raise anything
        raise BadFileError("the HTML cannot be read") from error
    meta = Meta()
    if document is not None:
        meta = Meta(
            title=_line(document.title),
            outlet=_line(document.sitename),
            author=_line(document.author),
            published=parse_date(document.date) if document.date else None,
            url=valid_url(document.url),
        )
    return Parsed(re.sub(r"(?m)^\s*[-•*] ", "", text), meta)


def _html_text(data: bytes) -> str:
    declared = _META_CHARSET.search(data[:4096])
    if declared and not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) and b"\x00" not in data:
        try:
            return data.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data)


def _line(value: str | None) -> str | None:
    return " ".join(value.split()) or None if value else None


def _read_pdf(data: bytes) -> Parsed:
    from qa.reading.pdf import read_pdf  # noqa: PLC0415 - 0.2 s that only folders with PDF need to pay

    document = read_pdf(data)
    return Parsed(document.text, Meta(title=document.title, author=document.author))


#: The file types that are read, by suffix.
READERS: Mapping[str, Callable[[bytes], Parsed]] = {
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".txt": _read_text,
    ".html": _read_html,
    ".htm": _read_html,
    ".pdf": _read_pdf,
}
