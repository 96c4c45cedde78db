"""A question word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qa.courtesies import question_start
from qa.text import content_words, language
from qa.turns.classes import closed_class
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qa.types import Lang

_TOKEN = re.compile(r"[^\W_]+(?:[-.][^\W_]+)*")
_CLAUSE_MARK = re.compile(r"[,;:.!?…–—()\n]|\s-\s")
_SENTENCE_MARK = re.compile(r"[.!?…\n]")

#: Classes whose words say nothing of a topic; most are stop words too, but not as "fuer" and "koennte".
_NO_CONTENT = ("light", "wh", "auxiliary", "preposition")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a question.

    Attributes:
        text: As typed.
        word: Case-folded, but for names in capitals ("US").
        span: Where it stands.
        content: Whether it says what is asked about; function words and the like of "happen" do not.
        capital: A content word with a capital.
        parted: Punctuation that parts clauses stands before it.
        first: Begins a sentence.
    """

    text: str
    word: str
    span: Span
    content: bool
    capital: bool
    parted: bool
    first: bool


@dataclass(frozen=True)
class Reading:
    """A question that was read.

    Attributes:
        text: As typed.
        lang: Its language.
        tokens: Its words.
        start: How many of them are courtesy or a lead-in ("ok, danke. Also ...") before the question proper.
    """

    text: str
    lang: Lang
    tokens: tuple[Token, ...]
    start: int = 0

    @cached_property
    def asked(self) -> tuple[Token, ...]:
        """The words of the question proper; positions below count in them."""
        return self.tokens[self.start :]

    @property
    def courtesy(self) -> bool:
        """Whether it asks nothing ("danke", "ok, great"): a conversation goes on as if it had not been said."""
        return not self.asked

    @property
    def joins_on(self) -> bool:
        """Whether the question proper starts with "and" or the like."""
        return self.at(0, "connective")

    @cached_property
    def content(self) -> tuple[Token, ...]:
        """The content words of the question proper."""
        return tuple(token for token in self.asked if token.content)

    @property
    def cased(self) -> bool:
        """Whether nouns and names were typed with their capitals."""
        return any(token.capital and not token.first for token in self.asked)

    def has(self, token: Token, *names: str) -> bool:
        """Whether a word belongs to one of these classes."""
        return any(token.word in closed_class(self.lang, name) for name in names)

    def any(self, tokens: Iterable[Token], *names: str) -> bool:
        """Whether one of the words does."""
        return any(self.has(token, *names) for token in tokens)

    def at(self, position: int, *names: str) -> bool:
        """Whether there is a word at a position and it does."""
        return 0 <= position < len(self.asked) and self.has(self.asked[position], *names)

    def content_at(self, position: int) -> bool:
        """Whether there is a content word at a position."""
        return 0 <= position < len(self.asked) and self.asked[position].content


def read(text: str) -> Reading:
    """Read a question. Any text is one."""
    lang = language(text)
    shouted = text.isupper()
    tokens: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        between, typed = text[end : match.start()], match[0]
        # "US", "WHO" and "IT" are names, unless everything is in capitals.
        name = not shouted and len(typed) > 1 and typed.isupper()
        word = typed if name else typed.casefold()
        function = any(word in closed_class(lang, kind) for kind in _NO_CONTENT)
        content = name or (bool(content_words(typed, lang)) and not function)
        tokens.append(
            Token(
                typed,
                word,
                Span(match.start(), match.end()),
                content,
                content and typed[0].isupper(),
                bool(_CLAUSE_MARK.search(between)),
                not tokens or bool(_SENTENCE_MARK.search(between)),
            )
        )
        end = match.end()
    whole = Reading(text, lang, tuple(tokens))
    return Reading(text, lang, whole.tokens, _lead_in(whole))


def _lead_in(reading: Reading) -> int:
    """How many words at the beginning are courtesy or a marker ("thank you very much. Well, ...")."""
    tokens, start = reading.tokens, 0
    while start < len(tokens):
        rest = tokens[start].span.start
        begin = rest + question_start(reading.text[rest:])
        asked = next((at for at in range(start, len(tokens)) if tokens[at].span.end > begin), len(tokens))
        marked = asked < len(tokens) - 1 and reading.has(tokens[asked], "marker")
        if asked + marked == start:
            break
        start = asked + marked
    return start


#: Prepositions that stand for each other, each group under its English one.
_PREPOSITIONS = tuple(
    group.split()
    for group in (
        "to nach zu zum zur an ans",
        "from aus von vom",
        "in im ins into inside within",
        "with mit",
        "by durch",
        "for für fürs",
        "against gegen",
        "about über",
        "on auf am",
        "at bei beim",
        "under unter",
        "since seit",
        "until bis",
        "before vor",
        "without ohne",
    )
)


def preposition(reading: Reading, tokens: Iterable[Token]) -> str:
    """The first preposition among the words, by its English counterpart where it has one, or ""."""
    found = next((token.word for token in tokens if reading.has(token, "preposition")), "")
    return next((group[0] for group in _PREPOSITIONS if found in group), found)
