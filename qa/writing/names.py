"""Proper names of a text, and whether other texts hold them, across German and English.

What is a name is told by exclusion: a word with a capital is one unless it is a common word (`common_words_*.txt`, made
by `qa.train.common_words`), a German compound of common words, or the word for an office (``[plain]`` in names.toml).
So an unknown word counts as a name and must stand in the source: an error drops a sentence and lets none through. Names
that are common words too (Rose, Mark) go unnoticed.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qa.writing.figures import DESIGNATION, is_month

if TYPE_CHECKING:
    from qa.types import Lang

_DATA: Final = Path(__file__).parent.parent / "data"
_WORD: Final = re.compile(r"[^\W\d_]+")
_ABBREVIATION: Final = re.compile(r"\b(?:[A-Z]\.){2,}")

#: What a name may take on: Putins, Smith's (its "s" is a word of its own), Kursker, Soldatinnen.
_ENDINGS: Final = ("s", "es", "n", "en", "er", "ers", "ern", "in")
#: Letters from which two spellings may count as one: below, too many short words would.
_SKELETON: Final = 4
#: Spellings of one sound in transliterations (Selenskyj, Zelensky; Schoigu, Shoigu; Lawrow, Lavrov).
_SOUNDS: Final = (
    ("tsch", "ch"), ("dsch", "j"), ("sch", "sh"), ("ph", "f"), ("th", "t"), ("ck", "k"), ("kh", "ch"), ("zh", "sh"),
    ("w", "v"), ("y", "i"), ("j", "i"), ("z", "s"), ("x", "ks"), ("ca", "ka"), ("co", "ko"),
    ("ae", "a"), ("oe", "o"), ("ue", "u"), ("q", "k"),
)  # fmt: skip
#: Ends of names that are common words too, and so no sign that a word is a compound: Heidelberg, Steinmeier.
_NAME_ENDS: Final = frozenset({
    "au", "bach", "bauer", "beck", "berg", "born", "brücken", "burg", "dorf", "feld", "felde", "furt", "hagen",
    "hammer", "haus", "hausen", "heim", "hof", "kirchen", "land", "mann", "meister", "müller", "stadt",
    "stein", "tal", "wald",
})  # fmt: skip
_LINKS: Final = ("", "s", "es", "n", "en", "e", "er")
#: Letters of the shortest part of a compound that is tried.
_PART: Final = 3
#: An article or a name that is held up holds this one up too.
_IMPLIED: Final = {"north_korea": "korea", "south_korea": "korea", "security_council": "un"}


@dataclass(frozen=True, slots=True)
class _Alias:
    """One way to say a name: its words, whether the last may go on, and the name's key."""

    words: tuple[str, ...]
    open_end: bool
    key: str
    lang: Lang | None

    def matches(self, words: Sequence[str], lang: Lang) -> bool:
        """Whether ``words`` begin with this alias."""
        if len(words) < len(self.words) or self.lang not in (None, lang):
            return False
        *first, last = self.words
        found = words[len(first)]
        return all(_same_case(one, other) for one, other in zip(first, words, strict=False)) and (
            _same_case(last, found)
            or (self.open_end and _lower_first(found).startswith(_lower_first(last)) and _cased(last, found))
        )


def _lower_first(word: str) -> str:
    return word[:1].lower() + word[1:]


def _cased(alias: str, word: str) -> bool:
    return alias[0].islower() or word[0].isupper()


def _same_case(alias: str, word: str) -> bool:
    """Alike, where an adjective in lower case may begin a sentence."""
    return alias == word or (alias[0].islower() and alias == _lower_first(word))


class Source:
    """The names and words of texts against which names are checked."""

    def __init__(self, texts: Iterable[str], langs: Iterable[Lang]) -> None:
        """From texts and their languages, in the same order."""
        words: list[str] = []
        keys: set[str] = set()
        for text, lang in zip(texts, langs, strict=True):
            found = _words(text)
            words += found
            keys |= {alias.key for alias in _aliases_in(found, lang)}
        self.keys = keys | {_IMPLIED[key] for key in keys if key in _IMPLIED}
        self._forms = {form for word in words for form in _forms(word)}

    def holds(self, word: str) -> bool:
        """Whether the word stands there, up to an ending and to transliteration."""
        return not self._forms.isdisjoint(_forms(word))


def unsupported(text: str, lang: Lang, source: Source) -> list[str]:
    """Names of ``text`` that ``source`` does not hold, in order."""
    text = _normal(DESIGNATION.sub(" ; ", text))
    words = _WORD.findall(text)
    named_too = _beside_names(text, lang) if lang == "en" else frozenset()
    missing: list[str] = []
    at = 0
    while at < len(words):
        alias = _alias_at(words, at, lang)
        if alias is not None:
            named = words[at : at + len(alias.words)]
            if alias.key not in source.keys and not all(source.holds(word) for word in named):
                missing.append(" ".join(named))
            at += len(named)
            continue
        if (at in named_too or _is_name(words[at], lang)) and not source.holds(words[at]):
            missing.append(words[at])
        at += 1
    return missing


def _beside_names(text: str, lang: Lang) -> frozenset[int]:
    """Which words of an English text are names because they stand beside one: "Tae" in "Cho Tae Yul", "by Mark Rutte".

    Not at the beginning of a sentence, where any word has its capital, and no offices.
    """
    found = list(_WORD.finditer(text))
    beside: set[int] = set()
    for at, (one, other) in enumerate(pairwise(found)):
        if text[one.end() : other.start()] not in (" ", "-"):
            continue
        if _is_name(one[0], lang) and _may_be_name(other[0], lang):
            beside.add(at + 1)
        inside = bool(re.search(r"[\w,] $", text[: one.start()]))
        if inside and _is_name(other[0], lang) and _may_be_name(one[0], lang):
            beside.add(at)
    return frozenset(beside)


def _may_be_name(word: str, lang: Lang) -> bool:
    return len(word) > 1 and word[0].isupper() and word.lower() not in _plain(lang)


def _normal(text: str) -> str:
    return _ABBREVIATION.sub(lambda match: match[0].replace(".", ""), unicodedata.normalize("NFC", text))


def _words(text: str) -> list[str]:
    return _WORD.findall(_normal(text))


def _is_name(word: str, lang: Lang) -> bool:
    if not word[0].isupper() or len(word) == 1 or is_month(word):
        return False
    if word.isupper():  # an acronym, or a shout: neither is a common word
        return word.lower() not in _plain(lang)
    folded = word.lower()
    return folded not in _plain(lang) and not _is_common(folded, lang)


def _is_common(word: str, lang: Lang) -> bool:
    known = _common(lang)
    endings = ("s", "es", "n", "en") if lang == "de" else ("s", "es")
    stems = [word, *(word.removesuffix(ending) for ending in endings if word.endswith(ending))]
    if not known.isdisjoint(stems):
        return True
    return lang == "de" and any(_is_compound(stem) for stem in stems)


@lru_cache(maxsize=1 << 12)
def _is_compound(word: str) -> bool:
    known = _common("de")
    for at in range(_PART, len(word) - _PART):
        tail, first = word[at:], word[:at]
        if tail not in known or tail in _NAME_ENDS:
            continue
        if any(
            first.endswith(link) and len(first) - len(link) >= _PART and first[: len(first) - len(link)] in known
            for link in _LINKS
        ):
            return True
        if _is_compound(first) or (first.endswith("s") and _is_compound(first[:-1])):
            return True
    return False


def _forms(word: str) -> Iterator[str]:
    """The word without its ending and in a spelling that transliterations share."""
    if len(word) < _SKELETON:
        yield word.casefold()
        return
    yield skeleton(word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SKELETON:
            yield skeleton(word[: -len(ending)])


@lru_cache(maxsize=1 << 12)
def skeleton(word: str) -> str:
    """The word in a spelling that transliterations into German and English share: Schoigu and Shoigu are ``shoigu``."""
    folded = "".join(c for c in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(c))
    for one, other in _SOUNDS:
        folded = folded.replace(one, other)
    return re.sub(r"(.)\1+", r"\1", folded)


def _aliases_in(words: Sequence[str], lang: Lang) -> Iterator[_Alias]:
    at = 0
    while at < len(words):
        alias = _alias_at(words, at, lang)
        if alias is not None:
            yield alias
        at += len(alias.words) if alias is not None else 1


def _alias_at(words: Sequence[str], at: int, lang: Lang) -> _Alias | None:
    """The longest alias that begins there."""
    start = words[at][:2].lower()
    found = [alias for alias in _aliases().get(start, ()) if alias.matches(words[at : at + 6], lang)]
    return max(found, key=lambda alias: len(alias.words), default=None)


@cache
def _aliases() -> dict[str, tuple[_Alias, ...]]:
    """Aliases by their first two letters in lower case."""
    table: dict[str, list[_Alias]] = {}
    for kind, names in _tables().items():
        for key, listed in names.items() if kind != "plain" else ():
            for entry in listed.split(";"):
                name = entry.strip()
                german = name.startswith("de:")
                words = tuple(_words(name.removeprefix("de:")))
                alias = _Alias(words, name.endswith("*"), key, "de" if german else None)
                table.setdefault(words[0][:2].lower(), []).append(alias)
    return {start: tuple(aliases) for start, aliases in table.items()}


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads((_DATA / "names.toml").read_text(encoding="utf-8"))


@cache
def _plain(lang: Lang) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(_tables()["plain"][lang]))


@cache
def _common(lang: Lang) -> frozenset[str]:
    lines = (_DATA / f"common_words_{lang}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#")) | _plain(lang)
