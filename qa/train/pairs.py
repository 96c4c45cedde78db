"""Parallel texts to learn from: lines that say the same in English and German, in the order of their documents.

Three files are read from one folder (any of them may be missing; the first or the second must be there):

- ``wmt_lines.jsonl[.xz]``: ``{"g": group, "p": "en-de" or "de-en", "s": source, "t": [translations]}``, in the order
  of their documents;
- ``sentence_pairs.tsv[.xz]``: English, tab, German, partly in document order;
- ``dictionary.tsv[.xz]``: English, tab, German words and phrases.
"""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

from qa.errors import QAError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LINES_FILE, PAIRS_FILE, DICTIONARY_FILE = "wmt_lines.jsonl", "sentence_pairs.tsv", "dictionary.tsv"
#: What stands in the place of a translation that was not made.
_MISSING = "NO TRANSLATION AVAILABLE"
#: A translation this much longer or shorter than its source, in characters, is another text (both + 15, for short
#: lines).
_RATIO = 2.2
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line in both languages, each in at least one wording."""

    english: tuple[str, ...]
    german: tuple[str, ...]

    @property
    def is_question(self) -> bool:
        """Whether it asks something."""
        return self.english[0].rstrip("\"'”’) ").endswith("?")


@dataclass(frozen=True, slots=True)
class Parallel:
    """All that is learnt from: ``documents`` are runs of lines in order, ``entries`` those of a dictionary."""

    documents: tuple[tuple[Line, ...], ...]
    entries: tuple[Line, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all documents."""
        return tuple(line for document in self.documents for line in document)


def read_parallel(folder: Path) -> Parallel:
    """Read the files of ``folder``.

    Lines of one group of ``wmt_lines`` make one document, all of ``sentence_pairs`` another: whether neighbours belong
    together is for the reader of the documents to find out (:mod:`qa.train.passages`).

    Raises:
        QAError: There are no lines, or one cannot be read.
    """
    documents: dict[str, list[Line]] = {}
    for row in _rows(folder / LINES_FILE):
        group, line = _translations(row)
        if line:
            documents.setdefault(group, []).append(line)
    pairs = [line for line in _tab_separated(folder / PAIRS_FILE) if _agree(line.english[0], line.german[0])]
    entries = tuple(_tab_separated(folder / DICTIONARY_FILE))
    runs = [tuple(lines) for lines in documents.values()] + ([tuple(pairs)] if pairs else [])
    if not runs:
        raise QAError(f"{folder} holds no lines to learn from", f"put {LINES_FILE} or {PAIRS_FILE} there (or .xz)")
    return Parallel(tuple(runs), entries)


def common_first(entries: Iterable[Line], lines: Iterable[Line]) -> list[float]:
    """A weight for each dictionary entry: the root of 1 + how often the rarest of its English words is in ``lines``.

    A dictionary has as many entries for what nobody says as for what everybody does; drawn evenly, the first would
    fill the batches. The root keeps the rare ones in play, as running text does not teach them.
    """
    counts = Counter(word for line in lines for word in set(_WORD.findall(line.english[0].lower())))
    return [
        (1 + min((counts[word] for word in _WORD.findall(entry.english[0].lower())), default=0)) ** 0.5
        for entry in entries
    ]


@dataclass(frozen=True, slots=True)
class _Row:
    path: Path
    number: int
    text: str

    def unreadable(self) -> QAError:
        return QAError(
            f"{self.path}, line {self.number} cannot be read", f"see {__name__} for what it should look like"
        )


def _rows(path: Path) -> Iterator[_Row]:
    packed = path.with_name(f"{path.name}.xz")
    path = packed if packed.is_file() else path
    if not path.is_file():
        return
    number = 0
    try:
        with lzma.open(path, "rb") if path is packed else path.open("rb") as file:
            for number, text in enumerate(file, 1):
                yield _Row(path, number, text.decode().rstrip("\r\n"))
    except (UnicodeDecodeError, EOFError, OSError, lzma.LZMAError) as error:
        raise QAError(f"{path} cannot be read from line {number}: {error}", "get the file again, in UTF-8") from error


def _translations(row: _Row) -> tuple[str, Line | None]:
    """The group of a line of ``LINES_FILE`` and the line, if any translation is one."""
    try:
        content = json.loads(row.text)
        group, direction, source, others = (content[key] for key in "gpst")
    except (ValueError, KeyError, TypeError) as error:
        raise row.unreadable() from error
    texts = [source, *others] if isinstance(others, list) else [None]
    if direction not in {"en-de", "de-en"} or not all(isinstance(text, str) for text in texts):
        raise row.unreadable()
    kept = tuple(text for text in dict.fromkeys(others) if _agree(source, text))
    if not kept:
        return str(group), None
    return str(group), Line((source,), kept) if direction == "en-de" else Line(kept, (source,))


def _tab_separated(path: Path) -> Iterator[Line]:
    for row in _rows(path):
        # Some of the sentence pairs hold &apos; and &quot;.
        english, tab, german = unescape(row.text).partition("\t")
        if not tab:
            raise row.unreadable()
        if english.strip() and german.strip():
            yield Line((english.strip(),), (german.strip(),))


def _agree(one: str, other: str) -> bool:
    short, long = sorted((len(one.strip()), len(other.strip())))
    return short > 0 and _MISSING not in other and long + 15 <= _RATIO * (short + 15)
