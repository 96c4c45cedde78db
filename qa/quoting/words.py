"""Words of a question or a quote with where they stand, and the closed classes of data/answer_words.toml."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qa.text import content_words
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.types import Lang

_CLASSES = Path(__file__).parent.parent / "data" / "answer_words.toml"
#: A word, a number with its separators, or a single other sign.
_TOKEN = re.compile(r"\d+(?:[.,'’]\d+)*(?:[^\W\d_]+)?(?:-[^\W\d_][^\W_]*)*|[^\W_]+(?:[-'’/.&][^\W_]+)*|[^\w\s]|_")
_ENDINGS = {
    "de": re.compile(r"(?<=\w{3})(?:innen|ern|en|er|es|em|e|n|s)$"),
    "en": re.compile(r"(?<=\w{3})(?:['’]s|ies|ing|ed|es|s|y|e)$"),
}
_UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "s"})
#: Letters that German and English use for one sound ("Nordkorea", "North Korea"; "Akademie", "academy").
_SOUNDS = str.maketrans({"c": "k", "d": "t", "z": "s", "v": "f", "w": "f", "y": "i", "g": "k", "b": "p", "j": "i"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a sign of a text.

    Attributes:
        text: As printed.
        folded: Case-folded.
        stem: Without endings of inflection, umlauts as plain letters.
        span: Where it stands.
        content: Whether it is neither a function word nor a sign.
        capital: Begins with a capital.
        first: Begins a sentence, a quotation or what follows a colon: its capital says nothing.
    """

    text: str
    folded: str
    stem: str
    span: Span
    content: bool
    capital: bool
    first: bool

    @property
    def digits(self) -> bool:
        """Whether it is a number in digits."""
        return self.text[0].isdigit()

    @property
    def sign(self) -> bool:
        """Whether it is punctuation."""
        return not self.text[0].isalnum()


Sort = Literal["date", "amount", "name", "noun", "list", "title"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase at ``words[start:end]`` of a sentence; a name is a run of capitals that nothing makes a common noun."""

    sort: Sort
    start: int
    end: int


@cache
def closed_class(lang: Lang, name: str) -> frozenset[str]:
    """The words of a class, case-folded, words of one entry with a blank between them."""
    return frozenset(entry.replace("_", " ") for entry in _tables()[lang].get(name, "").split())


@cache
def values(lang: Lang, name: str) -> dict[str, float]:
    """The words of a class that stand for numbers."""
    return {word: float(value) for word, _, value in (entry.partition("=") for entry in _tables()[lang][name].split())}


@cache
def stems_of(lang: Lang, name: str) -> frozenset[str]:
    """The words of a class without their endings."""
    return frozenset(stem(word, lang) for word in closed_class(lang, name))


@cache
def _tables() -> dict[Any, dict[str, str]]:
    tables: dict[Any, dict[str, str]] = tomllib.loads(_CLASSES.read_text(encoding="utf-8"))
    return tables


@cache
def counted_groups() -> tuple[frozenset[str], ...]:
    """Nouns of both languages that stand for the same thing, as stems of either language."""
    lines = _tables()["counted"]["groups"].strip().splitlines()
    return tuple(frozenset(stem(word, lang) for word in line.split() for lang in _LANGS) for line in lines)


_LANGS: tuple[Lang, ...] = ("de", "en")


def stem(word: str, lang: Lang) -> str:
    """A word case-folded, without an ending of inflection, umlauts as plain letters ("Häuser" is "haus")."""
    return _ENDINGS[lang].sub("", word.casefold()).translate(_UMLAUTS)


#: A question's quotes are read by several rules.
@lru_cache(maxsize=256)
def read_words(text: str, lang: Lang) -> tuple[Word, ...]:
    """The words and signs of a text, in order."""
    found: list[Word] = []
    first = True
    for match in _TOKEN.finditer(text):
        typed = match[0]
        form = _form(typed, lang)
        sign = not typed[0].isalnum()
        found.append(
            Word(
                typed, form.folded, form.stem, Span(*match.span()), form.content, typed[0].isupper(), first and not sign
            )
        )
        first = typed in ".!?:" or (first and sign) or (sign and typed in '„“"»«‚‘')
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Form:
    folded: str
    stem: str
    content: bool


@lru_cache(maxsize=1 << 15)
def _form(typed: str, lang: Lang) -> _Form:
    """What a word is wherever it stands; articles repeat their words, and this is most of the cost of reading one."""
    folded = typed.casefold()
    content = typed[0].isalnum() and (typed[0].isdigit() or bool(content_words(folded, lang)))
    return _Form(folded, stem(typed, lang), content)


def phrase_at(words: Sequence[Word], position: int, entries: frozenset[str], *, before: bool = False) -> int:
    """How many words at a position (or ending before it) make an entry of a class, the longest; 0 where none."""
    for size in (3, 2, 1):
        start = position - size if before else position
        if start < 0 or start + size > len(words):
            continue
        if " ".join(word.folded for word in words[start : start + size]) in entries:
            return size
    return 0


def same_word(one: Word, other: Word, *, crossed: bool) -> bool:
    """Whether two words are forms of one; ``crossed`` compares by sound, across German and English."""
    if one.stem == other.stem or one.folded == other.folded:
        return True
    short, long = sorted((one.stem, other.stem), key=len)
    if len(short) >= _COMPOUND and (long.startswith(short) or long.endswith(short)):
        return True
    return crossed and _sound(one.stem) == _sound(other.stem) and not one.digits and not other.digits


#: Letters from which a word inside a longer one makes them one ("Bruch" and "Brucherzlaub" are few, "Waffen" and
#: "Waffenlieferung" many).
_COMPOUND = 5
#: Letters at the beginning that make two words of different languages one.
_SOUND = 4


def _sound(stemmed: str) -> str:
    """The beginning of a word by its sounds; a word that is too short is only itself."""
    sounds = stemmed.replace("th", "t").replace("ph", "f").replace("ck", "k").translate(_SOUNDS)
    return sounds[:_SOUND] if len(sounds) >= _SOUND else stemmed
