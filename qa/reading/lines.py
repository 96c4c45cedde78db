"""A page as lines while it is being cleaned: what is left, what was taken out, and what that said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qa.reading.imprint import Imprint
from qa.text import normalise

SENTENCE_END = re.compile(r"[.!?…][\"”“»«’‘)\]]*$")
#: A line that ends like a sentence is prose from the first length on, in code points; any line is from the second on.
#: Counted over four news pages with a paragraph a line: lines that end like a sentence have 53 or more (the shortest is
#: a caption, then 102), headlines, link lists and buttons at most 93.
_PROSE, _LONG = 40, 150
#: Bylines and dates stand above the third prose line or below the last but one.
_HEAD_PROSE, _TAIL_PROSE = 3, 1
_TITLE_LENGTH, _TITLE_WORDS = 130, 20
#: A headline has this many words or more, a menu entry rarely has; and no headline is shorter in code points.
HEADLINE_WORDS, _HEADLINE_LENGTH = 3, 15
#: A line that ends in one of these goes on in the next. German prefixes of verbs ("kündigt … an") are left out.
_OPEN_END = frozenset(
    [
        *[
            "und",
            "oder",
            "der",
            "die",
            "das",
            "den",
            "dem",
            "des",
            "eine",
            "einen",
            "einem",
            "einer",
            "im",
            "am",
            "zum",
        ],
        *["zur", "beim", "vom", "dass", "sich", "the", "a", "of", "and", "or", "with", "from", "that"],
    ]
)


@dataclass(slots=True)
class Line:
    """A line; ``touched``: it stood next to something taken out."""

    text: str
    touched: bool = False

    @property
    def is_prose(self) -> bool:
        """Whether it holds a sentence of an article by its length and its end."""
        ends = bool(SENTENCE_END.search(self.text))
        return (ends and len(self.text) >= _PROSE) or len(self.text) >= _LONG

    @property
    def is_heading(self) -> bool:
        """Whether it can be a headline: short, begins like one, ends without a stop."""
        words = self.text.split()
        opening = self.text.lstrip("„“\"»«'‚‘(+#…– ")[:1]
        return (
            len(self.text) <= _TITLE_LENGTH
            and len(words) <= _TITLE_WORDS
            and (opening.isupper() or opening.isdigit())
            and not self.text.endswith((".", ",", ";", ":", "-", "–", "…"))
            and words[-1].casefold() not in _OPEN_END
        )

    @property
    def is_headline(self) -> bool:
        """Whether it has the length of a headline rather than of a menu entry."""
        return len(self.text) >= _HEADLINE_LENGTH and len(self.text.split()) >= HEADLINE_WORDS

    @property
    def is_entry(self) -> bool:
        """Whether it can be an entry of a menu or a tag: a few words and no stop."""
        return len(self.text.split()) <= HEADLINE_WORDS and not self.text.endswith((".", "…", ".“", '."', ".”"))

    @property
    def is_statement(self) -> bool:
        """Whether it can be told from the first words of an article even alone."""
        return len(self.text) >= _HEADLINE_LENGTH and " " in self.text and not self.text.endswith(("?", "!"))


@dataclass(slots=True)
class Page:
    """The lines that are left, what was taken out, and what it said."""

    lines: list[Line]
    title: str | None = None
    known: bool = False
    outlet: str | None = None
    published: str | None = None
    author: str | None = None
    removed: list[str] = field(default_factory=list)

    def drop(self, index: int) -> None:
        """Take a line out."""
        line = self.lines.pop(index)
        self.removed.append(line.text)
        for neighbour in self.lines[max(0, index - 1) : index + 1]:
            neighbour.touched = True

    def cut(self, index: int, start: int, end: int | None = None) -> None:
        """Take a stretch of a line out; what stands before and after it become lines of their own."""
        line = self.lines[index]
        end = len(line.text) if end is None else end
        self.removed.append(line.text[start:end].strip())
        parts = [part for part in (line.text[:start].strip(), line.text[end:].strip()) if part]
        self.lines[index : index + 1] = [Line(part, True) for part in parts]

    def learn(self, found: Imprint) -> None:
        """Keep what is not known yet."""
        self.author = self.author or found.author
        self.outlet = self.outlet or found.outlet
        if not self.known:
            self.title = self.title or found.title

    @property
    def above(self) -> int:
        """How many lines stand above the first prose line."""
        return next((n for n, line in enumerate(self.lines) if line.is_prose), len(self.lines))

    def zones(self) -> Zones:
        """Where head, body and tail of the lines begin and end, as they are now."""
        prose = [n for n, line in enumerate(self.lines) if line.is_prose]
        end = len(self.lines)
        return Zones(
            above=prose[0] if prose else end,
            below=prose[-1] if prose else end,
            head=prose[_HEAD_PROSE - 1] if len(prose) >= _HEAD_PROSE else end,
            tail=prose[-1 - _TAIL_PROSE] if len(prose) > _TAIL_PROSE else 0,
        )


@dataclass(frozen=True, slots=True)
class Zones:
    """Parts of a page by line.

    Attributes:
        above: The first prose line; menus stand before it.
        below: The last prose line; menus stand behind it.
        head: Bylines and dates stand up to this line,
        tail: and from this one on.
    """

    above: int
    below: int
    head: int
    tail: int

    def at_edge(self, index: int) -> bool:
        """Whether no prose stands before the line, or none behind it."""
        return index < self.above or index > self.below

    def near_edge(self, index: int) -> bool:
        """Whether it may be a byline or a date."""
        return index <= self.head or index >= self.tail


def read_lines(text: str) -> list[Line]:
    """Lines of a text, normalised, without the blank ones."""
    return [Line(line) for line in normalise(text).split("\n") if line]


def key(text: str) -> str:
    """What two lines share that differ in case, spaces and punctuation alone."""
    return "".join(char for char in text.casefold() if char.isalnum())
