"""Names that are written in several ways: exonyms, transliterations, abbreviations (qa/data/names.txt).

A question may say Kiev, Kyiv or Kiew; the articles have one of them, rarely all. Here is told which spellings are one
name; which of them is searched, `qa.spelling` decides by what the articles have. Where a name is typed as its language
has it, it is not translated: the encoder knows that "South Korea" is "Südkorea" (eval/LOG.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qa.text import is_function_word, umlauts_spelt_out
from qa.types import Lang

_FILE = Path(__file__).with_name("data") / "names.txt"
_LETTERS = re.compile(r"[^\W\d_]+")

#: Abbreviations up to this length, and those that are function words, count in capitals only: "UN", "US", "WHO".
_SHORT = 2
#: Letters by which "Schwarzen Meer" is told to be "Schwarzes Meer".
_STEM = 5
#: Before a line whose spellings are no translations of each other.
_ALIKE = "= "


@dataclass(frozen=True, slots=True)
class Match:
    """A name in a question.

    Attributes:
        length: How many words it takes up.
        others: Its other spellings, the customary German and English ones first.
        genitive: Whether it has a genitive s, which none of ``others`` has.
    """

    length: int
    others: tuple[str, ...]
    genitive: bool


def match(words: Sequence[str], lang: Lang | None = None) -> Match | None:
    """The longest name that ``words`` begin with, or None where they begin with none.

    Args:
        words: As typed.
        lang: Where given, a name in the customary spelling of this language is not matched with its translation.
    """
    table = _table()
    keys = tuple(word.lower() for word in words[: table.longest])
    for length in range(len(keys), 0, -1):
        for key in dict.fromkeys((keys[:length], (*keys[: length - 1], keys[length - 1].removesuffix("s")))):
            names = [name for name in table.names.get(key, ()) if not name.capitals or words[0].isupper()]
            others = dict.fromkeys(
                other
                for name in names
                for other in name.group
                if _key(other) != key and not (lang and name.is_own(key, lang) and name.is_translation(other, lang))
            )
            if others:
                return Match(length, tuple(others), key != keys[:length])
    return None


@cache
def single_words() -> frozenset[str]:
    """Every name of one word, lower case: what a misspelt name may have meant."""
    return frozenset(key[0] for key, names in _table().names.items() if len(key) == 1 and not names[0].capitals)


def longest() -> int:
    """Words of the longest name."""
    return _table().longest


def parts(spelling: str) -> tuple[str, ...]:
    """The words of a name, lower case, without its function words ("of", "und")."""
    return tuple(word for word in _key(spelling) if not is_function_word(word))


@dataclass(frozen=True, slots=True)
class _Name:
    """A spelling's group, whether its first two are no translations, and whether the spelling counts in capitals only."""

    group: tuple[str, ...]
    alike: bool
    capitals: bool

    def is_own(self, key: tuple[str, ...], lang: Lang) -> bool:
        """Whether a spelling is the customary one of a language, and the other language has another."""
        own = self.group[0 if lang == "de" else 1]
        return not self.alike and key in {_key(own), _key(umlauts_spelt_out(own))}

    def is_translation(self, other: str, lang: Lang) -> bool:
        """Whether a spelling is the customary one of the other language, or another inflection of it."""
        one, two = _key(self.group[1 if lang == "de" else 0]), _key(other)
        return len(one) == len(two) and all(a[:_STEM] == b[:_STEM] for a, b in zip(one, two, strict=True))


@dataclass(frozen=True, slots=True)
class _Table:
    names: dict[tuple[str, ...], tuple[_Name, ...]]
    longest: int


@cache
def _table() -> _Table:
    names: dict[tuple[str, ...], tuple[_Name, ...]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        alike, group = line.startswith(_ALIKE), tuple(line.removeprefix(_ALIKE).split("; "))
        for spelling in group:
            name = _Name(group, alike, _needs_capitals(spelling))
            for key in {_key(spelling), _key(umlauts_spelt_out(spelling))}:
                names[key] = (*names.get(key, ()), name)
    return _Table(names, max(map(len, names)))


def _key(spelling: str) -> tuple[str, ...]:
    return tuple(_LETTERS.findall(spelling.lower()))


def _needs_capitals(spelling: str) -> bool:
    return spelling.isupper() and (len(spelling) <= _SHORT or is_function_word(spelling))
