"""Names that are written in several ways: exonyms, transliterations, abbreviations (qa/data/names.txt).

A question may say Kiev, Kyiv or Kiew; the articles have one of them, rarely all. Here is told which spellings are one
name; which of them is searched, `qa.spelling` decides by what the articles have. Where a name is typed as its language
has it, it is not translated: the encoder knows that "South Korea" is "Südkorea" (eval/LOG.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qa.text import is_function_word, umlauts_spelt_out
from qa.types import Lang

_FILE = Path(__file__).with_name("data") / "names.txt"
_LETTERS = re.compile(r"[^\W\d_]+")

#: Abbreviations up to this length, and those that are function words, count in capitals only: "UN", "US", "WHO".
_SHORT = 2
#: Before a line whose spellings are no translations of each other.
_ALIKE = "= "
#: Columns of the other lines with the spellings that are customary in a language.
_CUSTOMARY: Mapping[int, Lang] = {0: "de", 1: "en"}


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
        lang: Where given, a name in the customary spelling of this language is not matched.
    """
    table = _table()
    keys = tuple(word.lower() for word in words[: table.longest])
    for length in range(len(keys), 0, -1):
        for key in dict.fromkeys((keys[:length], (*keys[: length - 1], keys[length - 1].removesuffix("s")))):
            names = [name for name in table.names.get(key, ()) if not name.capitals or words[0].isupper()]
            if lang and any(name.own == lang for name in names):
                return None
            others = dict.fromkeys(other for name in names for other in name.group if _key(other) != key)
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
    """A spelling's group, the language it is customary in alone, and whether it counts in capitals only."""

    group: tuple[str, ...]
    own: Lang | None
    capitals: bool


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
        columns = [column.split(" / ") for column in line.removeprefix(_ALIKE).split("; ")]
        group = tuple(spelling for column in columns for spelling in column)
        for place, column in enumerate(columns):
            own = None if line.startswith(_ALIKE) else _CUSTOMARY.get(place)
            for spelling in column:
                name = _Name(group, own, _needs_capitals(spelling))
                for key in {_key(spelling), _key(umlauts_spelt_out(spelling))}:
                    names[key] = (*names.get(key, ()), name)
    return _Table(names, max(map(len, names)))


def _key(spelling: str) -> tuple[str, ...]:
    return tuple(_LETTERS.findall(spelling.lower()))


def _needs_capitals(spelling: str) -> bool:
    return spelling.isupper() and (len(spelling) <= _SHORT or is_function_word(spelling))
